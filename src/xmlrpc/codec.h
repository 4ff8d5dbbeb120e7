#pragma once

// XML-RPC's text and our values: a call to XML, an answer's XML to an Answer. Pure functions,
// called from any thread; what an answer may cost is bounded before it is parsed.

#include <cstddef>
#include <string>
#include <string_view>

#include "reeve/base/result.h"
#include "xmlrpc/value.h"

namespace reeve::xmlrpc {

/// What an answer may cost us. supervisord's getAllConfigInfo of 5000 programs has 550 000
/// elements, nested 10 deep.
struct DecodeLimits {
  std::size_t max_bytes = std::size_t{64} * 1024 * 1024;
  std::size_t max_elements = 2'000'000;
  std::size_t max_depth = 64;
};

/// The body of a call. invalid_argument: text that XML cannot express (invalid UTF-8, control
/// characters but tab and line ends, U+FFFE, U+FFFF) or a number that is not finite.
[[nodiscard]] base::Result<std::string> encode_call(const Call& call);

/// The answer in `body`: a value or a fault. malformed: anything else, or beyond a limit; the
/// message says what it is instead. Strings keep their bytes, raw control characters and NUL
/// included, be they UTF-8 or not.
[[nodiscard]] base::Result<Answer> decode_answer(std::string_view body,
                                                 const DecodeLimits& limits = {});

}  // namespace reeve::xmlrpc
