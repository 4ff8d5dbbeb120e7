#pragma once

// How a command speaks: results on standard output, errors and notices on standard error, both
// as text for people or as JSON for programs. What comes from supervisord is made visible.

#include <string>
#include <string_view>

#include "cli/command.h"
#include "cli/surroundings.h"
#include "config/config.h"
#include "reeve/base/error.h"

namespace reeve::cli {

/// What went wrong, and with which process of which supervisord, as far as it was about one.
struct Problem {
  base::Error error;
  std::string supervisor = {};
  std::string process = {};
};

class Output {
 public:
  Output(const Surroundings& surroundings, const CommonOptions& options);

  [[nodiscard]] bool json() const { return json_; }
  [[nodiscard]] bool quiet() const { return quiet_; }
  [[nodiscard]] bool colored() const { return colored_; }
  /// A person may be told that something takes its time.
  [[nodiscard]] bool shows_progress() const {
    return console_.err_is_terminal && !quiet_ && !json_;
  }
  [[nodiscard]] const Console& console() const { return console_; }

  /// Results, as they come; bytes as they are.
  void write(std::string_view bytes) const;
  /// A line that --quiet leaves out.
  void remark(const std::string& text) const;
  /// A line on standard error that is no error.
  void notice(const std::string& text) const;
  void problem(const Problem& problem) const;
  void config_error(const config::ConfigError& error) const;
  void config_warning(const config::ConfigError& warning) const;
  /// False if standard output took not all that was written to it.
  [[nodiscard]] bool finish() const;

 private:
  Console console_;
  bool json_;
  bool quiet_;
  bool colored_;
};

}  // namespace reeve::cli
