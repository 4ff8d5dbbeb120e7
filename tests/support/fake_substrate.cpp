#include <algorithm>

#include "support/fake_serving.h"

namespace reeve::tests {

using base::Deadline;
using base::ErrorKind;
using base::failure;
using base::Result;
using substrate::InstanceName;
using substrate::InstanceState;
using substrate::Outcome;

FakeSubstrate::FakeSubstrate(ManualClock& clock) : clock_(&clock) {}

FakeMoment FakeSubstrate::now() const {
  return {clock_->steady_now(), clock_->system_now()};
}

void FakeSubstrate::settle() {
  const FakeMoment moment = now();
  const auto due = world_.with([&](World& world) {
    const auto first_due =
        std::stable_partition(world.scheduled.begin(), world.scheduled.end(),
                              [&](const Scheduled& each) { return each.at > moment.steady; });
    std::vector<Scheduled> taken(std::make_move_iterator(first_due),
                                 std::make_move_iterator(world.scheduled.end()));
    world.scheduled.erase(first_due, world.scheduled.end());
    world.supervisor.settle(moment);
    return taken;
  });
  for (const Scheduled& each : due) {
    each.action();
  }
  world_.with([&](World& world) { world.supervisor.settle(moment); });
}

void FakeSubstrate::tick(base::Duration span) {
  clock_->advance(span);
  settle();
}

void FakeSubstrate::let_test_turn_clock() {
  world_.with([](World& world) { world.test_turns_clock = true; });
}

void FakeSubstrate::let_time_pass(const Deadline& deadline) {
  const auto [by_test, next] = world_.with([](World& world) {
    auto soonest = world.supervisor.next_due();
    for (const Scheduled& each : world.scheduled) {
      soonest = std::min(each.at, soonest.value_or(each.at));
    }
    return std::pair(world.test_turns_clock, soonest);
  });
  const bool own_clock = &deadline.clock() == clock_;
  if (by_test && !own_clock) {
    (void)deadline.wait(std::chrono::milliseconds(5));
  } else if (by_test) {
    // Any move of the clock wakes this up; what it is waiting for is for the caller to see.
    (void)clock_->wait_until(clock_->steady_now() + base::Duration(1), deadline.stop());
  } else if (next && (!own_clock || *next < deadline.at())) {
    clock_->advance(std::max(*next - clock_->steady_now(), base::Duration::zero()));
  } else if (own_clock) {
    clock_->advance(deadline.remaining());
  } else {
    (void)deadline.wait(deadline.remaining());
  }
  settle();
}

std::optional<FakeFailure> FakeSubstrate::take_failure(Operation operation, bool after_its_work) {
  return world_.with([&](World& world) -> std::optional<FakeFailure> {
    const auto found = std::find_if(
        world.failures.begin(), world.failures.end(), [&](const FakeFailure& candidate) {
          return candidate.after_its_work == after_its_work &&
                 (candidate.operation == Operation::any || candidate.operation == operation);
        });
    if (found == world.failures.end()) {
      return std::nullopt;
    }
    const FakeFailure taken = *found;
    if (found->times != FakeFailure::always && --found->times == 0) {
      world.failures.erase(found);
    }
    return taken;
  });
}

base::Error FakeSubstrate::suffer(const FakeFailure& scripted, const Deadline& deadline) {
  if (!scripted.hangs) {
    return scripted.error;
  }
  while (deadline.check("waiting for an answer")) {
    let_time_pass(deadline);
  }
  return deadline.check("waiting for an answer").error();
}

Result<substrate::Pid> FakeSubstrate::connect(const Deadline& deadline) {
  return serve({Operation::connect, ""}, deadline, [&]() -> Result<substrate::Pid> {
    return world_.with([](World& world) { return world.pid; });
  });
}

substrate::Listing FakeSubstrate::listing(const World& world) const {
  substrate::Listing listing;
  for (const auto& [name, process] : world.supervisor.active) {
    if (std::find(world.rejected.begin(), world.rejected.end(), name) != world.rejected.end()) {
      ++listing.rejected;
    } else {
      listing.instances.push_back(process.detail(clock_->system_now()));
    }
  }
  return listing;
}

Result<substrate::Listing> FakeSubstrate::list_instances(const Deadline& deadline) {
  return serve({Operation::list, ""}, deadline, [&]() -> Result<substrate::Listing> {
    return world_.with([&](World& world) { return listing(world); });
  });
}

Result<substrate::InstanceDetail> FakeSubstrate::get_instance(const InstanceName& name,
                                                              const Deadline& deadline) {
  return serve({Operation::get, name.text()}, deadline, [&] {
    return with_process(name, [&](World&, FakeProcess& process) {
      return Result<substrate::InstanceDetail>(process.detail(clock_->system_now()));
    });
  });
}

Result<Outcome> FakeSubstrate::start_instance(const InstanceName& name, const Deadline& deadline) {
  return serve({Operation::start, name.text()}, deadline, [&]() -> Result<Outcome> {
    const auto begun =
        with_process(name, [&](World& world, FakeProcess& process) -> Result<Outcome> {
          switch (process.state()) {
            case InstanceState::running:
            case InstanceState::starting:
            case InstanceState::backoff:
              return Outcome::unchanged;
            case InstanceState::stopping:
              return failure(ErrorKind::conflict, name.text() + " is being stopped");
            case InstanceState::unknown:
              return failure(ErrorKind::fault, name.text() + " is in the state UNKNOWN");
            case InstanceState::stopped:
            case InstanceState::exited:
            case InstanceState::fatal:
              break;
          }
          if (process.program.command_missing) {
            return failure(ErrorKind::no_file,
                           "can't find command '" + process.program.command + "'");
          }
          process.spawn(now(), world.supervisor.next_pid());
          return Outcome::changed;
        });
    return begun.and_then([&](Outcome outcome) { return finish_start(name, outcome, deadline); });
  });
}

Result<Outcome> FakeSubstrate::finish_start(const InstanceName& name, Outcome outcome,
                                            const Deadline& deadline) {
  for (;; let_time_pass(deadline)) {
    settle();
    const auto seen = with_process(name, [&](World&, FakeProcess& process) {
      return Result<substrate::InstanceDetail>(process.detail(clock_->system_now()));
    });
    if (!seen) {
      return failure(seen.error());
    }
    const InstanceState state = seen->state;
    if (state == InstanceState::running || state == InstanceState::exited) {
      return outcome;  // EXITED is reached through RUNNING alone
    }
    const bool joined_retries = state == InstanceState::backoff && outcome == Outcome::unchanged;
    if (state != InstanceState::starting && !joined_retries) {
      return failure(ErrorKind::spawn_failed,
                     name.text() + " did not stay up: " + seen->spawn_error);
    }
    if (const auto patient = deadline.check("waiting for " + name.text() + " to run"); !patient) {
      return failure(patient.error());
    }
  }
}

Result<Outcome> FakeSubstrate::stop_instance(const InstanceName& name, substrate::StopMode mode,
                                             const Deadline& deadline) {
  const bool force = mode == substrate::StopMode::force;
  return serve({Operation::stop, name.text()}, deadline, [&]() -> Result<Outcome> {
    const auto begun =
        with_process(name, [&](World& world, FakeProcess& process) -> Result<Outcome> {
          if (process.state() == InstanceState::exited && process.due()) {
            process.spawn(now(), world.supervisor.next_pid());  // a call wakes supervisord's loop
          }
          if (process.state() == InstanceState::unknown) {
            return failure(ErrorKind::conflict, name.text() + " is in the state UNKNOWN");
          }
          if (!substrate::is_active(process.state())) {
            return Outcome::unchanged;
          }
          if (process.state() == InstanceState::stopping) {
            return force ? Outcome::unchanged : Outcome::changed;
          }
          process.stop(now());
          return Outcome::changed;
        });
    return begun && *begun == Outcome::changed && !force ? finish_stop(name, deadline) : begun;
  });
}

Result<Outcome> FakeSubstrate::finish_stop(const InstanceName& name, const Deadline& deadline) {
  for (;; let_time_pass(deadline)) {
    settle();
    const bool stopping = world_.with([&](World& world) {
      const FakeProcess* const process = world.supervisor.find(name);
      return process != nullptr && process->state() == InstanceState::stopping;
    });
    if (!stopping) {
      return Outcome::changed;
    }
    if (const auto patient = deadline.check("waiting for " + name.text() + " to stop"); !patient) {
      return failure(patient.error());
    }
  }
}

Result<void> FakeSubstrate::create_instance(const substrate::InstanceConfig&, const Deadline&) {
  return failure(ErrorKind::not_implemented, "programs come from the configuration");
}

Result<void> FakeSubstrate::delete_instance(const InstanceName&, substrate::StopMode,
                                            const Deadline&) {
  return failure(ErrorKind::not_implemented, "programs come from the configuration");
}

Result<substrate::CommandOutput> FakeSubstrate::execute_command(const InstanceName&,
                                                                const std::string&,
                                                                const Deadline&) {
  return failure(ErrorKind::not_implemented, "there is no inside of a process");
}

}  // namespace reeve::tests
