#include <functional>
#include <stop_token>
#include <string>

#include "cli/commands.h"
#include "cli/display.h"
#include "cli/json_lines.h"
#include "cli/select.h"

namespace reeve::cli {
namespace {

using substrate::InstanceState;
using substrate::Outcome;
using substrate::StopMode;

std::string label(const Session& session, const Target& target) {
  return session.label(*target.manager, target.name.text());
}

int done(const Session& session, const Target& target, const std::string& result) {
  if (session.output.json()) {
    session.output.write(result_json(target.manager->options.name, target.name, result) + '\n');
  } else {
    session.output.remark(visible(label(session, target)) + ": " + result);
  }
  return exit_done;
}

int failed(Session& session, Verb verb, const Target& target, base::Error error) {
  return session.report(verb, std::move(error), *target.manager, target.name.text());
}

/// A first look, quick to fail: what follows may wait for minutes.
base::Result<substrate::InstanceDetail> look(const Session& session, const Target& target) {
  return ask(session, *target.manager, [&] {
    return target.manager->peer.substrate->get_instance(target.name,
                                                        session.call_deadline(*target.manager));
  });
}

int start_one(Session& session, const Target& target) {
  const auto seen = look(session, target);
  if (!seen) {
    return failed(session, Verb::start, target, seen.error());
  }
  // As supervisorctl has it: what supervisord is starting or retrying already is started.
  if (seen->state == InstanceState::running) {
    return done(session, target, "already running");
  }
  if (seen->state == InstanceState::starting || seen->state == InstanceState::backoff) {
    return done(session, target,
                "already started, it is " + std::string(to_string(seen->state)) + " now");
  }
  const auto outcome = patiently(session, "waiting for " + label(session, target) + " to run", [&] {
    return target.manager->peer.substrate->start_instance(target.name, session.patient_deadline());
  });
  return outcome
             ? done(session, target, *outcome == Outcome::changed ? "started" : "already running")
             : failed(session, Verb::start, target, outcome.error());
}

int stop_one(Session& session, const Target& target, StopMode mode) {
  const auto seen = look(session, target);
  if (!seen) {
    return failed(session, Verb::stop, target, seen.error());
  }
  const auto outcome =
      patiently(session, "waiting for " + label(session, target) + " to stop", [&] {
        return target.manager->peer.substrate->stop_instance(target.name, mode,
                                                             session.patient_deadline());
      });
  if (!outcome) {
    return failed(session, Verb::stop, target, outcome.error());
  }
  if (*outcome == Outcome::unchanged) {
    return done(session, target, "not running");
  }
  return done(session, target, mode == StopMode::force ? "stop requested" : "stopped");
}

/// Once its stop is asked for, a restart is carried through: a process that ran is not left
/// stopped because somebody lost his patience.
int restart_one(Session& session, const Target& target) {
  const auto seen = look(session, target);
  if (!seen) {
    return failed(session, Verb::restart, target, seen.error());
  }
  const std::stop_callback told(session.stop, [&] {
    session.output.notice("interrupted: finishing the restart of " + label(session, target));
  });
  substrate::Substrate& substrate = *target.manager->peer.substrate;
  const auto stopped =
      patiently(session, "waiting for " + label(session, target) + " to stop", [&] {
        return substrate.stop_instance(target.name, StopMode::graceful,
                                       session.unstoppable_deadline());
      });
  if (!stopped) {
    return failed(session, Verb::stop, target, stopped.error());
  }
  const auto started = patiently(
      session, "waiting for " + label(session, target) + " to run again",
      [&] { return substrate.start_instance(target.name, session.unstoppable_deadline()); });
  return started ? done(session, target, "restarted")
                 : failed(session, Verb::restart, target, started.error());
}

int act(Session& session, Verb verb, const Names& names,
        const std::function<int(const Target&)>& act_on) {
  const Selection selection = select_to_act(session, verb, names);
  int code = selection.code;
  std::size_t left = selection.targets.size();
  for (const Target& target : selection.targets) {
    if (session.stop.stop_requested()) {
      session.output.notice("interrupted: " + std::to_string(left) + " of " +
                            std::to_string(selection.targets.size()) +
                            " processes left as they are");
      return exit_failed;
    }
    if (const int result = act_on(target); result != exit_done) {
      code = result;
    }
    --left;
  }
  return code;
}

}  // namespace

int run(Session& session, const Start& command) {
  return act(session, Verb::start, command.names,
             [&](const Target& target) { return start_one(session, target); });
}

int run(Session& session, const Stop& command) {
  return act(session, Verb::stop, command.names,
             [&](const Target& target) { return stop_one(session, target, command.mode); });
}

int run(Session& session, const Restart& command) {
  return act(session, Verb::restart, command.names,
             [&](const Target& target) { return restart_one(session, target); });
}

int run(Session& session, const Signal& command) {
  return act(session, Verb::signal, command.names, [&](const Target& target) {
    const Manager& manager = *target.manager;
    const auto sent = manager.peer.administration->signal(target.name, command.signal,
                                                          session.call_deadline(manager));
    return sent ? done(session, target, "signalled")
                : failed(session, Verb::signal, target, sent.error());
  });
}

int run(Session& session, const Clear& command) {
  return act(session, Verb::clear, command.names, [&](const Target& target) {
    const Manager& manager = *target.manager;
    const auto cleared = manager.peer.logs->clear_logs(target.name, session.call_deadline(manager));
    return cleared ? done(session, target, "cleared")
                   : failed(session, Verb::clear, target, cleared.error());
  });
}

}  // namespace reeve::cli
