#include "events/listener.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace reeve::events {

using base::ErrorKind;
using base::failure;
using base::Result;

namespace {

constexpr std::string_view acknowledgement = "RESULT 2\nOKREADY\n";
/// supervisord writes a payload at once, unless it is larger than a pipe.
constexpr base::Duration pause = std::chrono::milliseconds(200);

/// Bytes that follow the first of a code point. What is not UTF-8 counts byte by byte.
unsigned continuation_bytes(char first) {
  const auto byte = static_cast<unsigned char>(first);
  if (byte < 0xC0) {
    return 0;
  }
  return byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
}

}  // namespace

Result<Streams> take_standard_streams() {
  Streams streams{.input = base::Descriptor(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)),
                  .output = base::Descriptor(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3))};
  const base::Descriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!streams.input.valid() || !streams.output.valid() || !null.valid() ||
      ::dup2(null.get(), STDIN_FILENO) < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    return failure(ErrorKind::internal, "cannot take standard input and output for events: " +
                                            std::generic_category().message(errno));
  }
  return streams;
}

Result<void> EventParser::feed(std::string_view bytes, const Sink& sink) {
  while (!bytes.empty() && !broken_) {
    if (!header_) {
      if (const auto taken = take_header(bytes); !taken) {
        broken_ = taken.error();
      }
    } else {
      take_payload(bytes);
    }
    if (header_ && complete()) {
      finish(sink);
    }
  }
  return broken_ ? Result<void>(failure(*broken_)) : Result<void>{};
}

Result<void> EventParser::take_header(std::string_view& bytes) {
  const std::size_t newline = bytes.find('\n');
  event_.header += bytes.substr(0, newline);
  bytes.remove_prefix(std::min(newline, bytes.size() - 1) + 1);
  if (event_.header.size() > max_header_bytes) {
    return failure(ErrorKind::malformed, "supervisord sent an event header without an end");
  }
  if (newline == std::string_view::npos) {
    return {};
  }
  return parse_header(event_.header).map([&](EventHeader header) { header_ = std::move(header); });
}

void EventParser::take_payload(std::string_view& bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !complete()) {
    const char byte = bytes[taken++];
    ++bytes_;
    if (missing_ > 0) {
      --missing_;
    } else {
      ++code_points_;
      missing_ = continuation_bytes(byte);
    }
  }
  const std::size_t room = max_payload_kept - event_.payload.size();
  event_.payload += bytes.substr(0, std::min(taken, room));
  bytes.remove_prefix(taken);
}

bool EventParser::complete() const {
  return unit_ == Unit::bytes ? bytes_ >= header_->length
                              : code_points_ >= header_->length && missing_ == 0;
}

bool EventParser::awaits_pause() const {
  // With more than `len` bytes they were code points.
  return unit_ == Unit::undecided && header_ && bytes_ == header_->length;
}

bool EventParser::input_paused(const Sink& sink) {
  if (!awaits_pause()) {
    return false;
  }
  unit_ = Unit::bytes;
  finish(sink);
  return true;
}

void EventParser::finish(const Sink& sink) {
  if (unit_ == Unit::undecided && bytes_ != header_->length) {
    unit_ = Unit::code_points;
  }
  const EventHeader header = *std::exchange(header_, std::nullopt);
  bytes_ = code_points_ = 0;
  missing_ = 0;
  sink(header, std::exchange(event_, {}));
}

Result<void> Listener::write(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t written = ::write(output_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      return failure(ErrorKind::unreachable, "cannot answer supervisord on standard output: " +
                                                 std::generic_category().message(errno));
    }
    bytes.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
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
    return Input::closed;
  }
  last_input_ = clock_->steady_now();
  Result<void> answered;
  const auto fed = parser_.feed({buffer.data(), static_cast<std::size_t>(got)},
                                [&](const EventHeader& header, RawEvent event) {
                                  consumer(header, std::move(event));
                                  answered = answered ? write(acknowledgement) : answered;
                                });
  return fed.and_then([&] { return answered; }).map([] { return Input::open; });
}

WaitUntil Listener::wait_until() const {
  return parser_.awaits_pause() ? WaitUntil(last_input_ + pause) : std::nullopt;
}

Result<Listener::Input> Listener::handle(bool readable, const EventParser::Sink& consumer) {
  if (readable) {
    return read(consumer);
  }
  const WaitUntil pause_end = wait_until();
  if (!pause_end || clock_->steady_now() < *pause_end) {
    return Input::open;
  }
  parser_.input_paused(consumer);
  return write(acknowledgement).map([] { return Input::open; });
}

EventReader::EventReader(Streams streams, EventSource source, Inbox& inbox,
                         const base::Clock& clock)
    : streams_(std::move(streams)), source_(std::move(source)), inbox_(&inbox), clock_(&clock) {}

Result<void> EventReader::run(const std::stop_token& stop) {
  Listener listener(std::move(streams_), *clock_);
  PoolStream pool(source_, *inbox_);
  const auto consumer = [&](const EventHeader& header, const RawEvent& event) {
    pool.put(header, event.payload,
             {.steady = clock_->steady_now(), .system = clock_->system_now()});
  };
  const StopEvent stopped(stop);
  if (auto ready = listener.send_ready(); !ready) {
    return ready;
  }
  for (;;) {
    std::array waited = {pollfd{listener.input(), POLLIN, 0},
                         pollfd{stopped.descriptor(), POLLIN, 0}};
    ::poll(waited.data(), waited.size(), poll_timeout(listener.wait_until(), clock_->steady_now()));
    if (stop.stop_requested()) {
      return failure(ErrorKind::cancelled, "stopped while waiting for events");
    }
    const auto input = listener.handle(waited[0].revents != 0, consumer);
    if (!input || *input == Listener::Input::closed) {
      return input.map([](Listener::Input) {});
    }
  }
}

}  // namespace reeve::events
