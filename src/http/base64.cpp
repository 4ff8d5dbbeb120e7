#include "http/base64.h"

#include <cstddef>

#include <openssl/evp.h>

namespace reeve::http {

std::string encode_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string bytes(text.size() / 4 * 3, '\0');
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  if (text.size() % 4 != 0 || text.find('=') < text.size() - padding ||
      ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                        reinterpret_cast<const unsigned char*>(text.data()),
                        static_cast<int>(text.size())) < static_cast<int>(padding)) {
    return std::nullopt;
  }
  bytes.resize(bytes.size() - padding);
  return bytes;
}

Header basic_authorization(const std::string& username, const base::Secret& password) {
  return {"Authorization", "Basic " + encode_base64(username + ":" + password.reveal())};
}

}  // namespace reeve::http
