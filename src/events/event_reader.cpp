#include "events/event_reader.h"

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "events/intake.h"
#include "events/listener.h"
#include "events/stop_descriptor.h"

namespace reeve::events {

using base::ErrorKind;
using base::failure;
using base::Result;

Result<Streams> take_standard_streams() {
  Streams streams{base::Descriptor(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)),
                  base::Descriptor(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3))};
  const base::Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!streams.input.valid() || !streams.output.valid() || !nothing.valid() ||
      ::dup2(nothing.get(), STDIN_FILENO) < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    return failure(ErrorKind::internal, "cannot take standard input and output for events: " +
                                            std::generic_category().message(errno));
  }
  return streams;
}

EventReader::EventReader(Streams streams, Source source, Inbox& inbox, const base::Clock& clock)
    : streams_(std::move(streams)), source_(std::move(source)), inbox_(&inbox), clock_(&clock) {}

Result<void> EventReader::run(const std::stop_token& stop) {
  Listener listener(std::move(streams_), *clock_);
  Intake intake(source_, *inbox_);
  const auto consumer = [&](const RawEvent& event) {
    intake.put(event, {clock_->steady_now(), clock_->system_now()});
  };
  const StopDescriptor stopped(stop);
  if (auto greeted = listener.say_ready(); !greeted) {
    return greeted;
  }
  for (;;) {
    std::array waited = {pollfd{listener.input(), POLLIN, 0}, pollfd{stopped.get(), POLLIN, 0}};
    ::poll(waited.data(), waited.size(), milliseconds_until(listener.due(), clock_->steady_now()));
    if (stop.stop_requested()) {
      return failure(ErrorKind::cancelled, "stopped while waiting for events");
    }
    const auto input = listener.attend(waited[0].revents != 0, consumer);
    if (!input || *input == Listener::Input::ended) {
      return input.map([](Listener::Input) {});
    }
  }
}

}  // namespace reeve::events
