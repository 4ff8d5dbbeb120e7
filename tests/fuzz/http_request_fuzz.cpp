// The request parser on any bytes: it never reads beyond them, keeps its bounds, and comes to
// the same result whether they arrive at once or in pieces.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "http/parsers.h"

namespace {

using reeve::http::Request;
using reeve::http::RequestParser;

constexpr reeve::http::RequestLimits limits{512, 256};

void expect(bool holds) {
  if (!holds) {
    std::abort();
  }
}

struct Outcome {
  RequestParser::State state;
  int refused_with;
  std::optional<Request> request;
  std::size_t left;
};

Outcome parse(const std::string& bytes, std::size_t piece) {
  RequestParser parser(limits);
  std::string input;
  std::size_t at = 0;
  while (at < bytes.size() && parser.state() < RequestParser::State::complete) {
    input.append(bytes, at, piece);
    at = std::min(bytes.size(), at + piece);
    parser.consume(input);
  }
  Outcome outcome{parser.state(), parser.error().status, {}, input.size() + bytes.size() - at};
  if (outcome.state == RequestParser::State::complete) {
    outcome.request = parser.take();
  }
  return outcome;
}

void check_request(const Request& request) {
  expect(request.path.starts_with('/'));
  expect(request.body.size() <= limits.body_bytes);
  expect(request.path.find_first_of(std::string_view("?#\r\n \0", 6)) == std::string::npos);
  for (const auto& header : request.headers) {
    expect(!header.name.empty());
    expect(header.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
  static_cast<void>(request.parameter("wait"));
  static_cast<void>(reeve::http::percent_decode(request.path));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = parse(bytes, bytes.size() + 1);
  const Outcome pieces = parse(bytes, std::size_t{data[0]} % 32 + 1);
  expect(whole.state == pieces.state && whole.refused_with == pieces.refused_with);
  if (whole.request) {
    check_request(*whole.request);
    expect(pieces.request && whole.request->body == pieces.request->body);
    expect(whole.request->headers == pieces.request->headers);
    expect(whole.left == pieces.left);
  }
  return 0;
}
