#include "xmlrpc/http_reader.h"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace reeve::xmlrpc {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::uint32_t max_header_bytes = 16 * 1024;

/// True if `body` is an XML-RPC answer whose end has not come yet, whatever was announced.
bool is_cut_xml(std::string_view body) {
  constexpr std::size_t prologue = 256;
  constexpr std::string_view end_tag = "</methodResponse>";
  const std::size_t end = body.find_last_not_of(" \t\r\n") + 1;
  return body.substr(0, prologue).find("<methodResponse") != std::string_view::npos &&
         !body.substr(0, end).ends_with(end_tag);
}

base::Error error_of(const error_code& code, std::size_t max_body_bytes) {
  using base::ErrorKind;
  if (code == http::error::body_limit) {
    return {ErrorKind::malformed,
            "the answer is longer than " + std::to_string(max_body_bytes) + " bytes"};
  }
  if (code == http::error::header_limit) {
    return {ErrorKind::malformed,
            "the answer's header is longer than " + std::to_string(max_header_bytes) + " bytes"};
  }
  if (code == http::error::partial_message) {
    return {ErrorKind::unreachable, "the connection was closed in the middle of the answer"};
  }
  if (code == http::error::end_of_stream) {
    return {ErrorKind::unreachable, "the connection was closed without an answer"};
  }
  return {ErrorKind::malformed, "what answers is not an HTTP server (" + code.message() + ")"};
}

}  // namespace

struct HttpReader::State {
  State(std::size_t max_bytes, BodyConsumer body_consumer)
      : max_body_bytes(max_bytes), consumer(std::move(body_consumer)) {
    parser.header_limit(max_header_bytes);
    parser.body_limit(max_body_bytes);
  }

  [[nodiscard]] std::string& body() { return parser.get().body(); }
  [[nodiscard]] bool succeeded() const {
    return parser.is_header_done() && parser.get().result_int() == 200;
  }

  void parse_pending() {
    // Seen at once, since a TLS server's alert, for one, is too short for a whole line.
    constexpr std::string_view greeting = "HTTP/";
    if (!parser.got_some() && !greeting.starts_with(pending.substr(0, greeting.size()))) {
      error = http::error::bad_version;
    }
    while (!error && !pending.empty() && !parser.is_done() && !is_part_of_empty_body()) {
      const bool in_body = parser.is_header_done();
      const std::size_t used = parser.put(boost::asio::buffer(pending), error);
      pending.erase(0, used);
      body_begun = body_begun || (in_body && used > 0);
    }
    if (error == http::error::need_more) {
      error = {};
      if (pending.size() > max_header_bytes) {  // of the answer, or of a chunk of it
        error = http::error::header_limit;
      }
    }
  }

  /// Beast asserts that a chunked body without any chunk, "0\r\n\r\n", comes in one piece.
  [[nodiscard]] bool is_part_of_empty_body() const {
    constexpr std::size_t empty_body_bytes = 5;
    return parser.is_header_done() && parser.chunked() && !body_begun &&
           pending.size() < empty_body_bytes;
  }

  /// Whether a 200 needs more than what has come and is parsed.
  bool wants_more() {
    if (consumer) {
      const bool wanted = body().empty() || consumer(body());
      body().clear();
      parser.body_limit(max_body_bytes);
      return wanted && !parser.is_done();
    }
    if (!parser.is_done()) {
      return true;
    }
    if (parser.chunked() || !is_cut_xml(body())) {
      return false;
    }
    body() += pending;  // more than was announced
    pending.clear();
    if (body().size() > max_body_bytes) {
      error = http::error::body_limit;
    }
    return is_cut_xml(body());
  }

  std::size_t max_body_bytes;
  BodyConsumer consumer;
  http::response_parser<http::string_body> parser;
  std::string pending;  // has come, but is not parsed yet
  error_code error;
  bool body_begun = false;
  bool enough = false;
};

HttpReader::HttpReader(std::size_t max_body_bytes, BodyConsumer consumer)
    : state_(std::make_unique<State>(max_body_bytes, std::move(consumer))) {}

HttpReader::~HttpReader() = default;

HttpReader::HttpReader(HttpReader&&) noexcept = default;

bool HttpReader::feed(std::string_view bytes) {
  state_->pending += bytes;
  state_->parse_pending();
  // Of another status than 200 the header says all.
  state_->enough = state_->error.failed() || (state_->parser.is_header_done() &&
                                              !(state_->succeeded() && state_->wants_more()));
  return !state_->enough;
}

void HttpReader::end() {
  if (state_->enough) {
    return;
  }
  if (!state_->parser.got_some()) {
    state_->error = http::error::end_of_stream;
  } else if (!state_->parser.is_done()) {
    state_->parser.put_eof(state_->error);
  }
}

base::Result<HttpAnswer> HttpReader::take() {
  if (state_->error) {
    return base::failure(error_of(state_->error, state_->max_body_bytes));
  }
  auto& message = state_->parser.get();
  HttpAnswer answer;
  answer.status = message.result_int();
  answer.server = std::string(message[http::field::server]);
  answer.location = std::string(message[http::field::location]);
  if (state_->succeeded()) {
    answer.body = std::move(message.body());
  }
  return answer;
}

}  // namespace reeve::xmlrpc
