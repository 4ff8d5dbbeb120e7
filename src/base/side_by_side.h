#pragma once

// Several pieces of work at once, each on a thread of its own, until all have ended.

#include <cstddef>
#include <functional>

namespace reeve::base {

/// Calls `work` with each of 0 to count - 1: a single one on the caller's thread, several on at
/// most 64 threads. Returns once all have ended; the first exception is thrown again then.
void side_by_side(std::size_t count, const std::function<void(std::size_t)>& work);

}  // namespace reeve::base
