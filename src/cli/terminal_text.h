#pragma once

// Text of others on a terminal, in pieces as it comes: logs, and what supervisorctl prints. Lines
// and tabs are kept, and colors where they may be; what else would control the terminal is
// escaped. Not for pipes and files, which get the bytes as they are. No I/O.

#include <string>
#include <string_view>

namespace reeve::cli {

enum class Colors {
  kept,     ///< SGR sequences, which programs write into their logs
  escaped,  ///< as all other control characters
};

class TerminalText {
 public:
  explicit TerminalText(Colors colors) : colors_(colors) {}

  /// What is to be written for these bytes. What may be the beginning of a character or of a color
  /// is kept back until the next piece.
  [[nodiscard]] std::string take(std::string_view bytes);
  /// What was kept back; and the default colors if others are in use.
  [[nodiscard]] std::string end();

 private:
  [[nodiscard]] std::string process(bool is_last);

  Colors colors_;
  bool is_colored_ = false;
  std::string rest_;
};

/// A whole text, without colors, where it goes to a terminal; else as it is.
[[nodiscard]] std::string for_terminal(std::string_view text, bool is_terminal);

}  // namespace reeve::cli
