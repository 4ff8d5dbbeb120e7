// The audit, which is read from its files entry by entry; and the record of refused requests.

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

#include "api/http_helpers.h"
#include "api/open_streams.h"
#include "api/routes.h"
#include "api/stream_threads.h"
#include "base/text.h"
#include "json/json.h"
#include "reeve/base/deadline.h"

namespace reeve::api {

using control::AuditEntry;
using control::AuditKind;
using control::AuditSelection;

namespace {

constexpr std::size_t default_audit_limit = 100;
constexpr std::size_t max_audit_limit = 10'000;
constexpr std::size_t max_audit_bytes = std::size_t{4} * 1024 * 1024;
/// A longer answer is streamed by a thread of its own, in pieces of about this size.
constexpr std::size_t max_bytes_in_memory = std::size_t{128} * 1024;
constexpr std::size_t piece_bytes = std::size_t{32} * 1024;
constexpr std::chrono::seconds audit_client_timeout{10};
constexpr StreamKind audit_answers{.name = "answers of the audit",
                                   .scope = Scope::read,
                                   .places = max_audit_streams,
                                   .full = "too_busy",
                                   .last_word = ""};
constexpr std::chrono::minutes audit_stream_timeout{2};

/// RFC 3339, or Unix seconds.
tl::expected<std::optional<base::SystemTime>, Problem> since_of(const http::Request& request) {
  auto text = request.parameter("since");
  if (!text) {
    return std::nullopt;
  }
  std::replace(text->begin(), text->end(), ' ', '+');  // an offset whose sign was not encoded
  constexpr std::int64_t last_second = 9'000'000'000;
  const auto seconds = base::parse_number<std::int64_t>(*text);
  if (seconds && *seconds >= 0 && *seconds <= last_second) {
    return base::SystemTime(std::chrono::seconds(*seconds));
  }
  const auto time = base::parse_rfc3339(*text);
  if (!time) {
    return tl::unexpected(malformed_request(
        "'since' is a time like 2026-01-31T12:00:00Z, or a number of Unix seconds"));
  }
  return time;
}

/// A kind of entry; nothing: all.
tl::expected<std::optional<AuditKind>, Problem> kind_of(const http::Request& request) {
  const auto text = request.parameter("kind");
  if (!text) {
    return std::nullopt;
  }
  for (const AuditKind kind : control::all_audit_kinds) {
    if (to_string(kind) == *text) {
      return kind;
    }
  }
  return tl::unexpected(malformed_request(
      "'kind' is one of " + base::join(control::all_audit_kinds, ", ", [](AuditKind kind) {
        return std::string(to_string(kind));
      })));
}

tl::expected<control::AuditQuery, Problem> audit_query_of(const http::Request& request) {
  const auto since = since_of(request);
  if (!since) {
    return tl::unexpected(since.error());
  }
  const auto kind = kind_of(request);
  if (!kind) {
    return tl::unexpected(kind.error());
  }
  const auto limit = base::parse_number<std::size_t>(
      request.parameter("limit").value_or(std::to_string(default_audit_limit)));
  if (!limit || *limit == 0 || *limit > max_audit_limit) {
    return tl::unexpected(
        malformed_request("'limit' is a number from 1 to " + std::to_string(max_audit_limit)));
  }
  return control::AuditQuery{
      .since = *since, .kind = *kind, .max_entries = *limit, .max_bytes = max_audit_bytes};
}

/// Which entries the client may read; null: all.
using MayRead = std::function<bool(const AuditEntry&)>;

/// What is about no single process or group may be about any: of these a token that does not read
/// everything sees its own alone, and where entries were lost.
MayRead readable_entries(const RequestContext& context) {
  auto may_read = context.reads();
  if (!may_read) {
    return nullptr;
  }
  return [may_read = std::move(may_read), name = context.actor.name](const AuditEntry& entry) {
    return entry.target ? may_read(*entry.target)
                        : entry.actor == name || entry.kind == AuditKind::gap;
  };
}

/// Hands the array on in pieces, until `send` returns false.
void write_entries(const AuditSelection& selection, const MayRead& may_read,
                   const std::function<bool(std::string_view)>& send) {
  std::string piece = "[";
  bool is_first = true;
  bool is_open = true;
  selection.for_each([&](const AuditEntry& entry) {
    if (may_read && !may_read(entry)) {
      return true;
    }
    piece += std::exchange(is_first, false) ? "" : ",";
    piece += json::to_text(json::to_json(entry));
    if (piece.size() >= piece_bytes) {
      is_open = send(std::exchange(piece, {}));
    }
    return is_open;
  });
  if (is_open) {
    (void)send(piece + "]");
  }
}

EndpointResult stream_entries(const RequestContext& context, AuditSelection selection) {
  http::ResponseStream stream = http::make_stream();
  const auto produce = [selection = std::make_shared<const AuditSelection>(std::move(selection)),
                        writer = stream.writer, may_read = readable_entries(context),
                        &clock = context.clock](const std::stop_token& stop) {
    const auto deadline = base::Deadline::after(clock, audit_stream_timeout, stop);
    write_entries(*selection, may_read, [&](std::string_view piece) {
      const auto wait = std::min<base::Duration>(audit_client_timeout, deadline.remaining());
      return !deadline.cancelled() && writer.write(piece, wait);
    });
  };
  if (auto placed = context.open_stream(audit_answers, stream.writer); !placed) {
    return tl::unexpected(std::move(placed.error()));
  }
  if (!context.audit_threads.start(stream.writer, produce)) {
    return tl::unexpected(Problem{.status = 503,
                                  .type = "too_busy",
                                  .detail = "the audit is read by as many clients as may: ask"
                                            " again, or for fewer entries",
                                  .headers = {{"Retry-After", "2"}}});
  }
  http::Response response = make_response(200, "application/json", "");
  response.body = std::move(stream.reader);
  return response;
}

}  // namespace

EndpointResult show_audit(const RequestContext& context) {
  const auto query = audit_query_of(context.request);
  if (!query) {
    return tl::unexpected(query.error());
  }
  auto selection = context.deps.audit->select(*query);
  if (!selection) {
    return tl::unexpected(state_problem(selection.error()));
  }
  if (selection->bytes() > max_bytes_in_memory && context.request.method != http::Method::head) {
    return stream_entries(context, *std::move(selection));
  }
  std::string body;
  if (context.request.method != http::Method::head) {
    write_entries(*selection, readable_entries(context), [&](std::string_view piece) {
      body += piece;
      return true;
    });
  }
  return make_response(200, "application/json", std::move(body));
}

void record_refused_request(const ControlApiDeps& deps, const base::Clock& clock,
                            const Principal& actor, std::string_view action,
                            const Problem& problem) {
  if (deps.audit == nullptr || actor.name.empty() || problem.status != 403) {
    return;
  }
  AuditEntry entry;
  entry.at = clock.system_now();
  entry.actor = actor.name;
  entry.action = action;
  entry.decision = problem.type;
  entry.reason = problem.detail;
  deps.audit->record_soon(std::move(entry));
}

}  // namespace reeve::api
