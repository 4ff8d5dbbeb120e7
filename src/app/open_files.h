#pragma once

// How many files the agent may have open: more than usual, to keep those of the processes that
// it measures.

#include <cstddef>

namespace reeve::app {

/// Raises the soft limit of open files towards the hard one, to what an agent can have use for.
/// The limit now.
std::size_t raise_open_files();

/// How many of `limit` files each of so many supervisords may keep open.
[[nodiscard]] std::size_t kept_files(std::size_t limit, std::size_t supervisors);

}  // namespace reeve::app
