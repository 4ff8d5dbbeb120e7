#include "guards/command_json.h"

#include <algorithm>
#include <array>
#include <utility>

namespace reeve::guards {

using substrate::Incarnation;

namespace {

records::Json to_json(const Cooldown& cooldown) {
  return {{"initial", cooldown.initial.count()},
          {"factor", cooldown.factor},
          {"max", cooldown.max.count()},
          {"jitter", cooldown.jitter},
          {"reset_after", cooldown.reset_after.count()}};
}

void read_cooldown(records::JsonReader& reader, Cooldown& cooldown) {
  reader.span("initial", cooldown.initial);
  reader.real("factor", cooldown.factor);
  reader.span("max", cooldown.max);
  reader.real("jitter", cooldown.jitter);
  reader.span("reset_after", cooldown.reset_after);
}

records::Json to_json(const Limits& limits) {
  records::Json states = records::Json::array();
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

void read_limits(records::JsonReader& reader, Limits& limits) {
  limits.only_if_state.clear();
  reader.each("only_if_state", [&](records::JsonReader& state) {
    state.word("only_if_state", substrate::all_instance_states,
               limits.only_if_state.emplace_back());
  });
  reader.flag("respect_stopped", limits.respect_stopped);
  reader.span("min_uptime", limits.min_uptime);
  reader.span("settle", limits.settle);
  reader.inside("cooldown",
                [&](records::JsonReader& inner) { read_cooldown(inner, limits.cooldown); });
  reader.inside("per_target", [&](records::JsonReader& inner) {
    inner.number("actions", limits.per_target.actions);
    inner.span("within", limits.per_target.within);
  });
}

records::Json to_json(const Trigger& trigger) {
  return {{"rule", records::text_to_json(trigger.rule)},
          {"fingerprint", records::text_to_json(trigger.fingerprint)},
          {"began", trigger.began.time_since_epoch().count()},
          {"later_attempt", trigger.later_attempt},
          {"limits", to_json(trigger.limits)}};
}

void read_trigger(records::JsonReader& reader, Trigger& trigger) {
  reader.text("rule", trigger.rule);
  reader.text("fingerprint", trigger.fingerprint);
  reader.time("began", trigger.began);
  reader.flag("later_attempt", trigger.later_attempt);
  reader.inside("limits", [&](records::JsonReader& inner) { read_limits(inner, trigger.limits); });
}

constexpr std::array stop_modes = {substrate::StopMode::graceful, substrate::StopMode::force};

std::string_view to_string(substrate::StopMode mode) {
  return mode == substrate::StopMode::force ? "force" : "graceful";
}

void read_allow(records::JsonReader& reader, std::vector<substrate::Selector>& allow) {
  reader.each("actor_allow", [&](records::JsonReader& element) {
    std::string text;
    element.text("actor_allow", text);
    if (auto selector = substrate::Selector::parse(text)) {
      allow.push_back(*std::move(selector));
    } else {
      element.fail();
    }
  });
}

void read_stop_mode(records::JsonReader& reader, substrate::StopMode& mode) {
  std::string word(to_string(mode));
  reader.text("stop_mode", word);
  const auto* const found =
      std::find_if(stop_modes.begin(), stop_modes.end(),
                   [&](substrate::StopMode each) { return to_string(each) == word; });
  if (found == stop_modes.end()) {
    reader.fail();
  } else {
    mode = *found;
  }
}

}  // namespace

void put_incarnation(records::Json& object, const char* name,
                     const std::optional<Incarnation>& incarnation) {
  if (incarnation) {
    object[name] = incarnation->text();
  }
}

void read_incarnation(records::JsonReader& reader, const char* name,
                      std::optional<Incarnation>& into) {
  if (reader.find(name) == nullptr) {
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

records::Json to_json(const Command& command) {
  records::Json object = {{"action", to_string(command.action)},
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
  object["stop_mode"] = to_string(command.stop_mode);
  put_incarnation(object, "if_incarnation", command.if_incarnation);
  object["dry_run"] = command.dry_run;
  records::put_text(object, "idempotency_key", command.idempotency_key);
  if (command.whole_group) {
    object["whole_group"] = to_string(*command.whole_group);
  }
  if (command.trigger) {
    object["trigger"] = to_json(*command.trigger);
  }
  return object;
}

void read_command(records::JsonReader& reader, Command& command) {
  reader.word("action", all_actions, command.action);
  reader.text("group", command.target.name.group);
  reader.text("name", command.target.name.name);
  reader.text("supervisor", command.target.supervisor);
  reader.word("source", all_sources, command.source);
  reader.text("actor", command.actor);
  read_allow(reader, command.actor_allow);
  reader.text("reason", command.reason);
  reader.text("signal", command.signal);
  read_stop_mode(reader, command.stop_mode);
  read_incarnation(reader, "if_incarnation", command.if_incarnation);
  reader.flag("dry_run", command.dry_run);
  reader.text("idempotency_key", command.idempotency_key);
  if (reader.find("whole_group") != nullptr) {
    reader.word("whole_group", all_group_orders, command.whole_group.emplace());
  }
  reader.inside("trigger", [&](records::JsonReader& inner) {
    read_trigger(inner, command.trigger.emplace());
  });
}

}  // namespace reeve::guards
