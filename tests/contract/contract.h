#pragma once

// A manager under contract, and the few words that its tests are written in.

#include <string>

#include "contract/managers.h"
#include "support/catch.h"

namespace reeve::tests {

using base::ErrorKind;
using substrate::InstanceDetail;
using substrate::InstanceName;
using substrate::InstanceState;
using substrate::Outcome;
using substrate::StopMode;

template <class Manager>
struct Contract {
  Manager manager;
  substrate::Substrate& substrate = manager.substrate();

  /// Generous: machines that test are busy.
  [[nodiscard]] base::Deadline soon() const { return manager.within(std::chrono::seconds(60)); }

  [[nodiscard]] InstanceDetail look(const InstanceName& name) {
    const auto seen = substrate.get_instance(name, soon());
    if (!seen) {
      FAIL(seen.error().message);
    }
    return *seen;
  }
  [[nodiscard]] bool becomes(const InstanceName& name, InstanceState state) {
    return manager.eventually([&] { return look(name).state == state; });
  }
  [[nodiscard]] auto start(const InstanceName& name) {
    return substrate.start_instance(name, soon());
  }
  [[nodiscard]] auto stop(const InstanceName& name) {
    return substrate.stop_instance(name, StopMode::graceful, soon());
  }
};

[[nodiscard]] inline InstanceName named(const std::string& text) {
  return InstanceName::parse(text).value();
}

/// The kind of an error that must be one, and must say something.
template <class T>
[[nodiscard]] ErrorKind kind_of(const base::Result<T>& result) {
  REQUIRE_FALSE(result);
  CHECK_FALSE(result.error().message.empty());
  return result.error().kind;
}

}  // namespace reeve::tests
