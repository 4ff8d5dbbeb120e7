#include <algorithm>

#include "cli/commands.h"
#include "cli/select.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;
using substrate::LogRange;

/// What supervisord sends of the past when somebody begins to follow a log.
constexpr std::uint64_t followed_past = 1024;

bool write_bytes(const Session& session, std::string_view bytes) {
  session.output.write(bytes);
  return session.output.finish();
}

int show_end(Session& session, const Tail& command, const Target& target) {
  const Manager& manager = *target.manager;
  const auto text = manager.peer.logs->read_log(target.name, command.stream,
                                                {LogRange::From::end, 0, command.bytes},
                                                session.listing_deadline());
  if (!text) {
    return session.report(Verb::tail, text.error(), manager, target.name.text());
  }
  session.output.write(*text);
  if (session.output.console().out_is_terminal && !text->empty() && text->back() != '\n') {
    session.output.write("\n");
  }
  return exit_done;
}

/// Following begins with the last 1024 bytes. More is read before it; of less, the beginning
/// is left out.
int follow(Session& session, const Tail& command, const Target& target) {
  const Manager& manager = *target.manager;
  substrate::Logs& logs = *manager.peer.logs;
  const auto fail = [&](const base::Error& error) {
    return session.report(Verb::tail, error, manager, target.name.text());
  };
  const auto size = logs.log_size(target.name, command.stream, session.call_deadline(manager));
  if (!size) {
    return fail(size.error());
  }
  const std::uint64_t past = std::min(followed_past, *size);
  if (command.bytes > past && *size > past) {
    const std::uint64_t more = std::min(command.bytes, *size) - past;
    const auto before = logs.read_log(target.name, command.stream,
                                      {LogRange::From::start, *size - past - more, more},
                                      session.listing_deadline());
    if (!before) {
      return fail(before.error());
    }
    session.output.write(*before);
  }
  std::uint64_t skip = past - std::min(past, command.bytes);
  const auto consume = [&](std::string_view bytes) {
    const std::size_t skipped = std::min<std::uint64_t>(skip, bytes.size());
    skip -= skipped;
    return write_bytes(session, bytes.substr(skipped));
  };
  const auto ended =
      logs.follow_log(target.name, command.stream, consume, session.endless_deadline());
  return ended || ended.error().kind == ErrorKind::cancelled ? exit_done : fail(ended.error());
}

}  // namespace

int run(Session& session, const Tail& command) {
  const Selection selection = select_to_look(session, Verb::tail, {command.name});
  if (selection.targets.size() > 1) {
    session.output.problem({{ErrorKind::invalid_argument,
                             "'" + command.name + "' is more than one process: tail shows one"},
                            {},
                            command.name});
    return exit_failed;
  }
  if (selection.targets.empty()) {
    return selection.code;
  }
  const Target& target = selection.targets.front();
  return command.follow ? follow(session, command, target) : show_end(session, command, target);
}

}  // namespace reeve::cli
