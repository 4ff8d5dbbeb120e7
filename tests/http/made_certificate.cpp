#include "http/made_certificate.h"

#include <memory>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace reeve::http {
namespace {

constexpr long lifetime_seconds = 3600;

int general_name_type(NameKind kind) {
  switch (kind) {
    case NameKind::dns:
      return GEN_DNS;
    case NameKind::uri:
      return GEN_URI;
    case NameKind::email:
      return GEN_EMAIL;
    case NameKind::address:
      break;
  }
  return GEN_IPADD;
}

GENERAL_NAME* general_name(const MadeName& made) {
  GENERAL_NAME* const name = ::GENERAL_NAME_new();
  if (made.kind == NameKind::address) {
    ::GENERAL_NAME_set0_value(name, GEN_IPADD, ::a2i_IPADDRESS(made.text.c_str()));
    return name;
  }
  ASN1_IA5STRING* const text = ::ASN1_IA5STRING_new();
  ::ASN1_STRING_set(text, made.text.data(), static_cast<int>(made.text.size()));
  ::GENERAL_NAME_set0_value(name, general_name_type(made.kind), text);
  return name;
}

template <class Write>
std::string pem_of(Write write) {
  const std::unique_ptr<BIO, int (*)(BIO*)> memory(::BIO_new(::BIO_s_mem()), ::BIO_free);
  write(memory.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

MadeCertificate::MadeCertificate(std::string_view common_name, const std::vector<MadeName>& names) {
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), ::EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> certificate(::X509_new(), ::X509_free);
  X509* const raw = certificate.get();
  ::X509_set_version(raw, X509_VERSION_3);
  ::ASN1_INTEGER_set(::X509_get_serialNumber(raw), 1);
  ::X509_gmtime_adj(::X509_getm_notBefore(raw), -lifetime_seconds);
  ::X509_gmtime_adj(::X509_getm_notAfter(raw), lifetime_seconds);
  ::X509_set_pubkey(raw, key.get());
  X509_NAME* const subject = ::X509_get_subject_name(raw);
  ::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(common_name.data()),
                               static_cast<int>(common_name.size()), -1, 0);
  ::X509_set_issuer_name(raw, subject);
  const std::unique_ptr<GENERAL_NAMES, void (*)(GENERAL_NAMES*)> alternatives(::GENERAL_NAMES_new(),
                                                                              ::GENERAL_NAMES_free);
  for (const MadeName& name : names) {
    sk_GENERAL_NAME_push(alternatives.get(), general_name(name));
  }
  if (!names.empty()) {
    ::X509_add1_ext_i2d(raw, NID_subject_alt_name, alternatives.get(), 0, X509V3_ADD_DEFAULT);
  }
  ::X509_sign(raw, key.get(), ::EVP_sha256());
  cert_file = folder.write("cert.pem", pem_of([&](BIO* out) { ::PEM_write_bio_X509(out, raw); }));
  key_file = folder.write("key.pem", pem_of([&](BIO* out) {
                            ::PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr,
                                                       nullptr);
                          }));
}

}  // namespace reeve::http
