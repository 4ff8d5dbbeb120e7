// Any text is a web configuration or a list of errors.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/web_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  reeve::config::ConfigFile file("/nonexistent/reeve.yaml");
  reeve::config::Config config = reeve::config::default_config();
  reeve::config::read_web_config_text(text, "/nonexistent/web.yaml", file, config);
  for (const auto& header : config.metrics_api.headers) {
    if (header.value.find_first_of("\r\n") != std::string_view::npos) {
      __builtin_trap();
    }
  }
  return 0;
}
