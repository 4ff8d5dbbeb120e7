// The commands that ask a running agent. Under --output json they print what it says, as it is.

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "http/grammar.h"
#include "json/json.h"

namespace reeve::cli {

using http::percent_encode;
using nlohmann::ordered_json;
using Method = AgentRequest::Method;

namespace {

/// A member as people read it; nothing for null, and for what an older or newer agent lacks.
std::string text_of(const ordered_json& object, const char* member) {
  const auto value = object.is_object() ? object.find(member) : object.end();
  if (value == object.end() || value->is_null()) {
    return "";
  }
  return value->is_string() ? value->get<std::string>() : value->dump();
}

bool is_true(const ordered_json& object, const char* member) {
  return text_of(object, member) == "true";
}

std::string process_of(const ordered_json& object) {
  const std::string supervisor = text_of(object, "supervisor");
  const std::string group = text_of(object, "group");
  const std::string name = text_of(object, "name");
  if (group.empty()) {
    return "";
  }
  const std::string prefix = supervisor.empty() ? "" : supervisor + "/";
  return prefix + (group == name ? name : group + ":" + (name.empty() ? "*" : name));
}

/// The answer itself, or what `table` makes of it; `none` if there is nothing in it.
template <class Table>
int show(const AgentSession& session, const std::string& target, const std::string& none,
         const Table& table) {
  const auto answer = session.ask({Method::get, target, ""});
  if (!answer) {
    return session.report(answer.error());
  }
  if (session.output.json()) {
    session.output.write(json::to_text(*answer) + '\n');
  } else if (answer->empty()) {
    session.output.remark(none);
  } else {
    session.output.write(render_table(table(*answer), session.output.colored()));
  }
  return exit_done;
}

/// Says that it is done.
int act(const AgentSession& session, const AgentRequest& request, const std::string& done) {
  const auto answer = session.ask(request);
  if (!answer) {
    return session.report(answer.error());
  }
  if (!session.output.json()) {
    session.output.remark(done);
  } else if (!answer->is_null()) {
    session.output.write(json::to_text(*answer) + '\n');
  }
  return exit_done;
}

std::string path_of_scope(const std::string& scope) {
  return "/api/v1/maintenance/" + percent_encode(scope);
}

std::vector<Row> maintenance_rows(const ordered_json& windows) {
  std::vector<Row> rows = {{{"SCOPE"}, {"UNTIL"}, {"BY"}, {"REASON"}}};
  for (const ordered_json& window : windows) {
    rows.push_back({{text_of(window, "scope")},
                    {text_of(window, "until")},
                    {text_of(window, "actor")},
                    {text_of(window, "reason")}});
  }
  return rows;
}

std::vector<Row> guard_rows(const ordered_json& guards) {
  std::vector<Row> rows = {{{"NAME"}, {"STATE"}, {"COOLDOWN UNTIL"}, {"ATTEMPTS"}, {"BUDGET"}}};
  for (const ordered_json& guard : guards) {
    const std::string until = text_of(guard, "cooldown_until");
    Cell state = {"ready", Tone::good};
    if (is_true(guard, "gave_up")) {
      state = {"gave up", Tone::bad};
    } else if (is_true(guard, "breaker_open")) {
      state = {"breaker open", Tone::bad};
    } else if (!until.empty()) {
      state = {"cooling down", Tone::busy};
    }
    rows.push_back({{process_of(guard)},
                    state,
                    {until},
                    {text_of(guard, "attempts")},
                    {text_of(guard, "budget_used") + "/" + text_of(guard, "budget_limit")}});
  }
  return rows;
}

std::vector<Row> audit_rows(const ordered_json& entries) {
  std::vector<Row> rows = {
      {{"AT"}, {"KIND"}, {"BY"}, {"ACTION"}, {"PROCESS"}, {"OUTCOME"}, {"REASON"}}};
  for (const ordered_json& entry : entries) {
    const std::string actor = text_of(entry, "actor");
    const std::string rule = text_of(entry, "rule");
    const std::string result = text_of(entry, "result");
    rows.push_back({{text_of(entry, "at")},
                    {text_of(entry, "kind")},
                    {rule.empty() ? actor : "rule " + rule},
                    {text_of(entry, "action")},
                    {process_of(entry)},
                    {result.empty() ? text_of(entry, "decision") : result},
                    {text_of(entry, "reason")}});
  }
  return rows;
}

}  // namespace

int run(AgentSession& session, const ShowMaintenance&) {
  return show(session, "/api/v1/maintenance", "nothing is under maintenance", maintenance_rows);
}

int run(AgentSession& session, const SetMaintenance& command) {
  const std::string span = base::format_duration(command.ttl);
  ordered_json body = {{"ttl", span}};
  if (!command.reason.empty()) {
    body["reason"] = command.reason;
  }
  return act(session, {Method::put, path_of_scope(command.scope), json::to_text(body)},
             visible(command.scope) + ": under maintenance for " + span);
}

int run(AgentSession& session, const ClearMaintenance& command) {
  return act(session, {Method::del, path_of_scope(command.scope), ""},
             visible(command.scope) + ": no longer under maintenance");
}

int run(AgentSession& session, const ShowGuards&) {
  return show(session, "/api/v1/guards", "no process was acted on for an alert", guard_rows);
}

int run(AgentSession& session, const ResetGuards& command) {
  std::string name = command.name;
  std::string supervisor = session.options.supervisor.value_or("");
  if (const std::size_t slash = name.find('/'); slash != std::string::npos) {
    supervisor = name.substr(0, slash);
    name = name.substr(slash + 1);
  }
  const std::string query = supervisor.empty() ? "" : "?supervisor=" + percent_encode(supervisor);
  return act(session,
             {Method::post, "/api/v1/guards/" + percent_encode(name) + "/reset" + query, ""},
             visible(command.name) + ": reset");
}

int run(AgentSession& session, const ShowAudit& command) {
  std::string query;
  for (const auto& [name, value] :
       {std::pair("since", &command.since), std::pair("limit", &command.limit)}) {
    if (*value) {
      query += (query.empty() ? "?" : "&") + std::string(name) + "=" + percent_encode(**value);
    }
  }
  return show(session, "/api/v1/audit" + query, "nothing was recorded", audit_rows);
}

}  // namespace reeve::cli
