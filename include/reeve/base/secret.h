#pragma once

// A password or token. It has no formatter and no stream operator, so that it cannot reach a
// log by accident; reveal() is the only way to read the text.

#include <string>
#include <utility>

namespace reeve::base {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}

  [[nodiscard]] const std::string& reveal() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  std::string text_;
};

}  // namespace reeve::base
