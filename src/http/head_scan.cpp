#include "http/head_scan.h"

#include "http/grammar.h"

namespace reeve::http {
namespace {

/// Line breaks are CR LF and nothing else; no line begins with a blank; no control bytes.
bool is_allowed(std::string_view input, std::size_t at) {
  const char c = input[at];
  const char before = at > 0 ? input[at - 1] : '\n';
  if (c == '\n') {
    return before == '\r';
  }
  if (before == '\r' || (before == '\n' && (c == ' ' || c == '\t'))) {
    return false;
  }
  return c == '\r' || c == '\t' || !is_control(c);
}

}  // namespace

HeadScan scan_head(std::string_view input, std::size_t from) {
  for (std::size_t at = from; at < input.size(); ++at) {
    if (!is_allowed(input, at) || (at == 0 && !is_token_char(input[at]))) {
      return {HeadScan::Result::malformed, at};
    }
    if (input[at] == '\n' && input.substr(0, at + 1).ends_with("\r\n\r\n")) {
      return {HeadScan::Result::complete, at + 1};
    }
  }
  return {HeadScan::Result::incomplete, input.size()};
}

}  // namespace reeve::http
