#include "app/event_sources.h"

#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "app/process.h"

namespace reeve::app {

bool is_listener(events::Options::Stream stream) {
  using Stream = events::Options::Stream;
  if (stream != Stream::automatic) {
    return stream == Stream::on;
  }
  struct stat input {};
  return environment_variable("SUPERVISOR_ENABLED").has_value() &&
         ::fstat(STDIN_FILENO, &input) == 0 && (S_ISFIFO(input.st_mode) || S_ISSOCK(input.st_mode));
}

EventSources::EventSources(events::Inbox& inbox, const base::Clock& clock, base::Log log)
    : inbox_(inbox), clock_(clock), log_(std::move(log)) {}

EventSources::~EventSources() {
  stop();
}

base::Result<void> EventSources::listen(const std::string& socket) {
  auto relays = events::RelayServer::listen(socket, inbox_, clock_, log_);
  if (!relays) {
    return base::failure(std::move(relays.error()));
  }
  relays_ = std::move(*relays);
  relay_thread_ = std::jthread([this](const std::stop_token& stop) {
    base::run_logged(log_, "serving relays", [&] { relays_->run(stop); });
  });
  return {};
}

void EventSources::read(events::Streams streams, events::EventSource source,
                        std::function<void(const base::Result<void>&)> on_end) {
  auto reader =
      std::make_shared<events::EventReader>(std::move(streams), std::move(source), inbox_, clock_);
  reader_thread_ =
      std::jthread([this, reader, on_end = std::move(on_end)](const std::stop_token& stop) {
        base::Result<void> ended =
            base::failure(base::ErrorKind::internal, "the event reader failed");
        base::run_logged(log_, "reading events", [&] { ended = reader->run(stop); });
        if (!stop.stop_requested()) {
          on_end(ended);
        }
      });
}

void EventSources::stop() {
  for (std::jthread* thread : {&reader_thread_, &relay_thread_}) {
    thread->request_stop();
  }
  for (std::jthread* thread : {&reader_thread_, &relay_thread_}) {
    if (thread->joinable()) {
      thread->join();
    }
  }
}

}  // namespace reeve::app
