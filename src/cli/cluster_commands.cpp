// What all hosts share, through the caller's own agent: members, limits and who holds their slots.

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/agent_api.h"
#include "cli/agent_commands.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "http/grammar.h"
#include "json/json.h"

namespace reeve::cli {
namespace {

using http::percent_encode;
using nlohmann::ordered_json;
using Method = AgentRequest::Method;

const std::string limits_path = "/api/v1/fleet/limits";
const std::string members_path = "/api/v1/fleet/members";

/// `group` of the counts by state, like `web 3 RUNNING, 1 FATAL`.
std::string counts_of(const ordered_json& states) {
  std::string text;
  for (const auto& [state, count] : states.items()) {
    text += (text.empty() ? "" : ", ") + count.dump() + " " + state;
  }
  return text;
}

std::string groups_of(const ordered_json& member) {
  std::string text;
  const auto groups = member.find("groups");
  if (groups == member.end() || !groups->is_object()) {
    return "";
  }
  for (const auto& [group, states] : groups->items()) {
    text +=
        (text.empty() ? "" : "; ") + group + ": " + (states.is_object() ? counts_of(states) : "");
  }
  return text;
}

std::vector<Row> member_rows(const ordered_json& members) {
  std::vector<Row> rows = {
      {{"MEMBER"}, {"STATE"}, {"METRICS"}, {"VERSION"}, {"PROBLEMS"}, {"PROCESSES"}}};
  for (const ordered_json& member : members) {
    const bool alive = is_true(member, "alive");
    const auto problems = member.is_object() ? member.find("problems") : member.end();
    const std::size_t count =
        problems != member.end() && problems->is_array() ? problems->size() : 0;
    rows.push_back({{text_of(member, "name") + (is_true(member, "self") ? " (this)" : "")},
                    {alive ? "alive" : "not alive", alive ? Style::good : Style::bad},
                    {text_of(member, "metrics")},
                    {text_of(member, "version")},
                    {std::to_string(count), count > 0 ? Style::bad : Style::plain},
                    {groups_of(member)}});
  }
  return rows;
}

/// A row for each holder, and one for a limit that has none.
std::vector<Row> limit_rows(const ordered_json& limits) {
  std::vector<Row> rows = {
      {{"LIMIT"}, {"AT ONCE"}, {"BUDGET"}, {"HELD BY"}, {"PROCESS"}, {"OPERATION"}, {"SINCE"}}};
  for (const ordered_json& limit : limits) {
    const std::string budget = text_of(limit, "budget");
    const auto holders = limit.is_object() ? limit.find("holders") : limit.end();
    const bool is_held = holders != limit.end() && holders->is_array() && !holders->empty();
    const std::string at_once =
        std::to_string(is_held ? holders->size() : 0) + "/" + text_of(limit, "at_once");
    const std::string used = budget.empty() ? "" : text_of(limit, "budget_used") + " of " + budget;
    if (!is_held) {
      rows.push_back({{text_of(limit, "name")}, {at_once}, {used}, {""}, {""}, {""}, {""}});
      continue;
    }
    for (const ordered_json& holder : *holders) {
      const bool failed = is_true(holder, "failed");
      rows.push_back({{text_of(limit, "name")},
                      {at_once},
                      {used},
                      {text_of(holder, "host") + (failed ? " (failed)" : ""),
                       failed ? Style::bad : Style::plain},
                      {text_of(holder, "process")},
                      {text_of(holder, "operation")},
                      {text_of(holder, "since")}});
    }
  }
  return rows;
}

/// As Prometheus' file_sd and http_sd read them.
ordered_json targets_of(const ordered_json& members) {
  ordered_json list = ordered_json::array();
  for (const ordered_json& member : members) {
    const std::string metrics = text_of(member, "metrics");
    if (metrics.empty()) {
      continue;
    }
    ordered_json labels;
    labels["__meta_reeve_member"] = text_of(member, "name");
    labels["__meta_reeve_control"] = text_of(member, "control");
    labels["__meta_reeve_version"] = text_of(member, "version");
    const auto own = member.find("labels");
    if (own != member.end() && own->is_object()) {
      for (const auto& [name, value] : own->items()) {
        labels["__meta_reeve_label_" + name] = value;
      }
    }
    ordered_json target;
    target["targets"] = ordered_json::array({metrics});
    target["labels"] = std::move(labels);
    list.push_back(std::move(target));
  }
  return list;
}

std::string path_of_limit(const std::string& name) {
  return limits_path + "/" + percent_encode(name);
}

}  // namespace

int run(AgentSession& session, const ShowMembers&) {
  return print_list(session, members_path, "there are no members", member_rows);
}

int run(AgentSession& session, const ShowTargets&) {
  const auto response = session.send({Method::get, members_path, ""});
  if (!response) {
    return session.report(response.error());
  }
  session.output.write(json::to_indented_text(targets_of(*response)) + '\n');
  return exit_success;
}

int run(AgentSession& session, const ForgetMember& command) {
  return send_change(session, {Method::del, members_path + "/" + percent_encode(command.name), ""},
                     escaped(command.name) + ": forgotten");
}

int run(AgentSession& session, const ShowLimits&) {
  return print_list(session, limits_path, "there are no limits", limit_rows);
}

int run(AgentSession& session, const SetLimit& command) {
  ordered_json body;
  body["at_once"] = command.at_once;
  if (command.budget) {
    body["budget"] = *command.budget;
  }
  if (command.hold_failed) {
    body["hold_failed"] = *command.hold_failed;
  }
  return send_change(session, {Method::put, path_of_limit(command.name), json::to_text(body)},
                     escaped(command.name) + ": set for all hosts");
}

int run(AgentSession& session, const DeleteLimit& command) {
  return send_change(session, {Method::del, path_of_limit(command.name), ""},
                     escaped(command.name) + ": deleted");
}

int run(AgentSession& session, const ReleaseSlot& command) {
  return send_change(
      session,
      {Method::del, path_of_limit(command.limit) + "/holders/" + percent_encode(command.holder),
       ""},
      escaped(command.limit) + ": released by " + escaped(command.holder));
}

}  // namespace reeve::cli
