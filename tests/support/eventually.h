#pragma once

// Waiting in tests: look again until it is so, or until the patience is over. Never a sleep in
// place of a wait. From component level upward only.

#include <chrono>
#include <functional>

namespace reeve::tests {

/// True as soon as `predicate` is; false if it never was within `patience`.
[[nodiscard]] bool eventually(std::chrono::milliseconds patience,
                              const std::function<bool()>& predicate);

}  // namespace reeve::tests
