#include <functional>
#include <stop_token>
#include <string>

#include "cli/commands.h"
#include "cli/session.h"
#include "cli/table.h"

namespace reeve::cli {
namespace {

using substrate::InstanceState;
using substrate::Outcome;
using substrate::StopMode;

std::string label(const Session& session, const Target& target) {
  return session.label(*target.supervisord, target.name.text());
}

int report_result(const Session& session, const Target& target, const std::string& result) {
  if (session.output.json()) {
    session.output.write(result_json(target.supervisord->options.name, target.name, result) + '\n');
  } else {
    session.output.message(escaped(label(session, target)) + ": " + result);
  }
  return exit_success;
}

int report_failure(Session& session, Verb verb, const Target& target, base::Error error) {
  return session.report(verb, std::move(error), *target.supervisord, target.name.text());
}

/// Before the action, with a short deadline: the action itself may wait for minutes.
base::Result<substrate::InstanceDetail> get_detail(const Session& session, const Target& target) {
  return call_supervisord(session, *target.supervisord, [&] {
    return target.supervisord->substrate->get_instance(target.name,
                                                       session.call_deadline(*target.supervisord));
  });
}

int start_one(Session& session, const Target& target) {
  const auto detail = get_detail(session, target);
  if (!detail) {
    return report_failure(session, Verb::start, target, detail.error());
  }
  // As with supervisorctl, a process that is starting or retried needs no start.
  if (detail->state == InstanceState::running) {
    return report_result(session, target, "already running");
  }
  if (detail->state == InstanceState::starting || detail->state == InstanceState::backoff) {
    return report_result(
        session, target,
        "already started, it is " + std::string(to_string(detail->state)) + " now");
  }
  const auto outcome =
      with_wait_notice(session, "waiting for " + label(session, target) + " to run", [&] {
        return target.supervisord->substrate->start_instance(target.name,
                                                             session.transition_deadline());
      });
  return outcome ? report_result(session, target,
                                 *outcome == Outcome::changed ? "started" : "already running")
                 : report_failure(session, Verb::start, target, outcome.error());
}

int stop_one(Session& session, const Target& target, StopMode mode) {
  const auto detail = get_detail(session, target);
  if (!detail) {
    return report_failure(session, Verb::stop, target, detail.error());
  }
  const auto outcome =
      with_wait_notice(session, "waiting for " + label(session, target) + " to stop", [&] {
        return target.supervisord->substrate->stop_instance(target.name, mode,
                                                            session.transition_deadline());
      });
  if (!outcome) {
    return report_failure(session, Verb::stop, target, outcome.error());
  }
  if (*outcome == Outcome::unchanged) {
    return report_result(session, target, "not running");
  }
  return report_result(session, target, mode == StopMode::force ? "stop requested" : "stopped");
}

/// An interrupt does not end a restart between its stop and its start: that would leave a process
/// that ran stopped.
int restart_one(Session& session, const Target& target) {
  const auto detail = get_detail(session, target);
  if (!detail) {
    return report_failure(session, Verb::restart, target, detail.error());
  }
  const std::stop_callback on_interrupt(session.stop, [&] {
    session.output.notice("interrupted: finishing the restart of " + label(session, target));
  });
  substrate::Substrate& substrate = *target.supervisord->substrate;
  const auto stopped =
      with_wait_notice(session, "waiting for " + label(session, target) + " to stop", [&] {
        return substrate.stop_instance(target.name, StopMode::graceful,
                                       session.uninterruptible_deadline());
      });
  if (!stopped) {
    return report_failure(session, Verb::stop, target, stopped.error());
  }
  const auto started = with_wait_notice(
      session, "waiting for " + label(session, target) + " to run again",
      [&] { return substrate.start_instance(target.name, session.uninterruptible_deadline()); });
  return started ? report_result(session, target, "restarted")
                 : report_failure(session, Verb::restart, target, started.error());
}

int for_each_target(Session& session, Verb verb, const Names& names,
                    const std::function<int(const Target&)>& action) {
  const Selection selection = select_for_action(session, verb, names);
  int code = selection.code;
  std::size_t left = selection.targets.size();
  for (const Target& target : selection.targets) {
    if (session.stop.stop_requested()) {
      session.output.notice("interrupted: " + std::to_string(left) + " of " +
                            std::to_string(selection.targets.size()) +
                            " processes left as they are");
      return exit_failure;
    }
    if (const int result = action(target); result != exit_success) {
      code = result;
    }
    --left;
  }
  return code;
}

}  // namespace

int run(Session& session, const Start& command) {
  return for_each_target(session, Verb::start, command.names,
                         [&](const Target& target) { return start_one(session, target); });
}

int run(Session& session, const Stop& command) {
  return for_each_target(session, Verb::stop, command.names, [&](const Target& target) {
    return stop_one(session, target, command.mode);
  });
}

int run(Session& session, const Restart& command) {
  return for_each_target(session, Verb::restart, command.names,
                         [&](const Target& target) { return restart_one(session, target); });
}

int run(Session& session, const Signal& command) {
  return for_each_target(session, Verb::signal, command.names, [&](const Target& target) {
    const Supervisord& supervisord = *target.supervisord;
    const auto sent = supervisord.administration->signal(target.name, command.signal,
                                                         session.call_deadline(supervisord));
    return sent ? report_result(session, target, "signalled")
                : report_failure(session, Verb::signal, target, sent.error());
  });
}

int run(Session& session, const Clear& command) {
  return for_each_target(session, Verb::clear, command.names, [&](const Target& target) {
    const Supervisord& supervisord = *target.supervisord;
    const auto cleared =
        supervisord.logs->clear_logs(target.name, session.call_deadline(supervisord));
    return cleared ? report_result(session, target, "cleared")
                   : report_failure(session, Verb::clear, target, cleared.error());
  });
}

}  // namespace reeve::cli
