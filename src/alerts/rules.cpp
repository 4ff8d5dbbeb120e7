#include "alerts/rules.h"

#include <algorithm>

#include "base/text.h"

namespace reeve::alerts {

using base::ErrorKind;
using guards::Action;
using substrate::InstanceState;

namespace {

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
    case Action::update:
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
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; };
  return !name.empty() && base::is_utf8(name) && std::none_of(name.begin(), name.end(), is_blank);
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
    const bool is_expression = label.starts_with('.') || label.starts_with('$');  // Prometheus' own
    if (!is_label_name(label) || is_expression) {
      return base::failure(ErrorKind::invalid_argument,
                           "expected a label's name alone between {{ and }}, as in "
                           "{{group}}:{{name}}");
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

std::vector<std::string> TargetTemplate::labels() const {
  std::vector<std::string> names;
  for (const Piece& piece : pieces_) {
    if (!piece.label.empty()) {
      names.push_back(piece.label);
    }
  }
  return names;
}

Rules::Rules(Options options) : options_(std::move(options)) {
  label_names_.insert("alertname");
  for (const auto& [label, value] : options_.identity) {
    label_names_.insert(label);
  }
  for (const Rule& rule : options_.rules) {
    if (auto result = compiled_rule(rule, options_)) {
      for (const auto& [label, expression] : rule.match) {
        label_names_.insert(label);
      }
      const auto in_target = result->target.labels();
      label_names_.insert(in_target.begin(), in_target.end());
      rules_.push_back(*std::move(result));
    }
  }
}

const CompiledRule* Rules::find(std::string_view name) const {
  const auto found = std::find_if(rules_.begin(), rules_.end(),
                                  [&](const CompiledRule& each) { return each.rule.name == name; });
  return found == rules_.end() ? nullptr : &*found;
}

const Sender* Rules::find_sender(std::string_view name) const {
  const auto& senders = options_.senders;
  const auto found = std::find_if(senders.begin(), senders.end(),
                                  [&](const Sender& each) { return each.name == name; });
  return found == senders.end() ? nullptr : &*found;
}

Labels Rules::labels_read(const Labels& labels) const {
  Labels read;
  for (const std::string& name : label_names_) {
    const auto found = labels.find(name);
    read.emplace(name, found == labels.end() ? "" : found->second);
  }
  return read;
}

bool Rules::suffice(const Labels& labels) const {
  return std::all_of(label_names_.begin(), label_names_.end(),
                     [&](const std::string& name) { return labels.contains(name); });
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
