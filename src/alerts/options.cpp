#include "alerts/options.h"

#include <algorithm>
#include <regex>

#include "alerts/rules.h"
#include "alerts/target_template.h"

namespace reeve::alerts {

using base::ErrorKind;
using guards::Action;
using substrate::InstanceState;

namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

}  // namespace

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::off:
      return "off";
    case Mode::dry_run:
      return "dry_run";
    case Mode::enforce:
      return "enforce";
  }
  return "";
}

Mode mode_of(const Rule& rule, const Options& options) {
  return options.mode == Mode::off ? Mode::off : rule.mode.value_or(options.mode);
}

std::vector<InstanceState> possible_states(Action action) {
  switch (action) {
    case Action::start:
      return {InstanceState::fatal, InstanceState::exited, InstanceState::stopped};
    case Action::stop:
      return {InstanceState::running, InstanceState::starting, InstanceState::backoff};
    case Action::restart:
      return {InstanceState::running, InstanceState::fatal, InstanceState::exited,
              InstanceState::stopped};
    case Action::signal:
      break;
  }
  return {};
}

std::vector<InstanceState> default_states(Action action) {
  auto states = possible_states(action);
  states.resize(std::min<std::size_t>(states.size(), action == Action::start ? 2 : 1));
  return states;
}

base::Result<void> check_expression(std::string_view expression) {
  return Expression::compile(std::string(expression)).map([](const Expression&) {});
}

base::Result<void> check_target(std::string_view target) {
  return TargetTemplate::parse(target).map([](const TargetTemplate&) {});
}

bool is_label_name(std::string_view name) {
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace reeve::alerts
