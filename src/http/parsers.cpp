// The one file that uses Beast: for its grammar of a head. What a head means is decided here.
#include "http/parsers.h"

#include <algorithm>
#include <cstdint>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>

#include "base/text.h"

namespace reeve::http {
namespace {

namespace beast = boost::beast;
using beast::http::field;
using Fields = beast::http::fields;
using Parser = beast::http::request_parser<beast::http::empty_body>;

constexpr RequestError not_well_formed{400, "the request is not well-formed HTTP/1.1"};
constexpr RequestError body_too_large{413, "the body is larger than this server accepts"};

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

std::optional<RequestError> check_target(std::string_view target) {
  if (!target.starts_with('/')) {
    return RequestError{400, "the request target must be a path that begins with /"};
  }
  const bool clean = std::all_of(target.begin(), target.end(),
                                 [](char c) { return c > ' ' && c < 0x7F && c != '#'; });
  return clean ? std::nullopt
               : std::optional(RequestError{400, "the target must be percent-encoded"});
}

/// The length of the body must have exactly one reading.
std::optional<RequestError> check_framing(const Fields& fields, unsigned version) {
  const std::size_t encodings = fields.count(field::transfer_encoding);
  const std::size_t lengths = fields.count(field::content_length);
  if (encodings > 0 && (lengths > 0 || version == http_1_0)) {
    return RequestError{400, "the length of the body is ambiguous"};
  }
  if (encodings > 1 ||
      (encodings == 1 && !same_ignoring_case(view(fields[field::transfer_encoding]), "chunked"))) {
    return RequestError{501, "the only Transfer-Encoding this server knows is chunked"};
  }
  const bool one_number =
      lengths == 0 || base::parse_number<std::uint64_t>(view(fields[field::content_length]));
  if (lengths > 1 || !one_number) {
    return RequestError{400, "there must be one Content-Length, and it must be a number"};
  }
  return std::nullopt;
}

std::optional<RequestError> check_fields(const Fields& fields, unsigned version) {
  if (std::distance(fields.begin(), fields.end()) > std::ptrdiff_t{max_headers}) {
    return RequestError{431, "there are too many headers"};
  }
  const std::size_t hosts = fields.count(field::host);
  if (hosts > 1 || (hosts == 0 && version != http_1_0)) {
    return RequestError{400, "there must be one Host header"};
  }
  const auto coding = fields.find(field::content_encoding);
  if (coding != fields.end() && !same_ignoring_case(view(coding->value()), "identity")) {
    return RequestError{415, "send the body without Content-Encoding"};
  }
  const auto expectation = fields.find(field::expect);
  if (expectation != fields.end() &&
      !same_ignoring_case(view(expectation->value()), "100-continue")) {
    return RequestError{417, "the only expectation this server knows is 100-continue"};
  }
  return check_framing(fields, version);
}

constexpr std::uint32_t max_answer_header_bytes = 16 * 1024;

// A log that is followed may come byte by byte: that takes five bytes for each.
constexpr std::size_t response_chunk_overhead = 8;
constexpr std::size_t request_chunk_overhead = 2;

/// True if `body` is an XML-RPC answer whose end has not come yet, whatever was announced.
bool is_cut_xml(std::string_view body) {
  constexpr std::size_t prologue = 256;
  constexpr std::string_view end_tag = "</methodResponse>";
  const std::size_t end = body.find_last_not_of(" \t\r\n") + 1;
  return body.substr(0, prologue).find("<methodResponse") != std::string_view::npos &&
         !body.substr(0, end).ends_with(end_tag);
}

base::Error too_long(const std::string& what, std::size_t bound) {
  return {base::ErrorKind::malformed, what + " is longer than " + std::to_string(bound) + " bytes"};
}

base::Error not_http(const std::string& reason) {
  return {base::ErrorKind::malformed, "what answers is not an HTTP server (" + reason + ")"};
}

}  // namespace

RequestParser::State RequestParser::consume_head(std::string& input) {
  if (state_ == State::head) {
    read_head(input);
  }
  return state_;
}

RequestParser::State RequestParser::consume(std::string& input) {
  consume_head(input);
  if (state_ == State::body) {
    read_body(input);
  }
  return state_;
}

void RequestParser::refuse(RequestError error) {
  error_ = error;
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
    refuse(in_first_line
               ? RequestError{414, "the request target is longer than this server accepts"}
               : RequestError{431, "the header is larger than this server accepts"});
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
  std::optional<RequestError> problem = check_target(view(message.target()));
  if (!problem) {
    problem = check_fields(message, message.version());
  }
  if (problem) {
    return refuse(*problem);
  }
  request_ = request_of(message);
  takes_chunks_ = message.version() != http_1_0;
  keeps_alive_ = takes_chunks_ && parser.keep_alive();
  expects_continue_ = takes_chunks_ && message.count(field::expect) > 0;
  if (message.count(field::transfer_encoding) > 0) {
    if (limits_.body_bytes == 0) {
      return refuse(body_too_large);
    }
    chunks_.emplace(ChunkDecoder::Limits{.trailer_bytes = limits_.header_bytes,
                                         .body_bytes = limits_.body_bytes,
                                         .overhead_per_byte = request_chunk_overhead});
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
      refuse({400, "a chunk of the body is not well-formed, or the chunks are too small"});
      break;
    case ChunkDecoder::State::too_large:
      refuse(body_too_large);
      break;
  }
}

struct ResponseParser::State {
  /// What ends the body.
  enum class Framing { length, chunks, close };

  State(const ResponseLimits& bounds, BodyConsumer body_consumer)
      : limits(bounds),
        consumer(std::move(body_consumer)),
        chunks({.trailer_bytes = max_answer_header_bytes,
                .body_bytes = bounds.body_bytes,
                .overhead_per_byte = response_chunk_overhead}) {
    head.header_limit(max_answer_header_bytes);
    head.skip(true);  // the body is read here: Beast asserts on some, and lets others pass
  }

  [[nodiscard]] bool succeeded() const { return head.is_done() && head.get().result_int() == 200; }
  void take_head();
  void take_body();
  bool wants_more_of_body();
  bool wants_more();
  bool wants_more_of_error();

  const ResponseLimits limits;
  const BodyConsumer consumer;
  beast::http::response_parser<beast::http::empty_body> head;
  Framing framing = Framing::close;
  std::uint64_t left = 0;  ///< of the announced length
  ChunkDecoder chunks;
  std::string pending;  ///< received, not parsed yet
  std::string body;
  bool begun = false;
  bool complete = false;
  bool enough = false;
  std::optional<base::Error> error;
};

void ResponseParser::State::take_head() {
  // Checked before the line is complete: a TLS server's alert is shorter than a line.
  constexpr std::string_view greeting = "HTTP/";
  if (!begun && !greeting.starts_with(std::string_view(pending).substr(0, greeting.size()))) {
    error = not_http("bad version");
    return;
  }
  begun = begun || pending.size() >= greeting.size();
  beast::error_code code;
  while (!code && !pending.empty() && !head.is_done()) {
    pending.erase(0, head.put(boost::asio::buffer(pending), code));
  }
  if (code == beast::http::error::header_limit ||
      (code == beast::http::error::need_more && pending.size() > max_answer_header_bytes)) {
    error = too_long("the answer's header", max_answer_header_bytes);
  } else if (code && code != beast::http::error::need_more) {
    error = not_http(code.message());
  }
  if (head.is_done()) {
    const auto length = head.content_length();
    left = length.value_or(0);
    framing = head.chunked() ? Framing::chunks : length ? Framing::length : Framing::close;
  }
}

void ResponseParser::State::take_body() {
  using Chunks = ChunkDecoder::State;
  if (framing == Framing::chunks) {
    const Chunks state = chunks.consume(pending, body);
    complete = state == Chunks::complete;
    if (state == Chunks::malformed) {
      error = not_http("bad chunk");
    } else if (state == Chunks::too_large) {
      error = too_long("the answer", limits.body_bytes);
    }
    return;
  }
  const bool counted = framing == Framing::length;
  const auto size = counted
                        ? static_cast<std::size_t>(std::min<std::uint64_t>(left, pending.size()))
                        : pending.size();
  body.append(pending, 0, size);
  pending.erase(0, size);
  left -= counted ? size : 0;
  complete = counted && left == 0;
}

/// Parses what has come of a 200's body; whether more is needed.
bool ResponseParser::State::wants_more() {
  take_body();
  if (consumer) {
    const bool wanted = body.empty() || consumer(body);
    body.clear();
    return wanted && !complete;
  }
  if (limits.length_counts_characters && complete && framing == Framing::length &&
      is_cut_xml(body)) {
    body += std::exchange(pending, {});  // more than was announced
    complete = !is_cut_xml(body);
  }
  if (body.size() > limits.body_bytes || left > limits.body_bytes - body.size()) {
    error = too_long("the answer", limits.body_bytes);
  }
  return !complete;
}

/// The same of another status' body, which says why: what breaks its framing ends it.
bool ResponseParser::State::wants_more_of_error() {
  if (limits.error_body_bytes == 0 || !has_body(static_cast<int>(head.get().result_int()))) {
    return false;
  }
  take_body();
  const bool ends = complete || error || body.size() >= limits.error_body_bytes;
  error.reset();
  body.resize(std::min(body.size(), limits.error_body_bytes));
  return !ends;
}

/// Of other statuses than 200 the header is enough, unless their body is wanted.
bool ResponseParser::State::wants_more_of_body() {
  return succeeded() ? wants_more() : wants_more_of_error();
}

ResponseParser::ResponseParser(const ResponseLimits& limits, BodyConsumer consumer)
    : state_(std::make_unique<State>(limits, std::move(consumer))) {}

ResponseParser::~ResponseParser() = default;

ResponseParser::ResponseParser(ResponseParser&&) noexcept = default;

bool ResponseParser::feed(std::string_view bytes) {
  State& state = *state_;
  state.pending += bytes;
  if (!state.head.is_done() && !state.error) {
    state.take_head();
  }
  const bool wants_more = !state.error && (!state.head.is_done() || state.wants_more_of_body());
  state.enough = state.error || !wants_more;
  return !state.enough;
}

void ResponseParser::end() {
  State& state = *state_;
  if (state.enough || (state.head.is_done() && !state.succeeded())) {
    return;
  }
  const bool cut = !state.head.is_done() || state.framing == State::Framing::chunks ||
                   (state.framing == State::Framing::length && state.left > 0);
  if (!state.begun && state.pending.empty()) {
    state.error = {base::ErrorKind::unreachable, "the connection was closed without an answer"};
  } else if (cut) {
    state.error = {base::ErrorKind::unreachable,
                   "the connection was closed in the middle of the answer"};
  }
}

base::Result<ClientResponse> ResponseParser::take() {
  if (state_->error) {
    return base::failure(*std::move(state_->error));
  }
  const auto& message = state_->head.get();
  ClientResponse response;
  response.status = message.result_int();
  response.server = std::string(view(message[field::server]));
  response.location = std::string(view(message[field::location]));
  response.body = std::move(state_->body);
  return response;
}

}  // namespace reeve::http
