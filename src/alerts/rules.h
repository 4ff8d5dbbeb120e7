#pragma once

// The rules of the configuration, compiled: expressions and target templates. Immutable, so any
// thread may use them; a reload makes new ones.

#include <map>
#include <set>
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
  /// invalid_argument, see check_target().
  [[nodiscard]] static base::Result<TargetTemplate> parse(std::string_view text);

  /// invalid_argument: a label is missing, or the result is no process's name. The supervisor is
  /// empty where the result names none.
  [[nodiscard]] base::Result<guards::Target> fill(
      const std::map<std::string, std::string>& labels) const;
  /// Those that fill() reads.
  [[nodiscard]] std::vector<std::string> labels() const;

 private:
  struct Piece {
    std::string literal;
    std::string label;  ///< after it; empty at the end
  };
  std::vector<Piece> pieces_;
};

struct CompiledRule {
  Rule rule;
  Mode mode = Mode::off;
  std::vector<std::pair<std::string, base::RegularExpression>> match;
  TargetTemplate target;
};

class Rules {
 public:
  /// A rule that does not compile never matches; the configuration has checked that.
  explicit Rules(Options options);

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const std::vector<CompiledRule>& all() const { return rules_; }
  /// Whether the alert carries this agent's whole identity.
  [[nodiscard]] bool is_for_this_agent(const Alert& alert) const;
  /// The first that matches; null if none does.
  [[nodiscard]] const CompiledRule* find(const Alert& alert) const;
  /// The rule of that name; null if there is none.
  [[nodiscard]] const CompiledRule* find(std::string_view name) const;
  /// Who may post alerts by that name; null if none may.
  [[nodiscard]] const Sender* find_sender(std::string_view name) const;
  /// All that decides on the alert, and its name: a label that it lacks is there, empty.
  [[nodiscard]] Labels labels_read(const Labels& labels) const;
  /// Whether these are enough to decide on: labels_read() of these rules or of others made them.
  [[nodiscard]] bool suffice(const Labels& labels) const;

 private:
  Options options_;
  std::vector<CompiledRule> rules_;
  std::set<std::string> label_names_;  ///< that any rule or the identity reads
};

}  // namespace reeve::alerts
