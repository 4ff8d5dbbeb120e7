#pragma once

// Catch2 2 (Debian 12) and 3 (Debian 13) under one name.

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <string>

namespace reeve::tests {

/// Why this test cannot be done here: ctest counts it as skipped. The test must return after it.
inline void skip(const std::string& reason) {
#ifdef SKIP
  SKIP(reason);
#else
  WARN("skipped: " + reason);
#endif
}

}  // namespace reeve::tests
