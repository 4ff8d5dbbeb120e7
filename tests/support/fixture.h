#pragma once

// Captured bytes from tests/fixtures. Needs the REEVE_FIXTURES that reeve_tests() defines.

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace reeve::tests {

[[nodiscard]] inline std::string fixture(const std::string& name) {
  std::ifstream file(REEVE_FIXTURES "/" + name, std::ios::binary);
  if (!file) {
    throw std::runtime_error("no fixture " + name);
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

/// What follows the header of a captured HTTP answer.
[[nodiscard]] inline std::string fixture_body(const std::string& name) {
  const std::string answer = fixture(name);
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

}  // namespace reeve::tests
