#pragma once

// Errors as responses: RFC 9457 problem details, and the total mappings from a failure (an error
// of supervisord, a refused command, an unreadable state) to its HTTP status. The type is
// `urn:reeve:problem:` and a word that programs may rely on. Values and pure functions.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/controller.h"
#include "http/message.h"
#include "reeve/base/error.h"
#include "reeve/substrate/instance.h"

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

/// Of an error reported by supervisord or by the connection to it. `denied` means that supervisord
/// rejected the agent's credentials, and so is no fault of the client.
[[nodiscard]] int http_status(base::ErrorKind kind);
/// Of a command that did not become an operation.
[[nodiscard]] int http_status(const guards::Refusal& refusal);

/// 400: not in the form that requests have.
[[nodiscard]] Problem malformed_request(std::string detail);
/// 422: well-formed, but without a meaning for this route.
[[nodiscard]] Problem invalid_request(std::string detail);
/// 404, with the word for a missing process, operation or supervisord.
[[nodiscard]] Problem not_found(std::string detail);

[[nodiscard]] Problem problem_of(const base::Error& error);
[[nodiscard]] Problem problem_of(const guards::Refusal& refusal, const guards::Target& target);
/// Of an operation that is done and has not succeeded.
[[nodiscard]] Problem problem_of(const control::Operation& operation);
/// Of reading a log: `no_file` is a 404 there, for the process has no log.
[[nodiscard]] Problem log_problem(const base::Error& error, const substrate::InstanceName& name);
/// Of guards, maintenance or the audit; `conflict` means there that the state cannot be read.
[[nodiscard]] Problem state_problem(const base::Error& error);

/// `path` is that of the request, the problem's `instance`.
[[nodiscard]] http::Response problem_response(const Problem& problem, std::string_view path);

}  // namespace reeve::api
