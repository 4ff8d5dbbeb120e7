#pragma once

// A look at the bytes of a head before they are parsed: where it ends, and whether it holds
// anything that parsers are known to disagree on. Beast accepts folded headers and waits for
// the end of what cannot become a head; this does not.

#include <cstddef>
#include <string_view>

namespace reeve::http {

struct HeadScan {
  enum class Result { incomplete, complete, malformed };
  Result result = Result::incomplete;
  /// Complete: the size of the head with its empty line. Incomplete: where to go on.
  std::size_t size = 0;
};

[[nodiscard]] HeadScan scan_head(std::string_view input, std::size_t from);

}  // namespace reeve::http
