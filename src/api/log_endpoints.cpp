// Logs of processes: the end of a log, a range of it, or everything from now on.

#include "api/log_endpoints.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "api/http_helpers.h"
#include "api/open_streams.h"
#include "api/process_endpoints.h"
#include "api/routes.h"
#include "base/text.h"
#include "reeve/base/deadline.h"

namespace reeve::api {

using substrate::LogRange;
using substrate::LogStream;

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t default_range_bytes = std::uint64_t{64} * 1024;
constexpr std::uint64_t max_range_bytes = std::uint64_t{1024} * 1024;
/// supervisord sends so many bytes of the past when a log is followed.
constexpr std::uint64_t tail_bytes = 1024;
/// In place of bytes that are not UTF-8, where supervisord cannot send them: U+FFFD.
constexpr std::string_view replacement = "\xEF\xBF\xBD";
/// Following has no end of its own.
constexpr base::Duration follow_timeout = 24h * 365;
/// How long a client may fail to read before it is cut off; meanwhile supervisord's connection is
/// not read either.
constexpr base::Duration slow_client_timeout = 10s;

constexpr StreamKind followed_logs{
    .name = "followed logs",
    .scope = Scope::logs,
    .places = LogFollowers::max_followers,
    .full = "too_many_followers",
    .last_word =
        "\nreeve: this log is not followed any more: the configuration no longer grants it\n"};

struct LogQuery {
  std::uint64_t bytes = default_range_bytes;
  std::optional<std::uint64_t> offset;
  bool follow = false;
};

/// A log of a known process, and the supervisord to read it from.
struct LogSource {
  guards::Target target;
  LogStream stream;
  std::shared_ptr<substrate::Logs> logs;
  base::Deadline deadline;

  [[nodiscard]] tl::expected<std::string, Problem> read(const LogRange& range) const {
    return logs->read_log(target.name, stream, range, deadline)
        .map_error([&](const base::Error& error) { return log_problem(error, target.name); });
  }
  /// 404 if the process has no log.
  [[nodiscard]] tl::expected<std::uint64_t, Problem> size() const {
    const auto bytes = logs->log_size(target.name, stream, deadline);
    if (!bytes) {
      return tl::unexpected(log_problem(bytes.error(), target.name));
    }
    if (*bytes == 0) {  // also where there is no log: reading tells
      return read({LogRange::From::end, 0, 1}).map([](const auto&) { return std::uint64_t{0}; });
    }
    return *bytes;
  }
};

tl::expected<std::optional<std::uint64_t>, Problem> byte_count(const http::Request& request,
                                                               const std::string& parameter) {
  const auto text = request.parameter(parameter);
  const auto number = base::parse_number<std::uint64_t>(text.value_or("0"));
  if (!number) {
    return tl::unexpected(malformed_request("'" + parameter + "' must be a number of bytes"));
  }
  return text ? number : std::nullopt;
}

tl::expected<LogQuery, Problem> query_of(const http::Request& request) {
  const auto bytes = byte_count(request, "bytes");
  const auto offset = byte_count(request, "offset");
  const std::string follow = request.parameter("follow").value_or("false");
  for (const auto& number : {bytes, offset}) {
    if (!number) {
      return tl::unexpected(number.error());
    }
  }
  if (*bytes > max_range_bytes) {
    return tl::unexpected(malformed_request("'bytes' is at most " +
                                            std::to_string(max_range_bytes) +
                                            ": read on at the offset that Log-Next-Offset tells"));
  }
  if (!follow.empty() && follow != "true" && follow != "false") {
    return tl::unexpected(malformed_request("'follow' is true or false"));
  }
  if (*offset && follow != "false") {
    return tl::unexpected(
        malformed_request("'follow' begins at the end: it takes 'bytes' of it, but no 'offset'"));
  }
  return LogQuery{.bytes = bytes->value_or(default_range_bytes),
                  .offset = *offset,
                  .follow = follow != "false"};
}

tl::expected<LogSource, Problem> source_of(const RequestContext& context, LogStream stream) {
  const auto snapshot = context.deps.snapshot();
  auto target = readable_process_address(context, *snapshot);
  if (!target) {
    return tl::unexpected(std::move(target.error()));
  }
  const monitor::SupervisorSnapshot& supervisor = *snapshot->find(target->supervisor);
  if (!supervisor.up || supervisor.find(target->name) == nullptr) {
    return tl::unexpected(unknown_process(*target, supervisor));
  }
  const auto& members = context.deps.members;
  const auto member = std::find_if(members.begin(), members.end(), [&](const auto& candidate) {
    return candidate.name == target->supervisor;
  });
  if (member == members.end() || !member->logs) {
    return tl::unexpected(Problem{.status = 501,
                                  .type = "not_implemented",
                                  .detail = "logs of this supervisord cannot be read"});
  }
  return LogSource{*std::move(target), stream, member->logs,
                   base::Deadline::after(context.clock, member->call_timeout)};
}

/// How many bytes from this offset on are left out of the text since they end a character that
/// begins before it.
tl::expected<std::uint64_t, Problem> left_out_at(const LogSource& source, std::uint64_t offset) {
  constexpr std::uint64_t rest_and_character = 3 + 4;
  for (std::uint64_t length = 1; length <= rest_and_character; ++length) {
    const auto text = source.read({LogRange::From::start, offset, length});
    if (!text || !text->empty()) {
      return text.map([&](const std::string& read) {
        return length - std::min<std::uint64_t>(length, read.size());
      });
    }
  }
  return 0U;
}

/// Where the next range begins. A character cut at the end is left out of this range and read with
/// the next one; where bytes were replaced, the text does not show the cut.
tl::expected<std::uint64_t, Problem> next_offset(const LogSource& source, const LogRange& range,
                                                 const std::string& text) {
  const bool is_cut =
      !text.empty() && text.size() < range.length && text.find(replacement) == std::string::npos;
  if (!is_cut) {
    return range.offset + range.length;
  }
  return left_out_at(source, range.offset).map([&](std::uint64_t left_out) {
    return range.offset + left_out + text.size();
  });
}

EndpointResult read_range(const LogSource& source, const LogQuery& query) {
  const auto size = source.size();
  if (!size) {
    return tl::unexpected(size.error());
  }
  if (query.offset > *size) {
    return tl::unexpected(Problem{.status = 416,
                                  .type = "beyond_end",
                                  .detail = "the log has " + std::to_string(*size) +
                                            " bytes: it was rotated or cleared, begin at offset 0",
                                  .process = source.target.name.full()});
  }
  LogRange range{LogRange::From::start, 0, 0};
  range.offset = query.offset.value_or(*size - std::min(*size, query.bytes));
  range.length = std::min(query.bytes, *size - range.offset);
  auto text = range.length > 0 ? source.read(range) : std::string();
  if (!text) {
    return tl::unexpected(text.error());
  }
  const auto next = query.offset ? next_offset(source, range, *text) : *size;
  if (!next) {
    return tl::unexpected(next.error());
  }
  const bool is_utf8 = base::is_utf8(*text);
  http::Response response =
      make_response(200, is_utf8 ? "text/plain; charset=utf-8" : "text/plain", *std::move(text));
  response.headers.push_back({"Log-Size", std::to_string(*size)});
  response.headers.push_back({"Log-Next-Offset", std::to_string(*next)});
  return response;
}

/// The last `bytes` of a log of this size, byte for byte; empty where supervisord cannot send that.
tl::expected<std::string, Problem> exact_end(const LogSource& source, std::uint64_t size,
                                             std::uint64_t bytes) {
  if (bytes == 0) {
    return std::string();
  }
  return source.read({LogRange::From::start, size - bytes, bytes}).map([&](std::string text) {
    const bool exact = text.size() == bytes && text.find(replacement) == std::string::npos;
    return exact ? std::move(text) : std::string();
  });
}

EndpointResult follow_from_end(const RequestContext& context, const LogSource& source,
                               std::uint64_t bytes) {
  const auto size = source.size();
  if (!size) {
    return tl::unexpected(size.error());
  }
  const std::uint64_t tail = std::min(tail_bytes, *size);
  const std::uint64_t more = std::min(std::max(bytes, tail), *size) - tail;
  const auto before_tail =
      more > 0 ? source.read({LogRange::From::start, *size - tail - more, more}) : std::string();
  if (!before_tail) {
    return tl::unexpected(before_tail.error());
  }
  const auto known_end = exact_end(source, *size, tail);
  if (!known_end) {
    return tl::unexpected(known_end.error());
  }
  http::ResponseStream stream = http::make_stream();
  if (auto placed = context.open_stream(followed_logs, stream.writer); !placed) {
    return tl::unexpected(std::move(placed.error()));
  }
  if (!before_tail->empty()) {
    stream.writer.write(*before_tail);
  }
  const bool started = context.request.method == http::Method::head ||
                       context.followers.start({.logs = source.logs,
                                                .name = source.target.name,
                                                .stream = source.stream,
                                                .known_end = *known_end,
                                                .skip = tail - std::min(tail, bytes),
                                                .writer = stream.writer});
  if (!started) {
    return tl::unexpected(Problem{.status = 503,
                                  .type = std::string(followed_logs.full),
                                  .detail = "following a log that was left has not ended yet",
                                  .headers = {{"Retry-After", "10"}}});
  }
  http::Response response = make_response(200, "text/plain", "");
  response.body = std::move(stream.reader);
  return response;
}

EndpointResult show_log(const RequestContext& context, LogStream stream) {
  const auto query = query_of(context.request);
  if (!query) {
    return tl::unexpected(query.error());
  }
  const auto source = source_of(context, stream);
  if (!source) {
    return tl::unexpected(source.error());
  }
  return query->follow ? follow_from_end(context, *source, query->bytes)
                       : read_range(*source, *query);
}

/// `known_end` and what `tail` has beyond it. They overlap, unless more was written between the two
/// reads than the tail holds.
std::string joined(const std::string& known_end, std::string_view tail) {
  std::size_t common = std::min(known_end.size(), tail.size());
  while (!known_end.ends_with(tail.substr(0, common))) {
    --common;
  }
  return known_end + std::string(tail.substr(common));
}

void follow(const FollowedLog& log, const base::Deadline& deadline) {
  std::uint64_t skip = log.skip;
  const auto send = [&](std::string_view bytes) {
    const std::size_t skipped = std::min<std::uint64_t>(skip, bytes.size());
    skip -= skipped;
    bytes.remove_prefix(skipped);
    return bytes.empty() || log.writer.write(bytes, slow_client_timeout);
  };
  std::string tail;
  bool is_joined = log.known_end.empty();
  const auto receive = [&](std::string_view bytes) {
    if (is_joined) {
      return send(bytes);
    }
    tail += bytes;
    is_joined = tail.size() >= log.known_end.size();
    return !is_joined || send(joined(log.known_end, tail));
  };
  const auto followed = log.logs->follow_log(log.name, log.stream, receive, deadline);
  if (!is_joined) {
    (void)send(joined(log.known_end, tail));
  }
  // The status was sent long before: a last line is all that can tell why this is the end.
  if (!followed && followed.error().kind != base::ErrorKind::cancelled) {
    (void)log.writer.write("\nreeve: this log is not followed any more: " +
                               base::to_utf8(followed.error().message) + "\n",
                           slow_client_timeout);
  }
}

}  // namespace

EndpointResult show_stdout_log(const RequestContext& context) {
  return show_log(context, LogStream::standard_output);
}

EndpointResult show_stderr_log(const RequestContext& context) {
  return show_log(context, LogStream::standard_error);
}

LogFollowers::LogFollowers(const base::Clock& clock) : clock_(clock), threads_(max_followers) {}

bool LogFollowers::start(const FollowedLog& log) {
  return threads_.start(log.writer, [this, log](const std::stop_token& stop) {
    follow(log, base::Deadline::after(clock_, follow_timeout, stop));
  });
}

}  // namespace reeve::api
