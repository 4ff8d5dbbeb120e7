#pragma once

// How to reach an XML-RPC peer.

#include <cstddef>
#include <string>

#include "base/endpoint.h"
#include "reeve/base/secret.h"

namespace reeve::xmlrpc {

struct ClientOptions {
  base::Endpoint endpoint;
  std::string username;  ///< empty: no Authorization header
  base::Secret password;
  std::size_t max_answer_bytes = std::size_t{64} * 1024 * 1024;  ///< header and body
  friend bool operator==(const ClientOptions&, const ClientOptions&) = default;
};

}  // namespace reeve::xmlrpc
