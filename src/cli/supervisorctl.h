#pragma once

// `reeve supervisorctl`: supervisorctl's commands with its words, streams and exit codes, for
// scripts that read them. A CtlSession carries out command lines, one after the other, on the
// caller's thread; `fg` alone has threads of its own, for the two logs. supervisord is sent the
// calls that supervisorctl sends, waiting ones included.

#include <array>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "cli/environment.h"
#include "cli/supervisorctl_client.h"

namespace reeve::cli {

/// Lines of standard input or of a terminal; a stop request ends the wait for one.
class LineReader {
 public:
  LineReader(int descriptor, std::stop_token stop)
      : descriptor_(descriptor), stop_(std::move(stop)) {}

  /// Without its line feed; nothing at the end of the input. Interrupted by a stop request.
  [[nodiscard]] CallResult<std::optional<std::string>> next();

 private:
  [[nodiscard]] CallResult<bool> fill();

  int descriptor_;
  std::stop_token stop_;
  std::string buffer_;
  bool ended_ = false;
};

/// True: leave the shell.
using CtlOutcome = CallResult<bool>;

class CtlSession {
 public:
  CtlSession(CtlServer server, bool interactive, const Environment& environment,
             std::stop_token stop);

  /// Reads command lines until one leaves the shell; the first command is `status`.
  void run_shell(const std::string& prompt);
  /// True: leave the shell.
  bool run_line(const std::string& line);
  /// supervisorctl's, of all lines so far.
  [[nodiscard]] int exit_status() const { return exit_status_; }

 private:
  struct Command {
    std::string_view name;
    CtlOutcome (CtlSession::*run)(const std::string& argument);
    std::string_view help;
  };
  /// Start, stop and signal: what they call, and how they say what became of it.
  struct Action;
  struct ProcessResult {
    std::string group;
    std::string name;
    int status = 0;
    std::string description = {};
  };

  [[nodiscard]] static const Command* find_command(std::string_view name);

  // lines, prompts and calls
  CtlOutcome run_command(const Command& command, const std::string& argument);
  CtlOutcome ask_for_credentials();
  CallResult<std::string> ask(const std::string& prompt);
  CallResult<std::string> ask_password();
  void print(std::string_view line);
  void print_error(std::string_view line, int exit_status = 1);
  void complain(std::string_view command, std::string_view line, int exit_status = 1);
  CallResult<xmlrpc::Value> call(std::string_view method,
                                 std::vector<xmlrpc::Value> parameters = {});
  CallResult<bool> is_up();
  /// If the command would end Reeve's own program: says so. `group`: of that group alone.
  bool spares_reeve(std::string_view command, const std::optional<std::string>& group);
  CallResult<bool> confirm(const std::string& question);

  // one for each command
  CtlOutcome add(const std::string& argument);
  CtlOutcome avail(const std::string& argument);
  CtlOutcome clear(const std::string& argument);
  CtlOutcome fg(const std::string& argument);
  CtlOutcome help(const std::string& argument);
  CtlOutcome leave(const std::string& argument);
  CtlOutcome maintail(const std::string& argument);
  CtlOutcome open(const std::string& argument);
  CtlOutcome pid(const std::string& argument);
  CtlOutcome reload(const std::string& argument);
  CtlOutcome remove(const std::string& argument);
  CtlOutcome reread(const std::string& argument);
  CtlOutcome restart(const std::string& argument);
  CtlOutcome shutdown(const std::string& argument);
  CtlOutcome signal(const std::string& argument);
  CtlOutcome start(const std::string& argument);
  CtlOutcome status(const std::string& argument);
  CtlOutcome stop(const std::string& argument);
  CtlOutcome tail(const std::string& argument);
  CtlOutcome update(const std::string& argument);
  CtlOutcome version(const std::string& argument);

  // shared by several of them
  [[nodiscard]] bool accepts_no_arguments(std::string_view command, const std::string& argument);
  CtlOutcome act(const Action& action, const std::vector<std::string>& names);
  CtlOutcome act_on_one(const Action& action, const std::string& name);
  CtlOutcome print_results(const Action& action, const xmlrpc::Value& results);
  CtlOutcome print_result(const Action& action, const ProcessResult& result);
  CtlOutcome print_log(std::string_view label, CallResult<xmlrpc::Value> text);
  CtlOutcome follow(const std::string& path);
  void stream_log(const std::string& path, const std::stop_token& stop);
  void show_statuses(const std::vector<const xmlrpc::Value*>& processes);
  CtlOutcome update_groups(const xmlrpc::Value& changes, std::vector<std::string> wanted);
  CtlOutcome replace_group(const std::string& group, bool back);
  CallResult<void> report_unknown_groups(const std::vector<std::string>& wanted,
                                         const std::vector<std::string>& added);
  CtlOutcome talk(const std::string& name);
  void set_exit_status(int fault, std::optional<int> ignored = std::nullopt);

  static const std::array<Command, 23> all_commands;

  CtlServer server_;
  bool interactive_;
  const Environment& environment_;
  CtlClient client_;
  LineReader input_;
  base::Guarded<std::ostream*> out_;
  int exit_status_ = 0;
};

}  // namespace reeve::cli
