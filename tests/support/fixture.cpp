#include "support/fixture.h"

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace reeve::tests {

std::string source_path(const std::string& below_root) {
  return REEVE_SOURCE_DIR "/" + below_root;
}

std::string fixture(const std::string& name) {
  std::ifstream file(fixture_path(name), std::ios::binary);
  if (!file) {
    throw std::runtime_error("no fixture " + name);
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string fixture_body(const std::string& name) {
  const std::string answer = fixture(name);
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

}  // namespace reeve::tests
