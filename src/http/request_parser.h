#pragma once

// Bytes to a Request, strictly: what HTTP/1.1 leaves open to two readings is refused, so that
// no proxy in front of us can be tricked into another one. Bounded in bytes and headers.
// Knows no socket; driven by a connection, a test or the fuzzer.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http/chunk_decoder.h"
#include "http/message.h"

namespace reeve::http {

struct RequestLimits {
  std::size_t header_bytes;
  std::size_t body_bytes;
};

/// What the transport answers by itself to a request that no handler will see.
struct Refusal {
  int status = 0;
  std::string_view reason;
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

/// Of one request; the next one needs a new parser.
class RequestParser {
 public:
  enum class State { head, body, complete, refused };

  explicit RequestParser(const RequestLimits& limits) : limits_(limits) {}

  /// Takes what it understands from the front of `input`; call again once more was appended.
  /// What is left when complete belongs to the next request.
  State consume(std::string& input);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const Refusal& refusal() const { return refusal_; }
  /// Once the head is read: the client waits for a 100 before it sends its body.
  [[nodiscard]] bool expects_continue() const { return expects_continue_; }
  /// Once the head is read. HTTP/1.0 never keeps alive here.
  [[nodiscard]] bool keeps_alive() const { return keeps_alive_; }
  /// Once the head is read: the client understands an answer in chunks.
  [[nodiscard]] bool takes_chunks() const { return takes_chunks_; }
  /// Once complete. Method, target, headers and body; nothing about the client.
  [[nodiscard]] Request take() { return std::move(request_); }

 private:
  void refuse(Refusal refusal);
  void read_head(std::string& input);
  void parse_head(std::string_view head);
  void read_body(std::string& input);
  void read_chunks(std::string& input);

  RequestLimits limits_;
  State state_ = State::head;
  Refusal refusal_;
  std::size_t scanned_ = 0;  ///< bytes of the head that were looked at already
  bool skipped_blank_line_ = false;
  bool expects_continue_ = false;
  bool keeps_alive_ = false;
  bool takes_chunks_ = false;
  std::size_t body_size_ = 0;           ///< as announced, unless it comes in chunks
  std::optional<ChunkDecoder> chunks_;  ///< if it does
  Request request_;
};

}  // namespace reeve::http
