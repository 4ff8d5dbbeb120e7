#pragma once

// gzip of a text in two parts: the long first part is compressed once and kept, the short last
// part each time. Together they are one gzip member, which every client can read (many stop
// after the first member of several).

#include <cstdint>
#include <string>
#include <string_view>

namespace reeve::metrics {

struct GzipBegun {
  std::string bytes;           ///< to be sent first
  std::uint32_t checksum = 0;  ///< of the text
  std::uint64_t text_size = 0;
};

[[nodiscard]] GzipBegun begin_gzip(std::string_view text);
/// What is to be sent after `begun`, to add `text` and end the member.
[[nodiscard]] std::string end_gzip(const GzipBegun& begun, std::string_view text);

}  // namespace reeve::metrics
