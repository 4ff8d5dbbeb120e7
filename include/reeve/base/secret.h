#pragma once

// A password or token. It has no formatter and no stream operator, so that it cannot reach a
// log by accident; reveal() is the only way to read the text. Its memory is wiped when it is
// destroyed or replaced.

#include <string>
#include <utility>

#include <string.h>

namespace reeve::base {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept { text_.swap(other.text_); }
  Secret& operator=(Secret other) noexcept {
    text_.swap(other.text_);  // the old text is wiped with `other`
    return *this;
  }
  ~Secret() { ::explicit_bzero(text_.data(), text_.size()); }

  [[nodiscard]] const std::string& reveal() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  std::string text_;
};

}  // namespace reeve::base
