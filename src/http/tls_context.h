#pragma once

// The server's side of TLS, loaded from certificate files: plain OpenSSL. Immutable, so that a
// reload exchanges one for another. Knows no socket.

#include <memory>
#include <string>
#include <vector>

#include <openssl/ssl.h>

#include "http/options.h"
#include "reeve/base/result.h"

namespace reeve::http {

class TlsContext {
 public:
  /// not_found or denied (a file), invalid_argument (what is in it, or the version); the
  /// message names the file.
  [[nodiscard]] static base::Result<TlsContext> load(const TlsOptions& options);

  /// One connection's session, owned by the caller; null if there is no memory.
  [[nodiscard]] SSL* new_session() const { return ::SSL_new(context_.get()); }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
  };

  explicit TlsContext(SSL_CTX* context) : context_(context) {}
  base::Result<void> load_key_pair(const TlsOptions& options);
  base::Result<void> load_client_authority(const TlsOptions& options);

  std::unique_ptr<SSL_CTX, Free> context_;
};

/// The subject alternative names of a verified client certificate; none without one.
[[nodiscard]] std::vector<std::string> client_names(const SSL* session);

}  // namespace reeve::http
