// A listener for supervisord to run in tests, made of the parts under test.
//
//   events_probe read FILE     appends a line to FILE for each event and each gap
//   events_probe relay SOCKET  relays events to SOCKET
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "events/relay.h"

namespace {

using namespace reeve;
using namespace reeve::events;

void write_down(Inbox& inbox, std::ofstream& file) {
  for (const Arrival& arrival : inbox.take()) {
    if (const Event* const event = std::get_if<Event>(&arrival.what)) {
      file << event->serials.pool_serial << ' ' << event->type;
      if (const auto* const change = std::get_if<StateChange>(&event->what)) {
        file << ' ' << change->name.full();
      }
    } else {
      file << "gap " << std::get<Gap>(arrival.what).events;
    }
    file << std::endl;  // for the test to see
  }
}

base::Result<void> run(const std::string& what, const std::string& where) {
  ::signal(SIGPIPE, SIG_IGN);
  auto streams = take_standard_streams();
  if (!streams) {
    return base::failure(streams.error());
  }
  std::cout << "what is printed does not reach supervisord" << std::endl;
  const base::SystemClock clock;
  if (what == "relay") {
    RelayOptions options;
    options.socket = where;
    const char* const url = std::getenv("SUPERVISOR_SERVER_URL");
    return relay_events(std::move(*streams), source_of_listener(url == nullptr ? "" : url), options,
                        clock, base::Log(base::make_stderr_sink({})), {});
  }
  std::ofstream file(where, std::ios::app);
  Inbox inbox([&] { write_down(inbox, file); });
  return EventReader(std::move(*streams), {}, inbox, clock).run({});
}

}  // namespace

int main(int argc, char** argv) {
  const auto result = argc == 3 ? run(argv[1], argv[2]) : base::Result<void>{};
  if (!result) {
    std::cerr << result.error().message << std::endl;
  }
  return argc == 3 && result ? EXIT_SUCCESS : EXIT_FAILURE;
}
