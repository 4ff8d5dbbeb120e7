#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <stop_token>
#include <string>

#include "base/side_by_side.h"
#include "cli/agent_substrate.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/table.h"
#include "substrate/start_order.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;
using substrate::InstanceState;
using substrate::Outcome;
using substrate::StopMode;

/// After an interrupt: how long a process that was being restarted may take to stop, so that it can
/// be started again, and how long its start is watched.
constexpr std::chrono::seconds stop_grace{15};
constexpr std::chrono::seconds start_grace{2};

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
  const auto& agent = target.supervisord->agent;
  if (agent && !target.by_name && agent->is_own_program(target.name)) {
    session.output.notice("leaving out " + label(session, target) +
                          ": it runs Reeve itself; name it to act on it");
    return exit_success;
  }
  if (error.kind == ErrorKind::not_found) {
    if (const auto suggestion = suggestion_for(session, *target.supervisord, target.name)) {
      error.message += ": " + *suggestion;
    }
  }
  return session.report(verb, std::move(error), *target.supervisord, target.name.text());
}

/// With a short deadline: an action itself may wait for minutes.
base::Result<substrate::InstanceDetail> get_detail(const Session& session, const Target& target) {
  return target.supervisord->substrate->get_instance(target.name,
                                                     session.call_deadline(*target.supervisord));
}

bool is_changing(InstanceState state) {
  return state == InstanceState::starting || state == InstanceState::backoff ||
         state == InstanceState::stopping;
}

/// What becomes of a process in this state, which is not waited for any longer.
std::string outlook(const Session& session, Verb verb, const Target& target, InstanceState state) {
  const std::string name = label(session, target);
  const std::string is = is_changing(state) ? " is still " : " is ";
  const bool ends = state == InstanceState::stopping || !substrate::is_active(state);
  const std::string text = name + is + std::string(to_string(state));
  if (target.supervisord->agent) {
    const bool goes_on = is_changing(state) || (verb == Verb::restart && ends);
    return goes_on ? text + "; the agent goes on with it"
                   : text + " now, not waited for any longer";
  }
  if (verb == Verb::restart && ends) {  // nothing but this command would start it
    return text + " and will not be started again: reeve start " + name +
           (state == InstanceState::stopping ? ", once it has stopped" : "");
  }
  return is_changing(state) ? text + "; supervisord goes on with it"
                            : text + " now, not waited for any longer";
}

/// What became of an action whose wait an interrupt or --timeout ended: the process as it is, which
/// says more than the call that was given up.
base::Error unfinished(const Session& session, Verb verb, const Target& target, base::Error error) {
  if (error.kind != ErrorKind::cancelled && error.kind != ErrorKind::timeout) {
    return error;
  }
  const auto detail = target.supervisord->substrate->get_instance(
      target.name, session.uninterruptible_deadline(start_grace));
  if (detail) {
    error.message = outlook(session, verb, target, detail->state);
  }
  return error;
}

/// The same, unless an agent has answered that its own wait timed out: that action has failed.
base::Error unfinished_within(const base::Deadline& deadline, const Session& session, Verb verb,
                              const Target& target, base::Error error) {
  const bool has_failed =
      target.supervisord->agent && error.kind == ErrorKind::timeout && !deadline.expired();
  return has_failed ? error : unfinished(session, verb, target, std::move(error));
}

/// As with supervisorctl, a process that is starting or retried needs no start. Nothing if it does.
std::optional<int> report_if_started(Session& session, const Target& target) {
  const auto detail = get_detail(session, target);
  if (!detail) {
    return report_failure(session, Verb::start, target, detail.error());
  }
  if (detail->state == InstanceState::running) {
    return report_result(session, target, "already running");
  }
  if (detail->state == InstanceState::starting || detail->state == InstanceState::backoff) {
    return report_result(
        session, target,
        "already started, it is " + std::string(to_string(detail->state)) + " now");
  }
  return std::nullopt;
}

int start_one(Session& session, const Target& target) {
  // An agent looks by itself, and a token that may act need not be allowed to read.
  const auto done = target.supervisord->agent ? std::nullopt : report_if_started(session, target);
  if (done) {
    return *done;
  }
  const auto deadline = session.transition_deadline();
  const auto outcome = target.supervisord->substrate->start_instance(target.name, deadline);
  return outcome ? report_result(session, target,
                                 *outcome == Outcome::changed ? "started" : "already running")
                 : report_failure(
                       session, Verb::start, target,
                       unfinished_within(deadline, session, Verb::start, target, outcome.error()));
}

int stop_one(Session& session, const Target& target, StopMode mode) {
  if (!target.supervisord->agent) {
    if (const auto detail = get_detail(session, target); !detail) {
      return report_failure(session, Verb::stop, target, detail.error());
    }
  }
  const auto deadline = session.transition_deadline();
  const auto outcome = target.supervisord->substrate->stop_instance(target.name, mode, deadline);
  if (!outcome) {
    return report_failure(
        session, Verb::stop, target,
        unfinished_within(deadline, session, Verb::stop, target, outcome.error()));
  }
  if (*outcome == Outcome::unchanged) {
    return report_result(session, target, "not running");
  }
  return report_result(session, target, mode == StopMode::force ? "stop requested" : "stopped");
}

/// By the agent, in one operation.
int restart_one(Session& session, const Target& target) {
  const auto deadline = session.transition_deadline();
  const auto outcome = target.supervisord->substrate->restart_instance(target.name, deadline);
  return outcome ? report_result(session, target, "restarted")
                 : report_failure(session, Verb::restart, target,
                                  unfinished_within(deadline, session, Verb::restart, target,
                                                    outcome.error()));
}

/// A process that was stopped for a restart is not left stopped by an interrupt: it may take
/// stop_grace to end.
base::Result<Outcome> stop_to_restart(const Session& session, const Target& target) {
  substrate::Substrate& substrate = *target.supervisord->substrate;
  auto stopped =
      substrate.stop_instance(target.name, StopMode::graceful, session.transition_deadline());
  if (!stopped && stopped.error().kind == ErrorKind::cancelled) {
    stopped = substrate.stop_instance(target.name, StopMode::graceful,
                                      session.uninterruptible_deadline(stop_grace));
  }
  return stopped;
}

/// After an interrupt the start is requested all the same, and watched for start_grace.
base::Result<Outcome> start_again(const Session& session, const Target& target) {
  substrate::Substrate& substrate = *target.supervisord->substrate;
  if (!session.stop.stop_requested()) {
    auto started = substrate.start_instance(target.name, session.transition_deadline());
    if (started || started.error().kind != ErrorKind::cancelled) {
      return started;
    }
    const auto detail =
        substrate.get_instance(target.name, session.uninterruptible_deadline(start_grace));
    if (detail && substrate::is_active(detail->state)) {
      return started;  // supervisord goes on with it
    }
  }
  return substrate.start_instance(target.name, session.uninterruptible_deadline(start_grace));
}

/// Targets of one priority, by their places in the selection.
using Tier = std::vector<std::size_t>;

/// One action on all selected processes: those of one priority side by side, the priorities one
/// after the other. Results are printed as they come.
class Action {
 public:
  Action(Session& session, Verb verb, const Names& names)
      : session_(session),
        selection_(select_for_action(session, verb, names)),
        codes_(selection_.targets.size(), exit_success),
        begun_(selection_.targets.size(), false),
        tiers_(by_priority()) {}

  [[nodiscard]] const Target& target(std::size_t at) const { return selection_.targets[at]; }

  /// Calls `act` for each target and keeps its exit code. An interrupt leaves out the tiers that
  /// have not begun.
  void for_each(bool descending, const std::string& aim,
                const std::function<int(const Target&)>& act) {
    if (descending) {
      std::reverse(tiers_.begin(), tiers_.end());
    }
    for (const Tier& tier : tiers_) {
      if (session_.stop.stop_requested()) {
        return;
      }
      run_tier(tier, aim, [&](std::size_t at) { codes_[at] = act(target(at)); });
    }
  }

  /// All are stopped, the highest priority first; then what has stopped is started.
  void restart();

  /// The exit code: of the last target that failed.
  [[nodiscard]] int end() const;

 private:
  [[nodiscard]] std::vector<Tier> by_priority() const;
  void run_tier(const Tier& tier, const std::string& aim,
                const std::function<void(std::size_t)>& act);

  Session& session_;
  Selection selection_;
  std::vector<int> codes_;
  std::vector<bool> begun_;
  std::vector<Tier> tiers_;
};

std::vector<Tier> Action::by_priority() const {
  constexpr std::int64_t unknown = std::numeric_limits<std::int64_t>::max();
  const std::vector<Target>& targets = selection_.targets;
  std::vector<substrate::Priority> priorities(targets.size(), {unknown, unknown});
  for (const Supervisord& supervisord : session_.supervisords) {
    std::vector<substrate::InstanceName> names;
    Tier places;
    for (std::size_t at = 0; at < targets.size(); ++at) {
      if (targets[at].supervisord == &supervisord) {
        names.push_back(targets[at].name);
        places.push_back(at);
      }
    }
    if (names.empty() || targets.size() == 1) {
      continue;  // its programs need not be asked for
    }
    const auto own = substrate::priorities_of(names, session_.programs(supervisord));
    for (std::size_t each = 0; each < places.size(); ++each) {
      priorities[places[each]] = own[each];
    }
  }
  return substrate::start_order(priorities);
}

void Action::run_tier(const Tier& tier, const std::string& aim,
                      const std::function<void(std::size_t)>& act) {
  if (tier.empty()) {
    return;
  }
  const std::string what = tier.size() == 1 ? label(session_, target(tier.front()))
                                            : std::to_string(tier.size()) + " processes";
  for (const std::size_t at : tier) {
    begun_[at] = true;
  }
  with_wait_notice(session_, "waiting for " + what + " to " + aim, [&] {
    base::side_by_side(tier.size(), [&](std::size_t each) { act(tier[each]); });
  });
}

void Action::restart() {
  const std::stop_callback on_interrupt(session_.stop, [this] {
    session_.output.notice("interrupted: finishing the restart of " +
                           (selection_.targets.size() == 1 ? label(session_, target(0))
                                                           : std::string("what was stopped")) +
                           "; interrupt again to stop now");
  });
  for_each(true, "stop", [this](const Target& each) {
    const auto detail = get_detail(session_, each);
    if (!detail) {
      return report_failure(session_, Verb::restart, each, detail.error());
    }
    const auto stopped = stop_to_restart(session_, each);
    return stopped ? exit_success
                   : report_failure(session_, Verb::stop, each,
                                    unfinished(session_, Verb::restart, each, stopped.error()));
  });
  std::reverse(tiers_.begin(), tiers_.end());
  for (Tier tier : tiers_) {
    std::erase_if(tier, [&](std::size_t at) { return !begun_[at] || codes_[at] != exit_success; });
    run_tier(tier, "run again", [&](std::size_t at) {
      const auto started = start_again(session_, target(at));
      codes_[at] = started ? report_result(session_, target(at), "restarted")
                           : report_failure(
                                 session_, Verb::restart, target(at),
                                 unfinished(session_, Verb::restart, target(at), started.error()));
    });
  }
}

int Action::end() const {
  const auto left = std::count(begun_.begin(), begun_.end(), false);
  if (left > 0) {
    session_.output.notice("interrupted: " + std::to_string(left) + " of " +
                           std::to_string(begun_.size()) + " processes left as they are");
    return exit_failure;
  }
  const auto failed =
      std::find_if(codes_.rbegin(), codes_.rend(), [](int code) { return code != exit_success; });
  return failed == codes_.rend() ? selection_.code : *failed;
}

/// For actions that are done at once: in the order of the names.
int for_each_target(Session& session, Verb verb, const Names& names,
                    const std::function<int(const Target&)>& action) {
  const Selection selection = select_for_action(session, verb, names);
  int code = selection.code;
  for (const Target& target : selection.targets) {
    if (session.stop.stop_requested()) {
      session.output.notice("interrupted");
      return exit_failure;
    }
    if (const int result = action(target); result != exit_success) {
      code = result;
    }
  }
  return code;
}

}  // namespace

int run(Session& session, const Start& command) {
  Action action(session, Verb::start, command.names);
  action.for_each(false, "run", [&](const Target& target) { return start_one(session, target); });
  return action.end();
}

int run(Session& session, const Stop& command) {
  Action action(session, Verb::stop, command.names);
  action.for_each(true, "stop",
                  [&](const Target& target) { return stop_one(session, target, command.mode); });
  return action.end();
}

int run(Session& session, const Restart& command) {
  Action action(session, Verb::restart, command.names);
  if (session.through_agent()) {
    action.for_each(false, "run again",
                    [&](const Target& target) { return restart_one(session, target); });
  } else {
    action.restart();
  }
  return action.end();
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
