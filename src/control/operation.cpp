#include "control/operation.h"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "records/json_reader.h"

namespace reeve::control {

using guards::Command;
using guards::Cooldown;
using guards::Limits;
using guards::Trigger;
using records::Json;
using records::JsonReader;
using substrate::Incarnation;
using substrate::ManagerTime;

namespace {

Json to_json(const Cooldown& cooldown) {
  return {{"initial", cooldown.initial.count()},
          {"factor", cooldown.factor},
          {"max", cooldown.max.count()},
          {"jitter", cooldown.jitter},
          {"reset_after", cooldown.reset_after.count()}};
}

void read_cooldown(JsonReader& reader, Cooldown& cooldown) {
  reader.span("initial", cooldown.initial);
  reader.real("factor", cooldown.factor);
  reader.span("max", cooldown.max);
  reader.real("jitter", cooldown.jitter);
  reader.span("reset_after", cooldown.reset_after);
}

Json to_json(const Limits& limits) {
  Json states = Json::array();
  for (const auto state : limits.only_if_state) {
    states.push_back(substrate::to_string(state));
  }
  return {{"only_if_state", std::move(states)},
          {"respect_stopped", limits.respect_stopped},
          {"min_uptime", limits.min_uptime.count()},
          {"settle", limits.settle.count()},
          {"cooldown", to_json(limits.cooldown)},
          {"per_target",
           {{"actions", limits.per_target.actions}, {"within", limits.per_target.within.count()}}}};
}

void read_limits(JsonReader& reader, Limits& limits) {
  limits.only_if_state.clear();
  reader.each("only_if_state", [&](JsonReader& state) {
    state.word("only_if_state", substrate::all_instance_states,
               limits.only_if_state.emplace_back());
  });
  reader.flag("respect_stopped", limits.respect_stopped);
  reader.span("min_uptime", limits.min_uptime);
  reader.span("settle", limits.settle);
  reader.inside("cooldown", [&](JsonReader& inner) { read_cooldown(inner, limits.cooldown); });
  reader.inside("per_target", [&](JsonReader& inner) {
    inner.number("actions", limits.per_target.actions);
    inner.span("within", limits.per_target.within);
  });
}

Json to_json(const Trigger& trigger) {
  return {{"rule", records::text_to_json(trigger.rule)},
          {"fingerprint", records::text_to_json(trigger.fingerprint)},
          {"began", trigger.began.time_since_epoch().count()},
          {"later_attempt", trigger.later_attempt},
          {"limits", to_json(trigger.limits)}};
}

void read_trigger(JsonReader& reader, Trigger& trigger) {
  reader.text("rule", trigger.rule);
  reader.text("fingerprint", trigger.fingerprint);
  reader.time("began", trigger.began);
  reader.flag("later_attempt", trigger.later_attempt);
  reader.inside("limits", [&](JsonReader& inner) { read_limits(inner, trigger.limits); });
}

constexpr std::string_view graceful = "graceful";
constexpr std::string_view force = "force";

void read_allow(JsonReader& reader, std::vector<substrate::Selector>& allow) {
  reader.each("actor_allow", [&](JsonReader& element) {
    std::string text;
    element.text("actor_allow", text);
    if (auto selector = substrate::Selector::parse(text)) {
      allow.push_back(*std::move(selector));
    } else {
      element.fail();
    }
  });
}

void read_stop_mode(JsonReader& reader, substrate::StopMode& mode) {
  std::string word(graceful);
  reader.text("stop_mode", word);
  mode = word == force ? substrate::StopMode::force : substrate::StopMode::graceful;
  if (word != force && word != graceful) {
    reader.fail();
  }
}

void put_incarnation(Json& object, const char* name,
                     const std::optional<Incarnation>& incarnation) {
  if (incarnation) {
    object[name] = incarnation->text();
  }
}

void read_incarnation(JsonReader& reader, const char* name, std::optional<Incarnation>& into) {
  if (!reader.has(name)) {
    return;
  }
  std::string text;
  reader.text(name, text);
  if (auto incarnation = Incarnation::parse(text)) {
    into = *incarnation;
  } else {
    reader.fail();
  }
}

Json to_json(const guards::Target& target) {
  Json object = {{"group", records::text_to_json(target.name.group)},
                 {"name", records::text_to_json(target.name.name)}};
  records::put_text(object, "supervisor", target.supervisor);
  return object;
}

void read_target(JsonReader& reader, guards::Target& target) {
  reader.text("group", target.name.group);
  reader.text("name", target.name.name);
  reader.text("supervisor", target.supervisor);
}

Json to_json(const Command& command) {
  Json object = {{"action", to_string(command.action)},
                 {"group", records::text_to_json(command.target.name.group)},
                 {"name", records::text_to_json(command.target.name.name)},
                 {"source", to_string(command.source)}};
  records::put_text(object, "supervisor", command.target.supervisor);
  records::put_text(object, "actor", command.actor);
  for (const substrate::Selector& each : command.actor_allow) {
    object["actor_allow"].push_back(records::text_to_json(each.text()));
  }
  records::put_text(object, "reason", command.reason);
  records::put_text(object, "signal", command.signal);
  object["stop_mode"] = command.stop_mode == substrate::StopMode::force ? force : graceful;
  put_incarnation(object, "if_incarnation", command.if_incarnation);
  object["dry_run"] = command.dry_run;
  records::put_text(object, "idempotency_key", command.idempotency_key);
  if (command.group_order) {
    object["whole_group"] = to_string(*command.group_order);
  }
  for (const std::string& each : command.groups) {
    object["groups"].push_back(records::text_to_json(each));
  }
  for (const guards::Target& each : command.batch) {
    object["batch"].push_back(to_json(each));
  }
  if (command.slot) {
    object["slot"] = {{"limit", command.slot->limit},
                      {"index", command.slot->index},
                      {"lease", command.slot->lease},
                      {"budget_lease", command.slot->budget_lease}};
  }
  if (command.trigger) {
    object["trigger"] = to_json(*command.trigger);
  }
  return object;
}

void read_command(JsonReader& reader, Command& command) {
  reader.word("action", guards::all_actions, command.action);
  reader.text("group", command.target.name.group);
  reader.text("name", command.target.name.name);
  reader.text("supervisor", command.target.supervisor);
  reader.word("source", guards::all_sources, command.source);
  reader.text("actor", command.actor);
  read_allow(reader, command.actor_allow);
  reader.text("reason", command.reason);
  reader.text("signal", command.signal);
  read_stop_mode(reader, command.stop_mode);
  read_incarnation(reader, "if_incarnation", command.if_incarnation);
  reader.flag("dry_run", command.dry_run);
  reader.text("idempotency_key", command.idempotency_key);
  reader.word("whole_group", guards::all_group_orders, command.group_order);
  reader.each("groups",
              [&](JsonReader& element) { element.text("groups", command.groups.emplace_back()); });
  reader.each("batch", [&](JsonReader& element) {
    element.inside("batch",
                   [&](JsonReader& inner) { read_target(inner, command.batch.emplace_back()); });
  });
  reader.inside("slot", [&](JsonReader& inner) {
    coordination::Slot& slot = command.slot.emplace();
    inner.text("limit", slot.limit);
    inner.number("index", slot.index);
    inner.number("lease", slot.lease);
    inner.number("budget_lease", slot.budget_lease);
  });
  reader.inside("trigger",
                [&](JsonReader& inner) { read_trigger(inner, command.trigger.emplace()); });
}

std::int64_t nanoseconds(base::SystemTime time) {
  return time.time_since_epoch().count();
}

Json to_json(const base::Error& error) {
  Json object = {{"kind", to_string(error.kind)},
                 {"message", records::text_to_json(error.message)}};
  if (error.fault) {
    object["fault"] = {{"code", error.fault->code},
                       {"text", records::text_to_json(error.fault->text)}};
  }
  return object;
}

void read_error(JsonReader& reader, base::Error& error) {
  reader.word("kind", base::all_error_kinds, error.kind);
  reader.text("message", error.message);
  reader.inside("fault", [&](JsonReader& inner) {
    error.fault.emplace();
    inner.number("code", error.fault->code);
    inner.text("text", error.fault->text);
  });
}

Json to_json(const StepRecord& step) {
  Json object = {{"step", to_string(step.step)}, {"at", nanoseconds(step.at)}};
  records::put_text(object, "detail", step.detail);
  return object;
}

void read_step(JsonReader& reader, StepRecord& step) {
  reader.word("step", all_operation_steps, step.step);
  reader.time("at", step.at);
  reader.text("detail", step.detail);
}

/// The members that are absent until the operation has come so far.
void put_progress(Json& object, const Operation& operation) {
  if (operation.result) {
    object["result"] = to_string(*operation.result);
  }
  if (operation.changed) {
    object["changed"] = *operation.changed;
  }
  if (operation.error) {
    object["error"] = to_json(*operation.error);
  }
  if (operation.refused_for) {
    object["verdict"] = to_string(*operation.refused_for);
  }
  put_incarnation(object, "incarnation_before", operation.incarnation_before);
  if (operation.last_spawn_before) {
    object["last_spawn_before"] = operation.last_spawn_before->time_since_epoch().count();
  }
  put_incarnation(object, "incarnation_after", operation.incarnation_after);
  if (operation.finished_at) {
    object["finished_at"] = nanoseconds(*operation.finished_at);
  }
}

void read_progress(JsonReader& reader, Operation& operation) {
  reader.word("result", all_operation_results, operation.result);
  if (reader.has("changed")) {
    reader.flag("changed", operation.changed.emplace());
  }
  reader.inside("error", [&](JsonReader& inner) { read_error(inner, operation.error.emplace()); });
  reader.word("verdict", guards::all_reasons, operation.refused_for);
  read_incarnation(reader, "incarnation_before", operation.incarnation_before);
  if (reader.has("last_spawn_before")) {
    std::int64_t seconds = 0;
    reader.number("last_spawn_before", seconds);
    operation.last_spawn_before = ManagerTime(std::chrono::seconds(seconds));
  }
  read_incarnation(reader, "incarnation_after", operation.incarnation_after);
  if (reader.has("finished_at")) {
    reader.time("finished_at", operation.finished_at.emplace());
  }
}

}  // namespace

std::string to_line(const Operation& operation) {
  Json object = {{"id", records::text_to_json(operation.id)},
                 {"state", to_string(operation.state)},
                 {"created_at", nanoseconds(operation.created_at)},
                 {"command", to_json(operation.command)}};
  put_progress(object, operation);
  for (const std::string& each : operation.advice) {
    object["advice"].push_back(records::text_to_json(each));
  }
  for (const StepRecord& each : operation.steps) {
    object["steps"].push_back(to_json(each));
  }
  for (const std::string& each : operation.members) {
    object["members"].push_back(records::text_to_json(each));
  }
  return records::to_line(object);
}

base::Error not_recorded(const base::Error& cause) {
  return {base::ErrorKind::internal, "nothing is done without a record of it: " + cause.message};
}

std::optional<Operation> operation_from(std::string_view line) {
  Operation operation;
  const bool good = records::read_object(line, [&](JsonReader& reader) {
    reader.text("id", operation.id);
    reader.word("state", all_operation_states, operation.state);
    reader.time("created_at", operation.created_at);
    reader.inside("command", [&](JsonReader& inner) { read_command(inner, operation.command); });
    read_progress(reader, operation);
    reader.each("advice", [&](JsonReader& element) {
      element.text("advice", operation.advice.emplace_back());
    });
    reader.each("steps", [&](JsonReader& element) {
      element.inside("steps",
                     [&](JsonReader& inner) { read_step(inner, operation.steps.emplace_back()); });
    });
    reader.each("members", [&](JsonReader& element) {
      element.text("members", operation.members.emplace_back());
    });
    const bool whole = !operation.id.empty() && reader.has("command") &&
                       operation.done() == operation.result.has_value();
    if (!whole) {
      reader.fail();
    }
  });
  return good ? std::optional(std::move(operation)) : std::nullopt;
}

}  // namespace reeve::control
