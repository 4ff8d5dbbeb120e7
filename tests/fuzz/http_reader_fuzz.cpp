// Any bytes as the HTTP answer to a call and to a stream, in pieces as long as the first byte
// says. What is kept or handed on keeps to its bound.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/parsers.h"

namespace {

using reeve::http::ResponseParser;

constexpr std::size_t max_bytes = 4096;

void read(ResponseParser parser, std::string_view bytes, std::size_t piece) {
  while (!bytes.empty() && parser.feed(bytes.substr(0, piece))) {
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  parser.end();
  const auto answer = parser.take();
  if (answer && answer->body.size() > max_bytes) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::size_t piece = data[0] == 0 ? size : data[0];
  read(ResponseParser({.body_bytes = max_bytes, .length_counts_characters = true}), bytes, piece);
  std::size_t handed_on = 0;
  const auto consumer = [&](std::string_view part) {
    handed_on += part.size();
    return true;
  };
  read(ResponseParser({.body_bytes = max_bytes}, consumer), bytes, piece);
  if (handed_on > bytes.size()) {
    std::abort();
  }
  return 0;
}
