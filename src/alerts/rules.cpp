#include "alerts/rules.h"

#include <algorithm>

namespace reeve::alerts {
namespace {

constexpr std::size_t longest_expression = 1000;
constexpr std::size_t longest_value = 1024;
/// In time that grows with the text, not with what could be tried: an alert's labels are anybody's.
/// libstdc++'s own name for it; a back-reference does not compile then.
constexpr auto syntax = std::regex::ECMAScript | std::regex_constants::__polynomial;

std::optional<ReadyRule> prepared(const Rule& rule, const Options& options) {
  auto target = TargetTemplate::parse(rule.target);
  if (!target) {
    return std::nullopt;
  }
  ReadyRule ready{rule, mode_of(rule, options), {}, *std::move(target)};
  for (const auto& [label, expression] : rule.match) {
    auto compiled = Expression::compile(expression);
    if (!compiled) {
      return std::nullopt;
    }
    ready.match.emplace_back(label, *std::move(compiled));
  }
  return ready;
}

bool applies(const ReadyRule& rule, const Labels& labels) {
  static const std::string absent;
  return std::all_of(rule.match.begin(), rule.match.end(), [&](const auto& match) {
    const auto found = labels.find(match.first);
    return match.second.matches(found == labels.end() ? absent : found->second);
  });
}

}  // namespace

base::Result<Expression> Expression::compile(const std::string& text) {
  Expression compiled;
  if (text.size() > longest_expression) {
    return base::failure(base::ErrorKind::invalid_argument,
                         "longer than " + std::to_string(longest_expression) + " characters");
  }
  compiled.literal_ = text;
  if (text.find_first_of("^$\\.*+?()[]{}|") == std::string::npos) {
    return compiled;
  }
  try {
    compiled.expression_.emplace(text, syntax);
  } catch (const std::regex_error& error) {
    return base::failure(base::ErrorKind::invalid_argument,
                         std::string("no regular expression: ") + error.what());
  }
  return compiled;
}

bool Expression::matches(const std::string& text) const {
  if (!expression_) {
    return text == literal_;
  }
  try {
    return text.size() <= longest_value && std::regex_match(text, *expression_);
  } catch (const std::regex_error&) {
    return false;
  }
}

Rules::Rules(Options options) : options_(std::move(options)) {
  for (const Rule& rule : options_.rules) {
    if (auto ready = prepared(rule, options_)) {
      rules_.push_back(*std::move(ready));
    }
  }
}

bool Rules::concerns_us(const Alert& alert) const {
  return std::all_of(options_.identity.begin(), options_.identity.end(), [&](const auto& wanted) {
    const auto found = alert.labels.find(wanted.first);
    return found != alert.labels.end() && found->second == wanted.second;
  });
}

const ReadyRule* Rules::find(const Alert& alert) const {
  const auto found = std::find_if(rules_.begin(), rules_.end(), [&](const ReadyRule& rule) {
    return applies(rule, alert.labels);
  });
  return found == rules_.end() ? nullptr : &*found;
}

}  // namespace reeve::alerts
