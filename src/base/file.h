#pragma once

// A file descriptor with an owner, and the reading of small files: configuration, passwords,
// tokens.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "reeve/base/result.h"
#include "reeve/base/secret.h"

namespace reeve::base {

/// A file descriptor that is closed with its owner. Moves, never copies.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    reset(std::exchange(other.number_, -1));
    return *this;
  }
  ~Descriptor() { reset(); }

  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] bool valid() const { return number_ >= 0; }
  /// The number, which the caller now has to close.
  int release() { return std::exchange(number_, -1); }
  void reset(int number = -1) {
    if (number_ >= 0) {
      ::close(number_);
    }
    number_ = number;
  }

 private:
  int number_ = -1;
};

/// not_found, denied, invalid_argument (no regular file, or longer than `max_bytes`), or internal
/// (the disk fails).
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t max_bytes);

/// The text without the UTF-8 byte-order mark that some editors write before it.
[[nodiscard]] std::string_view without_byte_order_mark(std::string_view text);

/// The first line of a file of at most 64 KiB, without byte-order mark and end of line; errors as
/// for read_file.
[[nodiscard]] Result<Secret> read_secret_file(const std::string& path);

}  // namespace reeve::base
