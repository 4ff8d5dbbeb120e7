#pragma once

// The rules, ready to be asked: expressions compiled, targets taken apart. Immutable; a reload
// makes new ones. May be asked from any thread.

#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "alerts/options.h"
#include "alerts/payload.h"
#include "alerts/target_template.h"
#include "reeve/base/result.h"

namespace reeve::alerts {

/// A regular expression over a whole text; one without any special character is compared as it
/// is, which is what most are and a hundred times faster.
class Expression {
 public:
  [[nodiscard]] static base::Result<Expression> compile(const std::string& text);
  /// False for a text that is too long.
  [[nodiscard]] bool matches(const std::string& text) const;

 private:
  std::string literal_;
  std::optional<std::regex> expression_;
};

struct ReadyRule {
  Rule rule;
  Mode mode = Mode::off;
  std::vector<std::pair<std::string, Expression>> match;
  TargetTemplate target;
};

class Rules {
 public:
  /// What does not compile never matches; the configuration has checked it before.
  explicit Rules(Options options);

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const std::vector<ReadyRule>& all() const { return rules_; }
  /// Whether the alert concerns this agent.
  [[nodiscard]] bool concerns_us(const Alert& alert) const;
  /// The first that matches; null if none does.
  [[nodiscard]] const ReadyRule* find(const Alert& alert) const;

 private:
  Options options_;
  std::vector<ReadyRule> rules_;
};

}  // namespace reeve::alerts
