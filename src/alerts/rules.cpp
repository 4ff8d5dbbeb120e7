#include "alerts/rules.h"

#include <algorithm>

namespace reeve::alerts {

using base::ErrorKind;
using guards::Action;
using substrate::InstanceState;

namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

constexpr std::size_t max_target_bytes = 1024;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  const std::size_t last = text.find_last_not_of(' ');
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, last - first + 1);
}

/// `group:name` or `SUPERVISOR/group:name`; the process need not exist.
base::Result<guards::Target> target_of(const std::string& text) {
  const std::size_t slash = text.find('/');
  const bool has_supervisor = slash != std::string::npos;
  const auto name = substrate::InstanceName::parse(has_supervisor ? text.substr(slash + 1) : text);
  if (!name || text.size() > max_target_bytes || slash == 0) {
    return base::failure(ErrorKind::invalid_argument,
                         "'" + text.substr(0, max_target_bytes) + "' is no process's name");
  }
  return guards::Target{has_supervisor ? text.substr(0, slash) : "", *name};
}

/// Of a label: a longer one matches no expression.
constexpr std::size_t max_matched_bytes = 1024;

std::optional<CompiledRule> compiled_rule(const Rule& rule, const Options& options) {
  auto target = TargetTemplate::parse(rule.target);
  if (!target) {
    return std::nullopt;
  }
  CompiledRule result{rule, mode_of(rule, options), {}, *std::move(target)};
  for (const auto& [label, expression] : rule.match) {
    auto compiled = base::RegularExpression::parse(expression);
    if (!compiled) {
      return std::nullopt;
    }
    result.match.emplace_back(label, *std::move(compiled));
  }
  return result;
}

bool applies(const CompiledRule& rule, const Labels& labels) {
  static const std::string empty_value;
  return std::all_of(rule.match.begin(), rule.match.end(), [&](const auto& match) {
    const auto found = labels.find(match.first);
    const std::string& value = found == labels.end() ? empty_value : found->second;
    return value.size() <= max_matched_bytes && match.second.full_match(value);
  });
}

}  // namespace

std::string_view to_string(Mode mode) {
  return base::name_of<all_modes>(mode, {"off", "dry_run", "enforce"});
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
  return base::RegularExpression::parse(std::string(expression))
      .map([](const base::RegularExpression&) {})
      .map_error([](base::Error error) {
        error.message = "not a regular expression: " + error.message;
        return error;
      });
}

base::Result<void> check_target(std::string_view target) {
  return TargetTemplate::parse(target).map([](const TargetTemplate&) {});
}

bool is_label_name(std::string_view name) {
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

base::Result<TargetTemplate> TargetTemplate::parse(std::string_view text) {
  TargetTemplate parsed;
  std::map<std::string, std::string> example;
  std::string_view rest = text;
  for (std::size_t open = rest.find("{{"); open != std::string_view::npos; open = rest.find("{{")) {
    const std::size_t close = rest.find("}}", open);
    const std::string label(close == std::string_view::npos
                                ? std::string_view()
                                : trimmed(rest.substr(open + 2, close - open - 2)));
    if (!is_label_name(label)) {
      return base::failure(ErrorKind::invalid_argument,
                           "expected a label's name between {{ and }}, as in {{group}}:{{name}}");
    }
    parsed.pieces_.push_back({std::string(rest.substr(0, open)), label});
    example.emplace(label, "x");
    rest.remove_prefix(close + 2);
  }
  parsed.pieces_.push_back({std::string(rest), ""});
  if (const auto filled = parsed.fill(example); !filled) {
    return base::failure(ErrorKind::invalid_argument,
                         "'" + std::string(text) +
                             "' cannot name a process: expected something like {{group}}:{{name}}");
  }
  return parsed;
}

base::Result<guards::Target> TargetTemplate::fill(
    const std::map<std::string, std::string>& labels) const {
  std::string text;
  for (const Piece& piece : pieces_) {
    text += piece.literal;
    if (piece.label.empty()) {
      continue;
    }
    const auto found = labels.find(piece.label);
    if (found == labels.end() || found->second.empty()) {
      return base::failure(ErrorKind::invalid_argument,
                           "the alert has no label '" + piece.label + "'");
    }
    text += found->second;
  }
  return target_of(text);
}

Rules::Rules(Options options) : options_(std::move(options)) {
  for (const Rule& rule : options_.rules) {
    if (auto result = compiled_rule(rule, options_)) {
      rules_.push_back(*std::move(result));
    }
  }
}

bool Rules::is_for_this_agent(const Alert& alert) const {
  return std::all_of(options_.identity.begin(), options_.identity.end(), [&](const auto& wanted) {
    const auto found = alert.labels.find(wanted.first);
    return found != alert.labels.end() && found->second == wanted.second;
  });
}

const CompiledRule* Rules::find(const Alert& alert) const {
  const auto found = std::find_if(rules_.begin(), rules_.end(), [&](const CompiledRule& rule) {
    return applies(rule, alert.labels);
  });
  return found == rules_.end() ? nullptr : &*found;
}

}  // namespace reeve::alerts
