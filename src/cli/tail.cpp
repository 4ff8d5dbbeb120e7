#include <algorithm>

#include "cli/commands.h"
#include "cli/session.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;
using substrate::LogRange;

/// supervisord starts a followed log with this much of its end.
constexpr std::uint64_t follow_backlog_bytes = 1024;

bool write_bytes(const Session& session, std::string_view bytes) {
  session.output.write(bytes);
  return session.output.flush();
}

int print_end(Session& session, const Tail& command, const Target& target) {
  const Supervisord& supervisord = *target.supervisord;
  const auto text = supervisord.logs->read_log(target.name, command.stream,
                                               {LogRange::From::end, 0, command.bytes},
                                               session.listing_deadline());
  if (!text) {
    return session.report(Verb::tail, text.error(), supervisord, target.name.text());
  }
  session.output.write(*text);
  if (session.output.console().out_is_terminal && !text->empty() && text->back() != '\n') {
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
  const std::uint64_t backlog = std::min(follow_backlog_bytes, *size);
  if (command.bytes > backlog && *size > backlog) {
    const std::uint64_t missing = std::min(command.bytes, *size) - backlog;
    const auto before = logs.read_log(target.name, command.stream,
                                      {LogRange::From::start, *size - backlog - missing, missing},
                                      session.listing_deadline());
    if (!before) {
      return fail(before.error());
    }
    session.output.write(*before);
  }
  std::uint64_t skip = backlog - std::min(backlog, command.bytes);
  const auto consume = [&](std::string_view bytes) {
    const std::size_t skipped = std::min<std::uint64_t>(skip, bytes.size());
    skip -= skipped;
    return write_bytes(session, bytes.substr(skipped));
  };
  const auto ended =
      logs.follow_log(target.name, command.stream, consume, session.follow_deadline());
  return ended || ended.error().kind == ErrorKind::cancelled ? exit_success : fail(ended.error());
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
