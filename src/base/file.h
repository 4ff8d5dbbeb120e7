#pragma once

// Reading small files whole: configuration, passwords, tokens.

#include <cstddef>
#include <string>

#include "reeve/base/result.h"
#include "reeve/base/secret.h"

namespace reeve::base {

/// not_found, denied, invalid_argument (no regular file, or longer than `max_bytes`), or internal
/// (the disk fails).
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t max_bytes);

/// The first line of a file of at most 64 KiB, without its end of line; errors as for read_file.
[[nodiscard]] Result<Secret> read_secret_file(const std::string& path);

}  // namespace reeve::base
