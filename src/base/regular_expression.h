#pragma once

// A regular expression of a user, in RE2's syntax (that of Prometheus and Alertmanager: no
// back-references, no lookaround), matched against whole texts in time linear in the text. An
// immutable value; copies share the compiled program, and any thread may match.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "reeve/base/result.h"

namespace re2 {
class RE2;
}

namespace reeve::base {

class RegularExpression {
 public:
  static constexpr std::size_t max_characters = 1000;

  /// invalid_argument: too long, or RE2's reason with the part of `text` that it is about.
  [[nodiscard]] static Result<RegularExpression> parse(const std::string& text);

  /// Bytes that are not UTF-8 count as U+FFFD, which is how they are displayed.
  [[nodiscard]] bool full_match(std::string_view text) const;

 private:
  explicit RegularExpression(std::string literal) : literal_(std::move(literal)) {}

  std::string literal_;                      ///< compared byte by byte if program_ is null
  std::shared_ptr<const re2::RE2> program_;  ///< null: no character of the text is special
};

}  // namespace reeve::base
