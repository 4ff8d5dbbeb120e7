#pragma once

// The rules, ready to be asked: expressions compiled, targets taken apart. Immutable; a reload
// makes new ones. May be asked from any thread.

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alerts/options.h"
#include "alerts/payload.h"
#include "base/regular_expression.h"
#include "guards/command.h"
#include "reeve/base/result.h"

namespace reeve::alerts {

/// The process that an alert means, as a text with labels in it: `{{group}}:{{name}}`, with
/// `{{supervisor}}/` before it where there are several supervisords. A value.
class TargetTemplate {
 public:
  /// invalid_argument, as check_target() says.
  [[nodiscard]] static base::Result<TargetTemplate> parse(std::string_view text);

  /// invalid_argument: a label is not there, or what comes out is no process's name. Without a
  /// supervisord in it, the target's is empty.
  [[nodiscard]] base::Result<guards::Target> fill(
      const std::map<std::string, std::string>& labels) const;

 private:
  struct Piece {
    std::string literal;
    std::string label;  ///< after it; empty at the end
  };
  std::vector<Piece> pieces_;
};

struct ReadyRule {
  Rule rule;
  Mode mode = Mode::off;
  std::vector<std::pair<std::string, base::RegularExpression>> match;
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
