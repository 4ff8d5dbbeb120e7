#pragma once

// How FakeSubstrate serves a call: shared by its source files alone.

#include "support/fake_substrate.h"

namespace reeve::tests {

[[nodiscard]] inline tl::unexpected<base::Error> no_such(const std::string& what) {
  return base::failure(base::ErrorKind::not_found, "no such process or group: " + what);
}

template <class Work>
auto FakeSubstrate::serve(const FakeCall& call, const base::Deadline& deadline, Work&& work)
    -> decltype(work()) {
  world_.with([&](World& world) { world.calls.push_back(call); });
  if (const auto possible = deadline.check("calling supervisord"); !possible) {
    return base::failure(possible.error());
  }
  if (const auto scripted = take_failure(call.operation, false)) {
    if (scripted->late_by == base::Duration::zero()) {
      return base::failure(suffer(*scripted, deadline));
    }
    if (!deadline.wait(scripted->late_by)) {
      return base::failure(deadline.check("waiting for an answer").error());
    }
  }
  settle();
  auto result = work();
  settle();
  if (const auto scripted = take_failure(call.operation, true)) {
    return base::failure(suffer(*scripted, deadline));
  }
  return result;
}

template <class Use>
auto FakeSubstrate::with_process(const substrate::InstanceName& name, Use&& use)
    -> decltype(use(std::declval<World&>(), std::declval<FakeProcess&>())) {
  return world_.with([&](World& world) -> decltype(use(world, std::declval<FakeProcess&>())) {
    FakeProcess* const process = world.supervisor.find(name);
    if (process == nullptr) {
      return no_such(name.text());
    }
    return use(world, *process);
  });
}

}  // namespace reeve::tests
