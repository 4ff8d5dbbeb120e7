// `reeve audit`: the agent's record of what was decided and done, filtered here, once or as it
// grows.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/agent_api.h"
#include "cli/agent_commands.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "http/grammar.h"
#include "json/json.h"
#include "substrate/selector.h"

namespace reeve::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t default_limit = 100;
/// The most that an agent answers with: what is searched for what a filter selects.
constexpr std::size_t searched_entries = 10'000;
constexpr std::size_t worth_a_notice = 1000;
constexpr std::chrono::seconds follow_interval{2};

/// Of an entry that stands for several also how many, and since when.
std::string audit_reason(const ordered_json& entry) {
  const std::string count = text_of(entry, "count");
  const std::string reason = text_of(entry, "reason");
  return count.empty() || count == "1"
             ? reason
             : count + " times since " + text_of(entry, "first") + ": " + reason;
}

const std::vector<std::string> audit_titles = {"AT",      "KIND",    "BY",    "ACTION",
                                               "PROCESS", "OUTCOME", "REASON"};

Row audit_row(const ordered_json& entry) {
  const std::string actor = text_of(entry, "actor");
  const std::string rule = text_of(entry, "rule");
  const std::string result = text_of(entry, "result");
  return {{text_of(entry, "at")},
          {text_of(entry, "kind")},
          {rule.empty() ? actor : "rule " + rule},
          {text_of(entry, "action")},
          {process_of(entry)},
          {result.empty() ? text_of(entry, "decision") : result},
          {audit_reason(entry)}};
}

/// What the command line asks of an entry.
class AuditFilter {
 public:
  static base::Result<AuditFilter> make(const ShowAudit& command) {
    AuditFilter filter(command);
    for (const std::string& name : command.names) {
      auto selector = substrate::Selector::parse(name);
      if (!selector) {
        return base::failure(selector.error());
      }
      filter.names_.push_back(*std::move(selector));
    }
    return filter;
  }

  [[nodiscard]] bool is_everything() const { return names_.empty() && !actor_ && !decision_; }

  [[nodiscard]] bool matches(const ordered_json& entry) const {
    const auto is = [&](const std::optional<std::string>& wanted, const char* one,
                        const char* other) {
      return !wanted || text_of(entry, one) == *wanted || text_of(entry, other) == *wanted;
    };
    return is(actor_, "actor", "rule") &&
           (is(decision_, "decision", "result") || waits_for_decision(entry)) &&
           matches_name(entry);
  }

 private:
  explicit AuditFilter(const ShowAudit& command)
      : actor_(command.actor), decision_(command.decision) {}

  /// A pending alert's reason begins with the word of its obstacle.
  [[nodiscard]] bool waits_for_decision(const ordered_json& entry) const {
    return text_of(entry, "decision") == "pending" &&
           text_of(entry, "reason").starts_with(*decision_ + ":");
  }

  [[nodiscard]] bool matches_name(const ordered_json& entry) const {
    const substrate::InstanceName name{text_of(entry, "group"), text_of(entry, "name")};
    const std::string supervisor = text_of(entry, "supervisor");
    const substrate::KnownNames known{
        .has_supervisor = [&](std::string_view each) { return each == supervisor; },
        .has_process =
            [&](std::string_view of, const substrate::InstanceName& each) {
              return of == supervisor && each == name;
            }};
    return names_.empty() || (!name.group.empty() &&
                              std::any_of(names_.begin(), names_.end(), [&](const auto& selector) {
                                return selector.covers(supervisor, name, known);
                              }));
  }

  std::vector<substrate::Selector> names_;
  std::optional<std::string> actor_;
  std::optional<std::string> decision_;
};

/// A span back from now, or what the agent takes.
bool is_since(const std::string& text) {
  return base::parse_duration(text) || base::parse_number<std::int64_t>(text) ||
         base::parse_rfc3339(text);
}

/// A span back from now is a time for the agent.
std::optional<std::string> since_of(const ShowAudit& command, const base::Clock& clock) {
  const auto span = base::parse_duration(command.since.value_or(""));
  return span ? base::to_rfc3339(clock.system_now() - *span) : command.since;
}

base::Result<ordered_json> fetch_audit(const AgentSession& session,
                                       const std::optional<std::string>& since, std::size_t limit) {
  std::string target = "/api/v1/audit?limit=" + std::to_string(limit);
  if (since) {
    target += "&since=" + http::percent_encode(*since);
  }
  return session.send({AgentRequest::Method::get, target});
}

/// The newest `limit` entries that the filter selects.
std::vector<ordered_json> selected_of(const ordered_json& entries, const AuditFilter& filter,
                                      std::size_t limit) {
  std::vector<ordered_json> selected;
  for (auto entry = entries.rbegin(); entry != entries.rend() && selected.size() < limit; ++entry) {
    if (filter.matches(*entry)) {
      selected.push_back(*entry);
    }
  }
  std::reverse(selected.begin(), selected.end());
  return selected;
}

void print_rows(const AgentSession& session, const std::vector<ordered_json>& entries,
                bool with_titles) {
  std::vector<Row> rows;
  if (with_titles) {
    Row& titles = rows.emplace_back();
    for (const std::string& title : audit_titles) {
      titles.push_back({title});
    }
  }
  std::transform(entries.begin(), entries.end(), std::back_inserter(rows), audit_row);
  session.output.write(render_table(rows, session.output.colored()));
}

void print_once(const AgentSession& session, const std::vector<ordered_json>& entries) {
  if (session.output.json()) {
    session.output.write(json::to_text(ordered_json(entries)) + '\n');
  } else if (entries.empty()) {
    session.output.message("nothing was recorded");
  } else {
    print_rows(session, entries, true);
  }
}

/// Which entries were printed. One that stands for several is counted on in place: it is printed
/// again once it stands for twice as many.
class PrintedEntries {
 public:
  /// Whether it is to be printed now; then it counts as printed.
  bool add(const ordered_json& entry) {
    const auto count = base::parse_number<std::uint64_t>(text_of(entry, "count")).value_or(1);
    ordered_json identity = entry;
    if (count > 1) {
      for (const char* member : {"at", "last", "count", "reason"}) {
        identity.erase(member);
      }
    }
    if (printed_.size() >= 2 * searched_entries) {
      printed_.clear();
    }
    std::uint64_t& before = printed_[identity.dump()];
    const bool is_news = before == 0 || count >= 2 * before;
    before = is_news ? count : before;
    return is_news;
  }

 private:
  std::map<std::string, std::uint64_t> printed_;
};

/// Until it is interrupted, or an error: a line for each entry.
int follow_audit(const AgentSession& session, std::optional<std::string> since,
                 const AuditFilter& filter, std::size_t limit) {
  const base::Clock& clock = *session.environment.clock;
  PrintedEntries printed;
  bool is_first = true;
  do {
    const auto entries =
        fetch_audit(session, since, is_first && filter.is_everything() ? limit : searched_entries);
    if (!entries) {
      return session.stop.stop_requested() ? exit_success : session.report(entries.error());
    }
    auto selected = selected_of(*entries, filter, is_first ? limit : searched_entries);
    std::erase_if(selected, [&](const ordered_json& entry) { return !printed.add(entry); });
    if (session.output.json()) {
      for (const ordered_json& entry : selected) {
        session.output.write(json::to_text(entry) + '\n');
      }
    } else if (is_first || !selected.empty()) {
      print_rows(session, selected, is_first);
    }
    if (!entries->empty()) {
      since = text_of(entries->back(), "at");
    }
    is_first = false;
  } while (!session.output.is_pipe_broken() &&
           clock.wait_until(clock.steady_now() + follow_interval, session.stop));
  return exit_success;
}

}  // namespace

int run(AgentSession& session, const ShowAudit& command) {
  const auto filter = AuditFilter::make(command);
  if (!filter) {
    return session.report(filter.error());
  }
  if (command.since && !is_since(*command.since)) {
    session.output.settings_error(
        {.file = "--since",
         .message = "expected a span back from now like 1h, a time like 2026-01-31T12:00:00Z, or "
                    "Unix seconds, found '" +
                    *command.since + "'"});
    return exit_usage;
  }
  const auto since = since_of(command, *session.environment.clock);
  const std::size_t limit = command.limit.value_or(default_limit);
  if (command.follow) {
    return follow_audit(session, since, *filter, limit);
  }
  const auto entries =
      fetch_audit(session, since, filter->is_everything() ? limit : searched_entries);
  if (!entries) {
    return session.report(entries.error());
  }
  const auto selected = selected_of(*entries, *filter, limit);
  print_once(session, selected);
  if (!filter->is_everything() && selected.size() < limit && entries->size() >= worth_a_notice) {
    session.output.notice("searched the newest " + std::to_string(entries->size()) +
                          " entries, back to " + text_of(entries->front(), "at") +
                          ": what is older, its files have");
  }
  return exit_success;
}

}  // namespace reeve::cli
