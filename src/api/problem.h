#pragma once

// Errors as answers: RFC 9457 problem details, and the total mappings from what went wrong to an
// HTTP status. The type is `urn:reeve:problem:` and a word that programs may rely on.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/controller.h"
#include "http/message.h"
#include "reeve/base/error.h"

namespace reeve::api {

struct Problem {
  int status = 500;
  std::string type;    ///< the word
  std::string detail;  ///< for people: what, where, and what to do
  std::string process = {};
  std::optional<base::PeerFault> fault = std::nullopt;
  std::string operation = {};
  std::vector<http::Header> headers = {};
};

/// Of an error that came from supervisord or on the way to it. Its `denied` is about the agent's
/// own credentials over there, and so not the client's fault.
[[nodiscard]] int http_status(base::ErrorKind kind);
/// Of a command that did not become an operation.
[[nodiscard]] int http_status(const guards::Refusal& refusal);

/// 400: not in the form that requests have.
[[nodiscard]] Problem malformed_request(std::string detail);
[[nodiscard]] Problem problem_of(const guards::Refusal& refusal, const guards::Target& target);
/// Of an operation that is done and has not succeeded.
[[nodiscard]] Problem problem_of(const control::Operation& operation);

/// `instance` is the path of the request.
[[nodiscard]] http::Response answer(const Problem& problem, std::string_view instance);

}  // namespace reeve::api
