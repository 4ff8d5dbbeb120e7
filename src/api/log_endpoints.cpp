// What a process wrote: the end of its log, a range of it, or all that comes from now on.

#include <algorithm>
#include <string>

#include "api/answer.h"
#include "api/log_followers.h"
#include "api/problem.h"
#include "api/process_address.h"
#include "api/routes.h"
#include "base/text.h"

namespace reeve::api {

using base::ErrorKind;
using substrate::LogRange;
using substrate::LogStream;

namespace {

constexpr std::uint64_t default_bytes = std::uint64_t{64} * 1024;
constexpr std::uint64_t max_bytes = std::uint64_t{1024} * 1024;
/// What supervisord sends of the past when somebody begins to follow a log.
constexpr std::uint64_t followed_past = 1024;
constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

struct Wanted {
  std::uint64_t bytes = default_bytes;
  std::optional<std::uint64_t> offset;
  bool follow = false;
};

/// A log of a process that is known, and who can read it.
struct Source {
  guards::Target target;
  LogStream stream;
  std::shared_ptr<substrate::Logs> logs;
  base::Deadline deadline;

  [[nodiscard]] Problem problem_of(const base::Error& error) const {
    const bool no_log = error.kind == ErrorKind::no_file;
    return {.status = no_log ? 404 : http_status(error.kind),
            .type = std::string(no_log ? "no_log" : to_string(error.kind)),
            .detail = error.message,
            .process = target.name.full(),
            .fault = error.fault};
  }
  [[nodiscard]] base::Result<std::string> read(const LogRange& range) const {
    return logs->read_log(target.name, stream, range, deadline);
  }
  /// An error where there is no log, too: its size alone does not tell.
  [[nodiscard]] base::Result<std::uint64_t> size() const {
    auto bytes = logs->log_size(target.name, stream, deadline);
    if (bytes && *bytes == 0) {
      return read({LogRange::From::end, 0, 1}).map([](const auto&) { return std::uint64_t{0}; });
    }
    return bytes;
  }
};

tl::expected<std::optional<std::uint64_t>, Problem> number_of(const http::Request& request,
                                                              const std::string& parameter) {
  const auto text = request.parameter(parameter);
  const auto number = base::parse_number<std::uint64_t>(text.value_or("0"));
  if (!number) {
    return tl::unexpected(malformed_request("'" + parameter + "' must be a number of bytes"));
  }
  return text ? number : std::nullopt;
}

tl::expected<Wanted, Problem> wanted_by(const http::Request& request) {
  const auto bytes = number_of(request, "bytes");
  const auto offset = number_of(request, "offset");
  const std::string follow = request.parameter("follow").value_or("false");
  for (const auto& number : {bytes, offset}) {
    if (!number) {
      return tl::unexpected(number.error());
    }
  }
  if (*bytes > max_bytes) {
    return tl::unexpected(malformed_request("'bytes' is at most " + std::to_string(max_bytes) +
                                            ": read on at the offset that Log-Next-Offset tells"));
  }
  if (!follow.empty() && follow != "true" && follow != "false") {
    return tl::unexpected(malformed_request("'follow' is true or false"));
  }
  if (*offset && follow != "false") {
    return tl::unexpected(
        malformed_request("'follow' begins at the end: it takes 'bytes' of it, but no 'offset'"));
  }
  return Wanted{bytes->value_or(default_bytes), *offset, follow != "false"};
}

tl::expected<Source, Problem> source_of(const Call& call, LogStream stream) {
  const auto snapshot = call.around.snapshot();
  auto target = address_of(call, *snapshot);
  if (!target) {
    return tl::unexpected(std::move(target.error()));
  }
  const monitor::SupervisorSnapshot& supervisor = *snapshot->find(target->supervisor);
  if (!supervisor.up || supervisor.find(target->name) == nullptr) {
    return tl::unexpected(unknown_process(*target, supervisor));
  }
  const auto& members = call.around.members;
  const auto member = std::find_if(members.begin(), members.end(), [&](const auto& candidate) {
    return candidate.name == target->supervisor;
  });
  if (member == members.end() || !member->logs) {
    return tl::unexpected(Problem{.status = 501,
                                  .type = "not_implemented",
                                  .detail = "logs of this supervisord cannot be read"});
  }
  return Source{*std::move(target), stream, member->logs,
                base::Deadline::after(call.clock, member->call_timeout)};
}

http::Response text_answer(std::string text) {
  const bool utf8 = base::is_utf8(text);
  return answer(200, utf8 ? "text/plain; charset=utf-8" : "text/plain", std::move(text));
}

/// Where the next range begins, so that no character between the two is lost: one that was cut is
/// left out of both. Where bytes were replaced, that cannot be told from the text.
std::uint64_t end_of(const LogRange& range, const std::string& text) {
  const bool cut =
      !text.empty() && text.size() < range.length && text.find(replacement) == std::string::npos;
  return range.offset + (cut ? text.size() : range.length);
}

http::Response read_range(const Source& source, const Wanted& wanted, std::string_view path) {
  const auto size = source.size();
  if (!size) {
    return answer(source.problem_of(size.error()), path);
  }
  if (wanted.offset > *size) {
    return answer(Problem{.status = 416,
                          .type = "beyond_end",
                          .detail = "the log has " + std::to_string(*size) +
                                    " bytes: it was rotated or cleared, begin at offset 0",
                          .process = source.target.name.full()},
                  path);
  }
  LogRange range{LogRange::From::start, 0, 0};
  range.offset = wanted.offset.value_or(*size - std::min(*size, wanted.bytes));
  range.length = std::min(wanted.bytes, *size - range.offset);
  auto text = range.length > 0 ? source.read(range) : std::string();
  if (!text) {
    return answer(source.problem_of(text.error()), path);
  }
  const std::uint64_t next = wanted.offset ? end_of(range, *text) : *size;
  http::Response response = text_answer(*std::move(text));
  response.headers.push_back({"Log-Size", std::to_string(*size)});
  response.headers.push_back({"Log-Next-Offset", std::to_string(next)});
  return response;
}

/// The end of a log of this size, to be compared byte for byte; empty where it cannot be.
base::Result<std::string> exact_end(const Source& source, std::uint64_t size, std::uint64_t bytes) {
  if (bytes == 0) {
    return std::string();
  }
  return source.read({LogRange::From::start, size - bytes, bytes}).map([&](std::string text) {
    const bool exact = text.size() == bytes && text.find(replacement) == std::string::npos;
    return exact ? std::move(text) : std::string();
  });
}

http::Response follow_from_end(const Call& call, const Source& source, std::uint64_t bytes) {
  const auto size = source.size();
  if (!size) {
    return answer(source.problem_of(size.error()), call.request.path);
  }
  const std::uint64_t past = std::min(followed_past, *size);
  const std::uint64_t more = std::min(std::max(bytes, past), *size) - past;
  const auto before =
      more > 0 ? source.read({LogRange::From::start, *size - past - more, more}) : std::string();
  if (!before) {
    return answer(source.problem_of(before.error()), call.request.path);
  }
  const auto seen = exact_end(source, *size, past);
  if (!seen) {
    return answer(source.problem_of(seen.error()), call.request.path);
  }
  http::ResponseStream stream = http::make_stream();
  if (!before->empty()) {
    stream.writer.write(*before);
  }
  const bool started = call.request.method == http::Method::head ||
                       call.followers.start({source.logs, source.target.name, source.stream, *seen,
                                             past - std::min(past, bytes), stream.writer});
  if (!started) {
    return answer(Problem{.status = 503,
                          .type = "too_many_followers",
                          .detail = "as many logs are followed as may be, " +
                                    std::to_string(LogFollowers::max_followers) +
                                    ": end one, or read this one without follow",
                          .headers = {{"Retry-After", "10"}}},
                  call.request.path);
  }
  http::Response response = answer(200, "text/plain", "");
  response.body = std::move(stream.reader);
  return response;
}

http::Response show_log(const Call& call, LogStream stream) {
  const auto wanted = wanted_by(call.request);
  if (!wanted) {
    return answer(wanted.error(), call.request.path);
  }
  const auto source = source_of(call, stream);
  if (!source) {
    return answer(source.error(), call.request.path);
  }
  return wanted->follow ? follow_from_end(call, *source, wanted->bytes)
                        : read_range(*source, *wanted, call.request.path);
}

}  // namespace

http::Response show_stdout_log(const Call& call) {
  return show_log(call, LogStream::standard_output);
}

http::Response show_stderr_log(const Call& call) {
  return show_log(call, LogStream::standard_error);
}

}  // namespace reeve::api
