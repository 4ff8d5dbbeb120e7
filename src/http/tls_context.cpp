#include "http/tls_context.h"

#include <optional>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/file.h"

namespace reeve::http {
namespace {

using base::ErrorKind;
using base::failure;

constexpr std::size_t max_pem_bytes = 1024 * 1024;

/// The file `what` is at fault; OpenSSL's own reason says how.
tl::unexpected<base::Error> unusable(const std::string& what, const std::string& path,
                                     const std::string& hint) {
  const char* reason = ::ERR_reason_error_string(::ERR_peek_last_error());
  ::ERR_clear_error();
  return failure(ErrorKind::invalid_argument, "cannot use " + what + " " + path + ": " +
                                                  (reason == nullptr ? "not understood" : reason) +
                                                  ": " + hint);
}

/// Tells a missing or unreadable file from one with the wrong content.
base::Result<void> check_readable(const std::string& path) {
  return base::read_file(path, max_pem_bytes).map([](const std::string&) {});
}

/// An encrypted key must be an error, not a question on the terminal.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

std::optional<int> version_number(const std::string& name) {
  if (name == "TLS12") {
    return TLS1_2_VERSION;
  }
  return name == "TLS13" ? std::optional(TLS1_3_VERSION) : std::nullopt;
}

std::string string_of(const ASN1_STRING* bytes) {
  const auto* data = reinterpret_cast<const char*>(::ASN1_STRING_get0_data(bytes));
  return {data, static_cast<std::size_t>(::ASN1_STRING_length(bytes))};
}

std::string address_of(const ASN1_STRING* bytes) {
  const int size = ::ASN1_STRING_length(bytes);
  if (size != 4 && size != 16) {
    return {};
  }
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(size == 4 ? AF_INET : AF_INET6, ::ASN1_STRING_get0_data(bytes), text, sizeof text);
  return text;
}

/// Empty for kinds of names that are not ours, and for one with a NUL, which is an attack.
std::string alternative_name(const GENERAL_NAME* name) {
  std::string text;
  if (name->type == GEN_DNS || name->type == GEN_URI || name->type == GEN_EMAIL) {
    text = string_of(name->d.ia5);
  } else if (name->type == GEN_IPADD) {
    text = address_of(name->d.ip);
  }
  return text.find('\0') == std::string::npos ? text : std::string();
}

}  // namespace

base::Result<TlsContext> TlsContext::load(const TlsOptions& options) {
  const auto version = version_number(options.min_version);
  if (!version) {
    return failure(ErrorKind::invalid_argument,
                   "TLS version " + options.min_version + " is not known: use TLS12 or TLS13");
  }
  TlsContext context(::SSL_CTX_new(::TLS_server_method()));
  if (!context.context_) {
    return failure(ErrorKind::internal, "cannot set up TLS: OpenSSL has no memory");
  }
  SSL_CTX* raw = context.context_.get();
  ::SSL_CTX_set_min_proto_version(raw, *version);
  ::SSL_CTX_set_default_passwd_cb(raw, no_passphrase);
  // No resumption: a session must not outlive a reload that took its certificate's trust away.
  ::SSL_CTX_set_options(raw, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  ::SSL_CTX_set_num_tickets(raw, 0);
  ::SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  ::ERR_clear_error();
  return context.load_key_pair(options)
      .and_then([&] { return context.load_client_authority(options); })
      .map([&] { return std::move(context); });
}

base::Result<void> TlsContext::load_key_pair(const TlsOptions& options) {
  for (const std::string& path : {options.cert_file, options.key_file}) {
    if (auto readable = check_readable(path); !readable) {
      return readable;
    }
  }
  if (::SSL_CTX_use_certificate_chain_file(context_.get(), options.cert_file.c_str()) != 1) {
    return unusable("certificate", options.cert_file,
                    "it must be PEM, the server's certificate first and its chain after it");
  }
  if (::SSL_CTX_use_PrivateKey_file(context_.get(), options.key_file.c_str(), SSL_FILETYPE_PEM) !=
      1) {
    return unusable("key", options.key_file,
                    "it must be the certificate's private key in PEM, without a passphrase");
  }
  return {};
}

base::Result<void> TlsContext::load_client_authority(const TlsOptions& options) {
  const std::string& path = options.client_ca_file;
  if (path.empty()) {
    return options.client_certificate_required
               ? base::Result<void>(failure(ErrorKind::invalid_argument,
                                            "client certificates are required, but no"
                                            " client_ca_file says whose"))
               : base::Result<void>();
  }
  if (auto readable = check_readable(path); !readable) {
    return readable;
  }
  STACK_OF(X509_NAME)* names = ::SSL_load_client_CA_file(path.c_str());
  if (names == nullptr || ::SSL_CTX_load_verify_file(context_.get(), path.c_str()) != 1) {
    sk_X509_NAME_pop_free(names, ::X509_NAME_free);
    return unusable("client authority", path, "it must hold CA certificates in PEM");
  }
  ::SSL_CTX_set_client_CA_list(context_.get(), names);
  const int required = options.client_certificate_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  ::SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | required, nullptr);
  return {};
}

std::vector<std::string> client_names(const SSL* session) {
  const X509* certificate = ::SSL_get0_peer_certificate(session);
  if (certificate == nullptr || ::SSL_get_verify_result(session) != X509_V_OK) {
    return {};
  }
  const std::unique_ptr<GENERAL_NAMES, void (*)(GENERAL_NAMES*)> alternatives(
      static_cast<GENERAL_NAMES*>(
          ::X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      ::GENERAL_NAMES_free);
  std::vector<std::string> names;
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    std::string name = alternative_name(sk_GENERAL_NAME_value(alternatives.get(), i));
    if (!name.empty()) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

}  // namespace reeve::http
