#pragma once

// The server's side of TLS, loaded from certificate files: plain OpenSSL. Immutable, so that a
// reload exchanges one for another. Knows no socket.

#include <functional>
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
  /// Whether a client that is connected already, by a context before this one, would be accepted
  /// by this one's client authority too.
  [[nodiscard]] bool accepts_client_of(const SSL* session) const;

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
  };

  explicit TlsContext(SSL_CTX* context) : context_(context) {}
  base::Result<void> load_key_pair(const TlsOptions& options);
  base::Result<void> load_client_authority(const TlsOptions& options);

  /// Of verified clients; empty: any. Null where clients are not verified.
  std::unique_ptr<const std::vector<std::string>> allowed_names_;
  std::unique_ptr<SSL_CTX, Free> context_;
};

/// Calls `*callback` when a server's session has read a whole ClientHello and made its answer;
/// null: no more. It must outlive that.
void on_hello_answered(SSL* session, std::function<void()>* callback);

/// The subject alternative names of a verified client certificate, each with its kind (see
/// alternative_name()); none without one.
[[nodiscard]] std::vector<std::string> client_names(const SSL* session);

}  // namespace reeve::http
