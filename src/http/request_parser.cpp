// The one file that knows Beast: its grammar of a head. What a head means is decided here.
#include "http/request_parser.h"

#include <algorithm>
#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "base/text.h"
#include "http/grammar.h"
#include "http/head_scan.h"

namespace reeve::http {
namespace {

namespace beast = boost::beast;
using beast::http::field;
using Fields = beast::http::fields;
using Parser = beast::http::request_parser<beast::http::empty_body>;

constexpr Refusal not_well_formed{400, "the request is not well-formed HTTP/1.1"};
constexpr Refusal body_too_large{413, "the body is larger than this server accepts"};

constexpr std::size_t max_headers = 100;
constexpr int http_1_0 = 10;

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

Method method_of(beast::http::verb verb) {
  if (verb == beast::http::verb::get) {
    return Method::get;
  }
  if (verb == beast::http::verb::head) {
    return Method::head;
  }
  if (verb == beast::http::verb::post) {
    return Method::post;
  }
  if (verb == beast::http::verb::put) {
    return Method::put;
  }
  return verb == beast::http::verb::delete_ ? Method::del : Method::other;
}

/// All but the body.
Request request_of(const Parser::value_type& head) {
  Request request;
  request.method = method_of(head.method());
  const std::string_view target = view(head.target());
  const std::size_t question = std::min(target.find('?'), target.size());
  request.path = target.substr(0, question);
  request.query = target.substr(std::min(question + 1, target.size()));
  for (const auto& header : head) {
    request.headers.push_back(
        {std::string(view(header.name_string())), std::string(view(header.value()))});
  }
  return request;
}

std::optional<Refusal> check_target(std::string_view target) {
  if (!target.starts_with('/')) {
    return Refusal{400, "the request target must be a path that begins with /"};
  }
  const bool clean = std::all_of(target.begin(), target.end(),
                                 [](char c) { return c > ' ' && c < 0x7F && c != '#'; });
  return clean ? std::nullopt : std::optional(Refusal{400, "the target must be percent-encoded"});
}

/// How long the body is must have one reading alone.
std::optional<Refusal> check_framing(const Fields& fields, unsigned version) {
  const std::size_t encodings = fields.count(field::transfer_encoding);
  const std::size_t lengths = fields.count(field::content_length);
  if (encodings > 0 && (lengths > 0 || version == http_1_0)) {
    return Refusal{400, "the length of the body is ambiguous"};
  }
  if (encodings > 1 ||
      (encodings == 1 && !same_ignoring_case(view(fields[field::transfer_encoding]), "chunked"))) {
    return Refusal{501, "the only Transfer-Encoding this server knows is chunked"};
  }
  const bool one_number =
      lengths == 0 || base::parse_number<std::uint64_t>(view(fields[field::content_length]));
  if (lengths > 1 || !one_number) {
    return Refusal{400, "there must be one Content-Length, and it must be a number"};
  }
  return std::nullopt;
}

std::optional<Refusal> check_fields(const Fields& fields, unsigned version) {
  if (std::distance(fields.begin(), fields.end()) > std::ptrdiff_t{max_headers}) {
    return Refusal{431, "there are too many headers"};
  }
  const std::size_t hosts = fields.count(field::host);
  if (hosts > 1 || (hosts == 0 && version != http_1_0)) {
    return Refusal{400, "there must be one Host header"};
  }
  const auto coding = fields.find(field::content_encoding);
  if (coding != fields.end() && !same_ignoring_case(view(coding->value()), "identity")) {
    return Refusal{415, "send the body without Content-Encoding"};
  }
  const auto expectation = fields.find(field::expect);
  if (expectation != fields.end() &&
      !same_ignoring_case(view(expectation->value()), "100-continue")) {
    return Refusal{417, "the only expectation this server knows is 100-continue"};
  }
  return check_framing(fields, version);
}

}  // namespace

RequestParser::State RequestParser::consume(std::string& input) {
  if (state_ == State::head) {
    read_head(input);
  }
  if (state_ == State::body) {
    read_body(input);
  }
  return state_;
}

void RequestParser::refuse(Refusal refusal) {
  refusal_ = refusal;
  state_ = State::refused;
}

void RequestParser::read_head(std::string& input) {
  if (!skipped_blank_line_ && scanned_ == 0) {
    if (input == "\r") {
      return;
    }
    if (input.starts_with("\r\n")) {  // RFC 9112, 2.2: at least one is to be ignored
      input.erase(0, 2);
      skipped_blank_line_ = true;
    }
  }
  const std::string_view allowed = std::string_view(input).substr(0, limits_.header_bytes);
  const HeadScan scan = scan_head(allowed, scanned_);
  scanned_ = scan.size;
  if (scan.result == HeadScan::Result::malformed) {
    refuse(not_well_formed);
  } else if (scan.result == HeadScan::Result::complete) {
    parse_head(allowed.substr(0, scan.size));
    input.erase(0, scan.size);
  } else if (scan.size == limits_.header_bytes) {
    const bool in_first_line = allowed.find('\n') == std::string_view::npos;
    refuse(in_first_line ? Refusal{414, "the request target is longer than this server accepts"}
                         : Refusal{431, "the header is larger than this server accepts"});
  }
}

void RequestParser::parse_head(std::string_view head) {
  Parser parser;
  parser.skip(true);  // the body is read here
  parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
  beast::error_code error;
  const std::size_t taken = parser.put(boost::asio::buffer(head), error);
  if (error || !parser.is_done() || taken != head.size()) {
    return refuse(not_well_formed);
  }
  const auto& message = parser.get();
  std::optional<Refusal> refusal = check_target(view(message.target()));
  if (!refusal) {
    refusal = check_fields(message, message.version());
  }
  if (refusal) {
    return refuse(*refusal);
  }
  request_ = request_of(message);
  takes_chunks_ = message.version() != http_1_0;
  keeps_alive_ = takes_chunks_ && parser.keep_alive();
  expects_continue_ = takes_chunks_ && message.count(field::expect) > 0;
  if (message.count(field::transfer_encoding) > 0) {
    chunks_.emplace(ChunkDecoder::Limits{limits_.header_bytes, limits_.body_bytes});
  } else {
    const auto size = base::parse_number<std::uint64_t>(view(message[field::content_length]));
    if (size.value_or(0) > limits_.body_bytes) {
      return refuse(body_too_large);
    }
    body_size_ = static_cast<std::size_t>(size.value_or(0));
  }
  state_ = State::body;
}

void RequestParser::read_body(std::string& input) {
  if (chunks_) {
    return read_chunks(input);
  }
  const std::size_t size = std::min(input.size(), body_size_ - request_.body.size());
  request_.body.append(input, 0, size);
  input.erase(0, size);
  if (request_.body.size() == body_size_) {
    state_ = State::complete;
  }
}

void RequestParser::read_chunks(std::string& input) {
  switch (chunks_->consume(input, request_.body)) {
    case ChunkDecoder::State::more:
      break;
    case ChunkDecoder::State::complete:
      state_ = State::complete;
      break;
    case ChunkDecoder::State::malformed:
      refuse({400, "a chunk of the body is not well-formed"});
      break;
    case ChunkDecoder::State::too_large:
      refuse(body_too_large);
      break;
  }
}

}  // namespace reeve::http
