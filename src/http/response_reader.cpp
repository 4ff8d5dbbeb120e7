#include "http/response_reader.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>

#include "http/chunk_decoder.h"

namespace reeve::http {
namespace {

namespace beast = boost::beast;
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

base::Error too_long(const std::string& what, std::size_t bound) {
  return {base::ErrorKind::malformed, what + " is longer than " + std::to_string(bound) + " bytes"};
}

base::Error not_http(const std::string& reason) {
  return {base::ErrorKind::malformed, "what answers is not an HTTP server (" + reason + ")"};
}

}  // namespace

struct HttpReader::State {
  /// What ends the body.
  enum class Framing { length, chunks, close };

  State(std::size_t max_bytes, BodyConsumer body_consumer)
      : max_body_bytes(max_bytes),
        consumer(std::move(body_consumer)),
        chunks({max_header_bytes, max_bytes}) {
    head.header_limit(max_header_bytes);
    head.skip(true);  // the body is read here: Beast asserts on some, and lets others pass
  }

  [[nodiscard]] bool succeeded() const { return head.is_done() && head.get().result_int() == 200; }
  void take_head();
  void take_body();
  bool wants_more();

  const std::size_t max_body_bytes;
  const BodyConsumer consumer;
  beast::http::response_parser<beast::http::empty_body> head;
  Framing framing = Framing::close;
  std::uint64_t left = 0;  ///< of the announced length
  ChunkDecoder chunks;
  std::string pending;  ///< has come, but is not taken yet
  std::string body;
  bool begun = false;
  bool complete = false;
  bool enough = false;
  std::optional<base::Error> error;
};

void HttpReader::State::take_head() {
  // Seen at once, since a TLS server's alert, for one, is too short for a whole line.
  constexpr std::string_view greeting = "HTTP/";
  if (!begun && !greeting.starts_with(std::string_view(pending).substr(0, greeting.size()))) {
    error = not_http("bad version");
    return;
  }
  begun = begun || pending.size() >= greeting.size();
  error_code code;
  while (!code && !pending.empty() && !head.is_done()) {
    pending.erase(0, head.put(boost::asio::buffer(pending), code));
  }
  if (code == beast::http::error::header_limit ||
      (code == beast::http::error::need_more && pending.size() > max_header_bytes)) {
    error = too_long("the answer's header", max_header_bytes);
  } else if (code && code != beast::http::error::need_more) {
    error = not_http(code.message());
  }
  if (head.is_done()) {
    const auto length = head.content_length();
    left = length.value_or(0);
    framing = head.chunked() ? Framing::chunks : length ? Framing::length : Framing::close;
  }
}

void HttpReader::State::take_body() {
  using Chunks = ChunkDecoder::State;
  if (framing == Framing::chunks) {
    const Chunks state = chunks.consume(pending, body);
    complete = state == Chunks::complete;
    if (state == Chunks::malformed) {
      error = not_http("bad chunk");
    } else if (state == Chunks::too_large) {
      error = too_long("the answer", max_body_bytes);
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

/// Whether a 200 needs more than what has come and is taken.
bool HttpReader::State::wants_more() {
  take_body();
  if (consumer) {
    const bool wanted = body.empty() || consumer(body);
    body.clear();
    return wanted && !complete;
  }
  if (complete && framing == Framing::length && is_cut_xml(body)) {
    body += std::exchange(pending, {});  // more than was announced
    complete = !is_cut_xml(body);
  }
  if (body.size() > max_body_bytes || left > max_body_bytes - body.size()) {
    error = too_long("the answer", max_body_bytes);
  }
  return !complete;
}

HttpReader::HttpReader(std::size_t max_body_bytes, BodyConsumer consumer)
    : state_(std::make_unique<State>(max_body_bytes, std::move(consumer))) {}

HttpReader::~HttpReader() = default;

HttpReader::HttpReader(HttpReader&&) noexcept = default;

bool HttpReader::feed(std::string_view bytes) {
  State& state = *state_;
  state.pending += bytes;
  if (!state.head.is_done() && !state.error) {
    state.take_head();
  }
  // Of another status than 200 the header says all.
  const bool wants_more =
      !state.head.is_done() || (state.succeeded() && !state.error && state.wants_more());
  state.enough = state.error || !wants_more;
  return !state.enough;
}

void HttpReader::end() {
  State& state = *state_;
  if (state.enough) {
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

base::Result<HttpAnswer> HttpReader::take() {
  if (state_->error) {
    return base::failure(*std::move(state_->error));
  }
  const auto& message = state_->head.get();
  HttpAnswer answer;
  answer.status = message.result_int();
  answer.server = std::string(message[beast::http::field::server]);
  answer.location = std::string(message[beast::http::field::location]);
  if (state_->succeeded()) {
    answer.body = std::move(state_->body);
  }
  return answer;
}

}  // namespace reeve::http
