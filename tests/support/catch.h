#pragma once

// Catch2 2 (Debian 12) and 3 (Debian 13) under the names of the first.

#include <string>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
namespace Catch {
inline auto Contains(const std::string& part) {
  return Matchers::ContainsSubstring(part);
}
}  // namespace Catch
#else
#include <catch2/catch.hpp>
#endif

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
