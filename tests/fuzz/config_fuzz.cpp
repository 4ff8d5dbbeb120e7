// Any text is a configuration or a list of errors.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = reeve::config::parse(text, "/nonexistent/fuzz.yaml");
  if (!config && config.error().empty()) {
    __builtin_trap();
  }
  return 0;
}
