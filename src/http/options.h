#pragma once

// One listener: its address, its limits, and its certificates. Every timeout is a total: bytes that
// come or go in between do not extend it.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "reeve/base/endpoint.h"

namespace reeve::http {

struct TlsOptions {
  std::string cert_file;  ///< PEM, with chain
  std::string key_file;
  std::string client_ca_file;  ///< empty: clients need no certificate
  bool client_certificate_required = false;
  std::string min_version = "TLS12";  ///< TLS12 or TLS13
  friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

struct ListenerOptions {
  std::string name;  ///< "metrics" or "control": the label of its statistics
  base::ListenAddress address;
  std::optional<TlsOptions> tls;
  std::size_t max_connections = 512;
  std::size_t max_connections_per_address = 128;  ///< or per IPv6 /64; not on unix sockets
  std::size_t max_header_bytes = std::size_t{16} * 1024;
  std::size_t max_body_bytes = std::size_t{1024} * 1024;
  std::chrono::milliseconds header_timeout{5'000};  ///< from accept or the next one's first byte
  std::chrono::milliseconds body_timeout{10'000};
  std::chrono::milliseconds write_timeout{30'000};
  std::chrono::milliseconds idle_timeout{75'000};  ///< between a response and the next request
  /// 0: the handler runs on the transport's thread (it only hands out bytes).
  std::size_t workers = 0;
  std::size_t max_queued = 64;  ///< requests waiting for a worker; beyond: 503
  friend bool operator==(const ListenerOptions&, const ListenerOptions&) = default;
};

}  // namespace reeve::http
