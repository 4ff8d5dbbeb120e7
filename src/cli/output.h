#pragma once

// How a command reports: results on standard output, errors and notices on standard error, as text
// or, under --output json, as JSON; and supervisorctl's exit codes. Control characters in text from
// supervisord are escaped.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/environment.h"
#include "reeve/base/error.h"
#include "reeve/substrate/instance.h"

namespace reeve::cli {

// supervisorctl's exit codes, as far as it has the command, so that scripts need no change.
inline constexpr int exit_success = 0;
inline constexpr int exit_failure = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_not_running = 3;    ///< status: a selected process does not run
inline constexpr int exit_unknown = 4;        ///< status: no such process; elsewhere: unreachable
inline constexpr int exit_broken_pipe = 141;  ///< as a shell reports who dies of SIGPIPE
inline constexpr int exit_spawn_failed = 7;   ///< a spawn error, or supervisord's socket is missing

/// What an exit code depends on beside the error.
enum class Verb {
  list,
  status,
  start,
  stop,
  restart,
  signal,
  pid,
  tail,
  clear,
  reread,
  update,
  healthcheck,
  agent_request,  ///< all commands that a running agent answers
};

/// Total over both.
[[nodiscard]] int exit_code(Verb verb, base::ErrorKind kind);

/// An error, and the supervisord, process and host that it concerns; empty if it concerns none.
struct Problem {
  base::Error error;
  std::string supervisor = {};
  std::string process = {};
  std::string host = {};  ///< of several
};

struct ListedProcess {
  const Supervisord* supervisord = nullptr;
  substrate::InstanceDetail detail;
};

class Output {
 public:
  Output(const Environment& environment, const CommonOptions& options);

  [[nodiscard]] bool json() const { return json_; }
  [[nodiscard]] bool quiet() const { return quiet_; }
  [[nodiscard]] bool colored() const { return colored_; }
  /// A wait may be shown on standard error.
  [[nodiscard]] bool shows_progress() const {
    return console_.err_is_terminal && !quiet_ && !json_;
  }
  [[nodiscard]] const Console& console() const { return console_; }

  /// Results, at once and unchanged.
  void write(std::string_view bytes) const;
  /// A line on standard output that --quiet leaves out.
  void message(const std::string& text) const;
  /// A line on standard error that is no error; --quiet leaves it out.
  void notice(const std::string& text) const;
  void problem(const Problem& problem) const;
  /// An error of the settings, after which a command cannot run.
  void settings_error(const config::ConfigError& error) const;
  /// What check-config found: without "reeve: " before the place, as editors read it.
  void config_error(const config::ConfigError& error) const;
  void config_warning(const config::ConfigError& warning) const;
  /// False if not all results could be written.
  [[nodiscard]] bool flush() const;
  /// Nothing reads what is written: `reeve tail -f a | head -2`.
  [[nodiscard]] bool is_pipe_broken() const { return *console_.pipe_broken; }

 private:
  Console console_;
  /// Results of processes that are acted on side by side come from several threads.
  std::shared_ptr<std::mutex> mutex_ = std::make_shared<std::mutex>();
  bool json_;
  bool quiet_;
  bool colored_;
};

// What commands print under --output json: one line each, without its line feed.

[[nodiscard]] std::string problem_json(const Problem& problem);
/// An array of processes in the form of the HTTP API.
[[nodiscard]] std::string processes_json(const std::vector<ListedProcess>& processes);
[[nodiscard]] std::string health_json(bool healthy, const std::vector<ListedProcess>& unhealthy);
[[nodiscard]] std::string result_json(const std::string& supervisor,
                                      const substrate::InstanceName& name, std::string_view result);
[[nodiscard]] std::string group_result_json(const std::string& supervisor, const std::string& group,
                                            std::string_view result);
/// `name` is nothing for supervisord itself.
[[nodiscard]] std::string pid_json(const std::string& supervisor,
                                   const std::optional<substrate::InstanceName>& name,
                                   const std::optional<substrate::Pid>& pid);
[[nodiscard]] std::string changes_json(const std::string& supervisor,
                                       const substrate::ConfigChanges& changes);
[[nodiscard]] std::string checked_json(const std::string& file);
[[nodiscard]] std::string version_json();

}  // namespace reeve::cli
