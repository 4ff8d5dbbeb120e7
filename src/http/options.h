#pragma once

// One listener: its address, its limits, and its certificates; and a client's certificates. Every
// timeout is a total: bytes that come or go in between do not extend it.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "reeve/base/endpoint.h"
#include "reeve/base/secret.h"

namespace reeve::http {

struct TlsOptions {
  std::string cert_file;  ///< PEM, with chain
  std::string key_file;
  std::string client_ca_file;  ///< empty: clients need no certificate
  // The same inline, in place of the files.
  std::string cert_pem;
  base::Secret key_pem;
  std::string client_ca_pem;
  bool client_certificate_required = false;
  bool any_client_certificate = false;  ///< required, but not verified
  /// A verified client has one of these names in its certificate; empty: any.
  std::vector<std::string> client_allowed_sans;
  std::string min_version = "TLS12";       ///< TLS12 or TLS13
  std::string max_version;                 ///< the same; empty: the newest
  std::vector<std::string> cipher_suites;  ///< of TLS 1.2, by IANA's names; empty: OpenSSL's
  std::vector<std::string> curves;         ///< by OpenSSL's names; empty: OpenSSL's
  bool prefer_server_ciphers = false;
  friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

/// What a client needs to speak TLS with a server; the files are read again for each request.
struct ClientTls {
  std::string ca_file;    ///< PEM; empty: the system's authorities
  std::string cert_file;  ///< PEM, with chain; empty: no client certificate
  std::string key_file;
  friend bool operator==(const ClientTls&, const ClientTls&) = default;
};

struct ListenerOptions {
  std::string name;  ///< "metrics" or "control": the label of its statistics
  base::ListenAddress address;
  int inherited_socket = -1;  ///< a listening socket to take in place of the address
  std::optional<TlsOptions> tls;
  std::size_t max_connections = 512;
  /// Or per IPv6 /64; loopback is one address. Not on unix sockets.
  std::size_t max_connections_per_address = 128;
  std::size_t max_header_bytes = std::size_t{16} * 1024;
  std::size_t max_body_bytes = std::size_t{1024} * 1024;  ///< 0: requests have no body
  /// Of all requests together, from their first byte until their handler returns; beyond: 503.
  std::size_t max_body_bytes_in_all = std::size_t{16} * 1024 * 1024;
  std::chrono::milliseconds header_timeout{5'000};  ///< from accept or the next one's first byte
  std::chrono::milliseconds body_timeout{10'000};
  std::chrono::milliseconds write_timeout{30'000};
  std::chrono::milliseconds idle_timeout{75'000};  ///< between a response and the next request
  /// Of each lane (WorkerPool). None: the handler runs on the transport's thread (it only hands out
  /// bytes).
  std::vector<std::size_t> workers = {};
  std::size_t max_queued = 64;  ///< requests of a lane waiting for a worker; beyond: 503
  friend bool operator==(const ListenerOptions&, const ListenerOptions&) = default;
};

}  // namespace reeve::http
