#include "supervisor/lifecycle.h"

#include <algorithm>

#include "supervisor/faults.h"

namespace reeve::supervisor {

using base::Deadline;
using base::Error;
using base::ErrorKind;
using base::failure;
using base::Result;
using substrate::InstanceDetail;
using substrate::InstanceName;
using substrate::InstanceState;
using substrate::Outcome;

namespace {

/// The pauses between two looks: an obedient program is gone within milliseconds, a slow one
/// may take minutes.
class Pauses {
 public:
  [[nodiscard]] base::Duration next() {
    const base::Duration pause = next_;
    next_ = std::min<base::Duration>(next_ * 2, std::chrono::milliseconds(200));
    return pause;
  }

 private:
  base::Duration next_ = std::chrono::milliseconds(4);
};

Error spawn_failure(const InstanceDetail& seen, std::optional<base::PeerFault> fault) {
  const std::string why = seen.spawn_error.empty()
                              ? "it did not stay up; its log may say why (it is " +
                                    std::string(to_string(seen.state)) + " now)"
                              : seen.spawn_error;
  return {ErrorKind::spawn_failed, "starting " + seen.name.text() + ": " + why, std::move(fault)};
}

/// Nothing more may be waited for: the time is up, or we are shutting down.
Error given_up(const InstanceName& name, const Deadline& deadline, std::string_view state) {
  const ErrorKind kind = deadline.cancelled() ? ErrorKind::cancelled : ErrorKind::timeout;
  return {kind, name.text() + " is still " + std::string(state) + "; supervisord goes on with it"};
}

/// A start that another had asked for already: RUNNING, or given up.
Result<Outcome> join_start(const Peer& peer, const InstanceName& name, const Deadline& deadline) {
  for (Pauses pauses;;) {
    const auto seen = peer.look(name, deadline);
    if (!seen) {
      return failure(seen.error());
    }
    switch (seen->state) {
      case InstanceState::running:
      case InstanceState::exited:  // reached through RUNNING alone
        return Outcome::unchanged;
      case InstanceState::starting:
      case InstanceState::backoff:
        break;
      case InstanceState::stopped:
      case InstanceState::stopping:
      case InstanceState::fatal:
      case InstanceState::unknown:
        return failure(spawn_failure(*seen, std::nullopt));
    }
    if (!deadline.wait(pauses.next())) {
      return failure(given_up(name, deadline, to_string(seen->state)));
    }
  }
}

/// What a refused start comes to, now that the process has been looked at.
Result<Outcome> judge_refused_start(const Peer& peer, const Error& refusal,
                                    const InstanceDetail& seen, const Deadline& deadline) {
  // A process whose command has vanished since it was started is refused with NO_FILE.
  const bool began = refusal.kind == ErrorKind::spawn_failed;
  if (seen.state == InstanceState::running && !began) {
    return Outcome::unchanged;
  }
  if (seen.state == InstanceState::stopping) {
    return failure({ErrorKind::conflict,
                    "starting " + seen.name.text() +
                        ": it is being stopped; start it again once it has stopped",
                    refusal.fault});
  }
  if (is_fault(refusal, FaultCode::spawn_error)) {
    return failure(spawn_failure(seen, refusal.fault));
  }
  if (is_fault(refusal, FaultCode::already_started) ||
      (is_vague(refusal) && substrate::is_active(seen.state))) {
    return join_start(peer, seen.name, deadline);
  }
  return is_vague(refusal) ? failure(spawn_failure(seen, refusal.fault)) : failure(refusal);
}

Error unmanageable(const InstanceDetail& seen) {
  return {
      ErrorKind::conflict,
      "stopping " + seen.name.text() +
          ": supervisord lost hold of it (UNKNOWN) and cannot stop it; end the process by hand"};
}

Result<Outcome> await_stop(const Peer& peer, const InstanceName& name, const Deadline& deadline) {
  for (Pauses pauses;;) {
    if (!deadline.wait(pauses.next())) {
      return failure(given_up(name, deadline, to_string(InstanceState::stopping)));
    }
    const auto seen = peer.look(name, deadline);
    if (!seen && seen.error().kind == ErrorKind::not_found) {
      return Outcome::changed;  // its group was removed, which takes a stopped process
    }
    if (!seen) {
      return failure(seen.error());
    }
    if (seen->state == InstanceState::unknown) {
      return failure(unmanageable(*seen));
    }
    // Any other state: it has stopped, and may have been started anew by somebody.
    if (seen->state != InstanceState::stopping) {
      return Outcome::changed;
    }
  }
}

}  // namespace

Result<Outcome> start(const Peer& peer, const InstanceName& name, const Deadline& deadline) {
  const auto address = namespec(name);
  if (!address) {
    return failure(address.error());
  }
  const auto started = peer.call(supervisor_call("startProcess", {*address, true}),
                                 "starting " + *address, deadline);
  if (started) {
    return Outcome::changed;
  }
  if (!started.error().fault || started.error().kind == ErrorKind::not_found ||
      started.error().kind == ErrorKind::shutting_down) {
    return failure(started.error());
  }
  const auto seen = peer.look(name, deadline);
  return seen ? judge_refused_start(peer, started.error(), *seen, deadline)
              : failure(seen.error().kind == ErrorKind::not_found ? seen.error() : started.error());
}

Result<Outcome> stop(const Peer& peer, const InstanceName& name, substrate::StopMode mode,
                     const Deadline& deadline) {
  const auto address = namespec(name);
  if (!address) {
    return failure(address.error());
  }
  const bool force = mode == substrate::StopMode::force;
  // A program that crashes in a loop may be EXITED, hence "not running", and up again at the
  // next moment: then it is asked for again.
  constexpr int attempts = 3;
  Error refusal;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const auto asked = peer.call(supervisor_call("stopProcess", {*address, false}),
                                 "stopping " + *address, deadline);
    if (asked) {
      return force ? Outcome::changed : await_stop(peer, name, deadline);
    }
    refusal = asked.error();
    if (!is_fault(refusal, FaultCode::not_running) && !is_vague(refusal)) {
      break;
    }
    const auto seen = peer.look(name, deadline);
    if (!seen) {
      return failure(seen.error());
    }
    if (seen->state == InstanceState::unknown) {
      return failure(unmanageable(*seen));
    }
    if (seen->state == InstanceState::stopping) {
      return force ? Outcome::unchanged : await_stop(peer, name, deadline);
    }
    if (!substrate::is_active(seen->state)) {
      return Outcome::unchanged;
    }
  }
  return failure(refusal);
}

}  // namespace reeve::supervisor
