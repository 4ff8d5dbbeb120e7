#include <algorithm>

#include "cli/commands.h"
#include "cli/session.h"
#include "cli/terminal_text.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;
using substrate::LogRange;

/// supervisord starts a followed log with this much of its end.
constexpr std::uint64_t follow_backlog_bytes = 1024;

/// Writes a log: as it is, but on a terminal without what would control it.
class LogWriter {
 public:
  explicit LogWriter(const Output& output) : output_(output) {}

  void write(std::string_view bytes) {
    output_.write(is_terminal() ? shown_.take(bytes) : std::string(bytes));
  }
  void end() { output_.write(shown_.end()); }
  [[nodiscard]] bool is_terminal() const { return output_.console().out_is_terminal; }

 private:
  const Output& output_;
  TerminalText shown_{Colors::kept};
};

int print_end(Session& session, const Tail& command, const Target& target) {
  const Supervisord& supervisord = *target.supervisord;
  const auto text = supervisord.logs->read_log(target.name, command.stream,
                                               {LogRange::From::end, 0, command.bytes},
                                               session.transfer_deadline());
  if (!text) {
    return session.report(Verb::tail, text.error(), supervisord, target.name.text());
  }
  LogWriter log(session.output);
  log.write(*text);
  log.end();
  if (log.is_terminal() && !text->empty() && text->back() != '\n') {
    session.output.write("\n");
  }
  return exit_success;
}

/// If more than supervisord's backlog is wanted, the bytes before it are read first; if less, the
/// beginning of the backlog is dropped.
int follow(Session& session, const Tail& command, const Target& target) {
  const Supervisord& supervisord = *target.supervisord;
  substrate::Logs& logs = *supervisord.logs;
  const auto fail = [&](const base::Error& error) {
    return session.report(Verb::tail, error, supervisord, target.name.text());
  };
  const auto size = logs.log_size(target.name, command.stream, session.call_deadline(supervisord));
  if (!size) {
    return fail(size.error());
  }
  LogWriter log(session.output);
  const std::uint64_t backlog = std::min(follow_backlog_bytes, *size);
  if (command.bytes > backlog && *size > backlog) {
    const std::uint64_t left = std::min(command.bytes, *size) - backlog;
    const auto before = logs.read_log(target.name, command.stream,
                                      {LogRange::From::start, *size - backlog - left, left},
                                      session.transfer_deadline());
    if (!before) {
      return fail(before.error());
    }
    log.write(*before);
  }
  std::uint64_t skip = backlog - std::min(backlog, command.bytes);
  const auto consume = [&](std::string_view bytes) {
    const std::size_t skipped = std::min<std::uint64_t>(skip, bytes.size());
    skip -= skipped;
    log.write(bytes.substr(skipped));
    return session.output.flush();
  };
  const auto ended =
      logs.follow_log(target.name, command.stream, consume, session.follow_deadline());
  log.end();
  const bool is_quiet_end =
      ended || ended.error().kind == ErrorKind::cancelled || session.output.is_pipe_broken();
  return is_quiet_end ? exit_success : fail(ended.error());
}

}  // namespace

int run(Session& session, const Tail& command) {
  const Selection selection = select_for_query(session, Verb::tail, {command.name});
  if (selection.targets.size() > 1) {
    session.output.problem({{ErrorKind::invalid_argument,
                             "'" + command.name + "' is more than one process: tail shows one"},
                            {},
                            command.name});
    return exit_failure;
  }
  if (selection.targets.empty()) {
    return selection.code;
  }
  const Target& target = selection.targets.front();
  return command.follow ? follow(session, command, target) : print_end(session, command, target);
}

}  // namespace reeve::cli
