#include "events/listener.h"

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace reeve::events {

using base::ErrorKind;
using base::failure;
using base::Result;

namespace {

constexpr std::string_view acknowledged = "RESULT 2\nOKREADY\n";
/// supervisord writes a payload in one go, but for one that is larger than a pipe.
constexpr base::Duration pause = std::chrono::milliseconds(200);

}  // namespace

Result<void> Listener::say(std::string_view words) const {
  while (!words.empty()) {
    const ssize_t written = ::write(output_.get(), words.data(), words.size());
    if (written < 0 && errno != EINTR) {
      return failure(ErrorKind::unreachable, "cannot answer supervisord on standard output: " +
                                                 std::generic_category().message(errno));
    }
    words.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return {};
}

Result<Listener::Input> Listener::read(const EventParser::Sink& consumer) {
  std::array<char, std::size_t{64} * 1024> buffer{};
  const ssize_t got = ::read(input_.get(), buffer.data(), buffer.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
    return Input::open;
  }
  if (got < 0) {
    return failure(ErrorKind::unreachable, "cannot read events from standard input: " +
                                               std::generic_category().message(errno));
  }
  if (got == 0) {
    return Input::ended;
  }
  last_input_ = clock_->steady_now();
  Result<void> answered;
  const auto fed =
      parser_.feed({buffer.data(), static_cast<std::size_t>(got)}, [&](RawEvent event) {
        consumer(std::move(event));
        answered = answered ? say(acknowledged) : answered;
      });
  return fed.and_then([&] { return answered; }).map([] { return Input::open; });
}

Due Listener::due() const {
  return parser_.awaits_pause() ? Due(last_input_ + pause) : std::nullopt;
}

Result<Listener::Input> Listener::attend(bool readable, const EventParser::Sink& consumer) {
  return readable ? read(consumer) : notice_pause(consumer);
}

Result<Listener::Input> Listener::notice_pause(const EventParser::Sink& consumer) {
  const Due pause_ends = due();
  if (!pause_ends || clock_->steady_now() < *pause_ends) {
    return Input::open;
  }
  auto event = parser_.input_paused();
  consumer(std::move(*event));
  return say(acknowledged).map([] { return Input::open; });
}

}  // namespace reeve::events
