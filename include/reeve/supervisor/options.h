#pragma once

// How to reach one supervisord. Values only; nothing is opened.

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reeve/base/clock.h"
#include "reeve/base/endpoint.h"
#include "reeve/base/result.h"
#include "reeve/base/secret.h"

namespace reeve::supervisor {

/// Where supervisord's own example configuration listens.
inline constexpr std::string_view default_url = "http://localhost:9001/RPC2";

struct Options {
  std::string name;         ///< a label for configurations of several supervisords; may be empty
  base::Endpoint endpoint;  ///< TCP, TLS or unix socket
  std::string username;     ///< empty: no credentials are sent
  base::Secret password;
  base::Duration timeout = std::chrono::seconds(5);              ///< one ordinary call
  std::size_t max_answer_bytes = std::size_t{64} * 1024 * 1024;  ///< HTTP header and body
  /// Unix sockets to try, in order, while nothing listens at `endpoint`. The first place that
  /// answers is used from then on.
  std::vector<std::string> usual_sockets;
  friend bool operator==(const Options&, const Options&) = default;
};

/// Parses `http://host:port/path`, `https://…` or `unix:///path/to.sock`; an empty path becomes
/// /RPC2. Credentials are set as members afterwards. invalid_argument: not such a URL, or one with
/// credentials in it.
[[nodiscard]] base::Result<Options> options_for(std::string_view url = default_url);

}  // namespace reeve::supervisor
