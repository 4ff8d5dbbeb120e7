// The one file that knows Beast, which costs half a minute to compile.
#include "http/request_parser.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "http/head_scan.h"
#include "http/text.h"

namespace reeve::http {
namespace {

namespace beast = boost::beast;
using beast::http::field;
using Fields = beast::http::fields;
using Parser = beast::http::request_parser<beast::http::string_body>;

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

Refusal refusal_of(const beast::error_code& error) {
  if (error == beast::http::error::body_limit) {
    return {413, "the body is larger than this server accepts"};
  }
  if (error == beast::http::error::header_limit) {
    return {431, "the header is larger than this server accepts"};
  }
  return {400, "the request is not well-formed HTTP/1.1"};
}

/// All but the body, before the trailer of a chunked one is mixed into the fields.
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

using ChunkCheck = std::function<void(std::uint64_t, beast::string_view, beast::error_code&)>;

/// Beast lets a quoted extension hold line feeds, which others take for the end of the line.
void check_chunk_extension(std::uint64_t, beast::string_view extension, beast::error_code& error) {
  if (std::any_of(extension.begin(), extension.end(), is_control)) {
    error = beast::http::error::bad_chunk_extension;
  }
}

/// How long the body is must have one reading alone.
std::optional<Refusal> check_framing(const Fields& fields, unsigned version) {
  const std::size_t encodings = fields.count(field::transfer_encoding);
  const std::size_t lengths = fields.count(field::content_length);
  if (encodings > 0 && (lengths > 0 || version == http_1_0)) {
    return Refusal{400, "the length of the body is ambiguous"};
  }
  if (encodings > 1 ||
      (encodings == 1 && !same_name(view(fields[field::transfer_encoding]), "chunked"))) {
    return Refusal{501, "the only Transfer-Encoding this server knows is chunked"};
  }
  if (lengths > 1 || view(fields[field::content_length]).find(',') != std::string_view::npos) {
    return Refusal{400, "there must be one Content-Length"};
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
  if (coding != fields.end() && !same_name(view(coding->value()), "identity")) {
    return Refusal{415, "send the body without Content-Encoding"};
  }
  const auto expectation = fields.find(field::expect);
  if (expectation != fields.end() && !same_name(view(expectation->value()), "100-continue")) {
    return Refusal{417, "the only expectation this server knows is 100-continue"};
  }
  return check_framing(fields, version);
}

}  // namespace

struct RequestParser::Message {
  Message() { parser.on_chunk_header(check_extension); }

  Parser parser;
  Request request;
  ChunkCheck check_extension = check_chunk_extension;
};

RequestParser::RequestParser(const RequestLimits& limits) : limits_(limits) {}
RequestParser::~RequestParser() = default;

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
    refuse({400, "the request is not well-formed HTTP/1.1"});
  } else if (scan.result == HeadScan::Result::complete) {
    parse_head(input, scan.size);
  } else if (scan.size == limits_.header_bytes) {
    const bool in_first_line = allowed.find('\n') == std::string_view::npos;
    refuse(in_first_line ? Refusal{414, "the request target is longer than this server accepts"}
                         : Refusal{431, "the header is larger than this server accepts"});
  }
}

void RequestParser::parse_head(std::string& input, std::size_t size) {
  message_ = std::make_unique<Message>();
  Parser& parser = message_->parser;
  parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
  parser.body_limit(limits_.body_bytes);
  beast::error_code error;
  const std::size_t taken = parser.put(boost::asio::buffer(input.data(), size), error);
  if (error || !parser.is_header_done() || taken != size) {
    return refuse(refusal_of(error));
  }
  input.erase(0, size);
  const auto& head = parser.get();
  std::optional<Refusal> refusal = check_target(view(head.target()));
  if (!refusal) {
    refusal = check_fields(head, head.version());
  }
  if (refusal) {
    return refuse(*refusal);
  }
  message_->request = request_of(head);
  keeps_alive_ = head.version() != http_1_0 && parser.keep_alive();
  expects_continue_ = head.version() != http_1_0 && head.count(field::expect) > 0;
  state_ = parser.is_done() ? State::complete : State::body;
  parser.eager(true);
}

void RequestParser::read_body(std::string& input) {
  Parser& parser = message_->parser;
  while (!input.empty() && !parser.is_done()) {
    beast::error_code error;
    const std::size_t taken = parser.put(boost::asio::buffer(input), error);
    input.erase(0, taken);
    if (error == beast::http::error::need_more) {
      if (input.size() >= limits_.header_bytes) {
        refuse({400, "a chunk's header or the trailer is too long"});
      }
      return;
    }
    if (error) {
      return refuse(refusal_of(error));
    }
  }
  if (parser.is_done()) {
    state_ = State::complete;
  }
}

Request RequestParser::take() {
  message_->request.body = std::move(message_->parser.get().body());
  return std::move(message_->request);
}

}  // namespace reeve::http
