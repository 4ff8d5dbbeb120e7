#include "http/tls_context.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/file.h"
#include "base/text.h"
#include "http/grammar.h"

namespace reeve::http {
namespace {

using base::ErrorKind;
using base::failure;

constexpr std::size_t max_pem_bytes = std::size_t{1024} * 1024;

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

struct FreeBio {
  void operator()(BIO* bio) const { ::BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

Bio reader_of(const std::string& pem) {
  return Bio(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

/// The next certificate of a PEM text; null after the last.
std::unique_ptr<X509, void (*)(X509*)> next_certificate(const Bio& pem) {
  return {::PEM_read_bio_X509(pem.get(), nullptr, no_passphrase, nullptr), ::X509_free};
}

bool use_chain(SSL_CTX* context, const std::string& pem) {
  const Bio reader = reader_of(pem);
  const auto own = next_certificate(reader);
  if (!own || ::SSL_CTX_use_certificate(context, own.get()) != 1) {
    return false;
  }
  while (const auto issuer = next_certificate(reader)) {
    if (::SSL_CTX_add1_chain_cert(context, issuer.get()) != 1) {
      return false;
    }
  }
  ::ERR_clear_error();  // of the end of the text
  return true;
}

bool use_key(SSL_CTX* context, const std::string& pem) {
  const Bio reader = reader_of(pem);
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(
      ::PEM_read_bio_PrivateKey(reader.get(), nullptr, no_passphrase, nullptr), ::EVP_PKEY_free);
  return key && ::SSL_CTX_use_PrivateKey(context, key.get()) == 1;
}

/// False if there is none.
bool trust(SSL_CTX* context, const std::string& pem) {
  const Bio reader = reader_of(pem);
  bool any = false;
  while (const auto authority = next_certificate(reader)) {
    any = ::X509_STORE_add_cert(::SSL_CTX_get_cert_store(context), authority.get()) == 1 &&
          ::SSL_CTX_add_client_CA(context, authority.get()) == 1;
    if (!any) {
      return false;
    }
  }
  ::ERR_clear_error();
  return any;
}

/// OpenSSL's names of those suites that it has.
std::string cipher_list(const std::vector<std::string>& suites) {
  std::string list;
  for (const std::string& suite : suites) {
    // Go left the hash out of these two names at first.
    const std::string name = suite.ends_with("_CHACHA20_POLY1305") ? suite + "_SHA256" : suite;
    const std::string own = ::OPENSSL_cipher_name(name.c_str());
    if (own != "(NONE)") {
      list += (list.empty() ? "" : ":") + own;
    }
  }
  return list;
}

base::Result<void> restrict_algorithms(SSL_CTX* context, const TlsOptions& options) {
  if (!options.max_version.empty()) {
    ::SSL_CTX_set_max_proto_version(context, version_number(options.max_version).value_or(0));
  }
  if (options.prefer_server_ciphers) {
    ::SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  }
  if (!options.cipher_suites.empty() &&
      ::SSL_CTX_set_cipher_list(context, cipher_list(options.cipher_suites).c_str()) != 1) {
    ::ERR_clear_error();
    return failure(
        ErrorKind::invalid_argument,
        "none of the cipher suites " + base::join(options.cipher_suites, ", ") + " is known here");
  }
  if (!options.curves.empty() &&
      ::SSL_CTX_set1_groups_list(context, base::join(options.curves, ":").c_str()) != 1) {
    ::ERR_clear_error();
    return failure(ErrorKind::invalid_argument,
                   "the curves " + base::join(options.curves, ", ") + " are not known here");
  }
  return {};
}

std::string string_of(const ASN1_STRING* bytes) {
  const auto* data = reinterpret_cast<const char*>(::ASN1_STRING_get0_data(bytes));
  return {data, static_cast<std::size_t>(::ASN1_STRING_length(bytes))};
}

/// Empty for a size that no address has.
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
std::string name_of_kind(const GENERAL_NAME* name) {
  if (name->type == GEN_IPADD) {
    const std::string address = address_of(name->d.ip);
    return address.empty() ? "" : alternative_name(address);
  }
  if (name->type != GEN_DNS && name->type != GEN_URI && name->type != GEN_EMAIL) {
    return {};
  }
  const std::string text = string_of(name->d.ia5);
  if (text.empty() || text.find('\0') != std::string::npos) {
    return {};
  }
  return name->type == GEN_DNS ? dns_alternative_name(text)
                               : (name->type == GEN_URI ? "URI:" : "email:") + text;
}

std::vector<std::string> names_in(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, void (*)(GENERAL_NAMES*)> alternatives(
      static_cast<GENERAL_NAMES*>(
          ::X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      ::GENERAL_NAMES_free);
  std::vector<std::string> names;
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    std::string name = name_of_kind(sk_GENERAL_NAME_value(alternatives.get(), i));
    if (!name.empty()) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

bool is_allowed(const X509* certificate, const std::vector<std::string>& allowed) {
  const std::vector<std::string> names = names_in(certificate);
  return allowed.empty() || std::any_of(names.begin(), names.end(), [&](const std::string& name) {
           return std::find(allowed.begin(), allowed.end(), name) != allowed.end();
         });
}

/// The context's application data is the list of allowed names.
int check_allowed(int verified, X509_STORE_CTX* store) {
  const auto* const session = static_cast<const SSL*>(
      ::X509_STORE_CTX_get_ex_data(store, ::SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* const allowed = static_cast<const std::vector<std::string>*>(
      ::SSL_CTX_get_ex_data(::SSL_get_SSL_CTX(session), 0));
  if (verified != 1 || ::X509_STORE_CTX_get_error_depth(store) != 0 ||
      is_allowed(::X509_STORE_CTX_get_current_cert(store), *allowed)) {
    return verified;
  }
  ::X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

int accept_any(int /*verified*/, X509_STORE_CTX* /*store*/) {
  return 1;
}

int callback_index() {
  static const int index = ::SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

void call_after_hello(const SSL* session, int where, int) {
  const bool is_answered =
      (where & SSL_CB_LOOP) != 0 && ::SSL_get_state(session) == TLS_ST_SW_SRVR_HELLO;
  const auto* const callback =
      static_cast<const std::function<void()>*>(::SSL_get_ex_data(session, callback_index()));
  if (is_answered && callback != nullptr) {
    (*callback)();
  }
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
  return restrict_algorithms(raw, options)
      .and_then([&] { return context.load_key_pair(options); })
      .and_then([&] { return context.load_client_authority(options); })
      .map([&] { return std::move(context); });
}

base::Result<void> TlsContext::load_key_pair(const TlsOptions& options) {
  for (const std::string& path : {options.cert_file, options.key_file}) {
    if (auto readable = check_readable(path); !path.empty() && !readable) {
      return readable;
    }
  }
  SSL_CTX* const raw = context_.get();
  const bool certified = options.cert_pem.empty() ? ::SSL_CTX_use_certificate_chain_file(
                                                        raw, options.cert_file.c_str()) == 1
                                                  : use_chain(raw, options.cert_pem);
  if (!certified) {
    return unusable("certificate", options.cert_file,
                    "it must be PEM, the server's certificate first and its chain after it");
  }
  const bool has_key =
      options.key_pem.empty()
          ? ::SSL_CTX_use_PrivateKey_file(raw, options.key_file.c_str(), SSL_FILETYPE_PEM) == 1
          : use_key(raw, options.key_pem.reveal());
  if (!has_key) {
    return unusable("key", options.key_file,
                    "it must be the certificate's private key in PEM, without a passphrase");
  }
  return {};
}

base::Result<void> TlsContext::load_client_authority(const TlsOptions& options) {
  SSL_CTX* const raw = context_.get();
  const std::string& path = options.client_ca_file;
  const int required = options.client_certificate_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  if (options.any_client_certificate) {
    ::SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | required, accept_any);
    return {};
  }
  if (path.empty() && options.client_ca_pem.empty()) {
    return options.client_certificate_required
               ? base::Result<void>(failure(ErrorKind::invalid_argument,
                                            "client certificates are required, but no"
                                            " client_ca_file says whose"))
               : base::Result<void>();
  }
  if (auto readable = check_readable(path); !path.empty() && !readable) {
    return readable;
  }
  bool trusted = false;
  if (path.empty()) {
    trusted = trust(raw, options.client_ca_pem);
  } else if (STACK_OF(X509_NAME)* const names = ::SSL_load_client_CA_file(path.c_str())) {
    ::SSL_CTX_set_client_CA_list(raw, names);
    trusted = ::SSL_CTX_load_verify_file(raw, path.c_str()) == 1;
  }
  if (!trusted) {
    return unusable("client authority", path, "it must hold CA certificates in PEM");
  }
  std::vector<std::string> allowed;
  std::transform(options.client_allowed_sans.begin(), options.client_allowed_sans.end(),
                 std::back_inserter(allowed),
                 [](const std::string& name) { return alternative_name(name); });
  allowed_names_ = std::make_unique<const std::vector<std::string>>(std::move(allowed));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): OpenSSL does not write there
  ::SSL_CTX_set_ex_data(raw, 0, const_cast<std::vector<std::string>*>(allowed_names_.get()));
  ::SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | required, check_allowed);
  return {};
}

bool TlsContext::accepts_client_of(const SSL* session) const {
  const int mode = ::SSL_CTX_get_verify_mode(context_.get());
  X509* const certificate = ::SSL_get0_peer_certificate(session);
  if (certificate == nullptr) {
    return (mode & SSL_VERIFY_FAIL_IF_NO_PEER_CERT) == 0;
  }
  const std::unique_ptr<X509_STORE_CTX, void (*)(X509_STORE_CTX*)> verification(
      ::X509_STORE_CTX_new(), ::X509_STORE_CTX_free);
  if (!allowed_names_) {
    return (mode & SSL_VERIFY_PEER) != 0;  // any certificate will do, or none is asked for
  }
  return verification && is_allowed(certificate, *allowed_names_) &&
         ::X509_STORE_CTX_init(verification.get(), ::SSL_CTX_get_cert_store(context_.get()),
                               certificate, ::SSL_get_peer_cert_chain(session)) == 1 &&
         ::X509_STORE_CTX_set_default(verification.get(), "ssl_client") == 1 &&
         ::X509_verify_cert(verification.get()) == 1;
}

void on_hello_answered(SSL* session, std::function<void()>* callback) {
  // Not SSL_set_app_data(): Asio uses that.
  ::SSL_set_ex_data(session, callback_index(), callback);
  ::SSL_set_info_callback(session, callback == nullptr ? nullptr : call_after_hello);
}

std::vector<std::string> client_names(const SSL* session) {
  const X509* certificate = ::SSL_get0_peer_certificate(session);
  if (certificate == nullptr || ::SSL_get_verify_result(session) != X509_V_OK) {
    return {};
  }
  return names_in(certificate);
}

}  // namespace reeve::http
