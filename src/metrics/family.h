#pragma once

// A family of metrics: what the lines before its samples say.

#include <string_view>

namespace reeve::metrics {

enum class Type { counter, gauge, histogram };
[[nodiscard]] std::string_view to_string(Type type);

struct Family {
  std::string_view name;
  Type type;
  /// Comma-separated. What concerns one supervisord has the label `supervisor` before these
  /// where the configuration names it.
  std::string_view labels;
  std::string_view help;  ///< neither backslash nor newline
};

}  // namespace reeve::metrics
