#pragma once

// Certificates with subject alternative names of any kind, made by OpenSSL as they are needed.

#include <string>
#include <string_view>
#include <vector>

#include "support/temporary_folder.h"

namespace reeve::http {

enum class NameKind { dns, uri, email, address };

struct MadeName {
  NameKind kind;
  std::string text;  ///< an address as text; the others byte for byte, NUL included
};

/// A certificate that vouches for itself, and its key, as PEM files.
struct MadeCertificate {
  MadeCertificate(std::string_view common_name, const std::vector<MadeName>& names);

  tests::TemporaryFolder folder;
  std::string cert_file;
  std::string key_file;
};

}  // namespace reeve::http
