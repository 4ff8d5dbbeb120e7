#pragma once

// Files of the project that tests read: captured bytes from tests/fixtures, and pages of docs.

#include <string>

namespace reeve::tests {

/// Of a file or folder, given by its path from the project's root.
[[nodiscard]] std::string source_path(const std::string& below_root);

[[nodiscard]] inline std::string fixture_path(const std::string& name) {
  return source_path("tests/fixtures/" + name);
}

/// The content of a file of tests/fixtures.
[[nodiscard]] std::string fixture(const std::string& name);

/// What follows the header of a captured HTTP answer.
[[nodiscard]] std::string fixture_body(const std::string& name);

}  // namespace reeve::tests
