#include "control/operation_line.h"

#include <utility>

#include "guards/command_json.h"
#include "records/json_reader.h"

namespace reeve::control {

using substrate::ManagerTime;

namespace {

std::int64_t nanoseconds(base::SystemTime time) {
  return time.time_since_epoch().count();
}

records::Json to_json(const base::Error& error) {
  records::Json object = {{"kind", to_string(error.kind)},
                          {"message", records::text_to_json(error.message)}};
  if (error.fault) {
    object["fault"] = {{"code", error.fault->code},
                       {"text", records::text_to_json(error.fault->text)}};
  }
  return object;
}

void read_error(records::JsonReader& reader, base::Error& error) {
  reader.word("kind", base::all_error_kinds, error.kind);
  reader.text("message", error.message);
  reader.inside("fault", [&](records::JsonReader& inner) {
    error.fault.emplace();
    inner.number("code", error.fault->code);
    inner.text("text", error.fault->text);
  });
}

records::Json to_json(const OperationStep& step) {
  records::Json object = {{"step", to_string(step.step)}, {"at", nanoseconds(step.at)}};
  records::put_text(object, "detail", step.detail);
  return object;
}

void read_step(records::JsonReader& reader, OperationStep& step) {
  reader.word("step", all_steps, step.step);
  reader.time("at", step.at);
  reader.text("detail", step.detail);
}

/// What only an operation that came some way has.
void put_progress(records::Json& object, const Operation& operation) {
  if (operation.result) {
    object["result"] = to_string(*operation.result);
  }
  if (operation.changed) {
    object["changed"] = *operation.changed;
  }
  if (operation.error) {
    object["error"] = to_json(*operation.error);
  }
  if (operation.verdict) {
    object["verdict"] = to_string(*operation.verdict);
  }
  guards::put_incarnation(object, "incarnation_before", operation.incarnation_before);
  if (operation.last_spawn_before) {
    object["last_spawn_before"] = operation.last_spawn_before->time_since_epoch().count();
  }
  guards::put_incarnation(object, "incarnation_after", operation.incarnation_after);
  if (operation.finished_at) {
    object["finished_at"] = nanoseconds(*operation.finished_at);
  }
}

void read_progress(records::JsonReader& reader, Operation& operation) {
  if (reader.find("result") != nullptr) {
    reader.word("result", all_operation_results, operation.result.emplace());
  }
  if (reader.find("changed") != nullptr) {
    reader.flag("changed", operation.changed.emplace());
  }
  reader.inside("error",
                [&](records::JsonReader& inner) { read_error(inner, operation.error.emplace()); });
  if (reader.find("verdict") != nullptr) {
    reader.word("verdict", guards::all_verdicts, operation.verdict.emplace());
  }
  guards::read_incarnation(reader, "incarnation_before", operation.incarnation_before);
  if (reader.find("last_spawn_before") != nullptr) {
    std::int64_t seconds = 0;
    reader.number("last_spawn_before", seconds);
    operation.last_spawn_before = ManagerTime(std::chrono::seconds(seconds));
  }
  guards::read_incarnation(reader, "incarnation_after", operation.incarnation_after);
  if (reader.find("finished_at") != nullptr) {
    reader.time("finished_at", operation.finished_at.emplace());
  }
}

}  // namespace

std::string to_line(const Operation& operation) {
  records::Json object = {{"id", records::text_to_json(operation.id)},
                          {"state", to_string(operation.state)},
                          {"created_at", nanoseconds(operation.created_at)},
                          {"command", to_json(operation.command)}};
  put_progress(object, operation);
  for (const std::string& each : operation.advice) {
    object["advice"].push_back(records::text_to_json(each));
  }
  for (const OperationStep& each : operation.steps) {
    object["steps"].push_back(to_json(each));
  }
  return records::to_line(object);
}

std::optional<Operation> operation_from(std::string_view line) {
  const auto object = records::parse_object(line);
  if (!object) {
    return std::nullopt;
  }
  records::JsonReader reader(*object);
  Operation operation;
  reader.text("id", operation.id);
  reader.word("state", all_operation_states, operation.state);
  reader.time("created_at", operation.created_at);
  reader.inside("command", [&](records::JsonReader& inner) {
    guards::read_command(inner, operation.command);
  });
  read_progress(reader, operation);
  reader.each("advice", [&](records::JsonReader& element) {
    element.text("advice", operation.advice.emplace_back());
  });
  reader.each("steps", [&](records::JsonReader& element) {
    element.inside("steps", [&](records::JsonReader& inner) {
      read_step(inner, operation.steps.emplace_back());
    });
  });
  const bool whole = !operation.id.empty() && reader.find("command") != nullptr &&
                     operation.done() == operation.result.has_value();
  return reader.good() && whole ? std::optional(std::move(operation)) : std::nullopt;
}

}  // namespace reeve::control
