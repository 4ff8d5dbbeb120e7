#pragma once

// The first half of an answer: status line and headers. Pure; what a handler wrote into a
// header can never end it.

#include <cstddef>
#include <string>
#include <string_view>

#include "http/message.h"

namespace reeve::http {

/// Whether a body may follow this status.
[[nodiscard]] bool has_body(int status);

/// Bytes of the body; 0 for what is not known yet.
[[nodiscard]] std::size_t body_size(const Response& response);

/// Whether it carries `Connection: close`.
[[nodiscard]] bool asks_to_close(const Response& response);

enum class Persistence { keep_alive, close };

/// How the client sees where the body ends.
enum class Framing { length, chunks, end_of_connection };

/// Everything up to and with the empty line.
[[nodiscard]] std::string response_head(const Response& response, Persistence persistence,
                                        Framing framing = Framing::length);

/// The transport's own short answers: `text/plain`, one line that says why, and then the end
/// of the connection.
[[nodiscard]] Response plain_error(int status, std::string_view reason);

}  // namespace reeve::http
