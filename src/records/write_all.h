#pragma once

#include <string_view>

#include "base/file.h"

namespace reeve::records {

/// Writes the whole of `text`; false with errno if that was not possible.
[[nodiscard]] bool write_all(const base::Descriptor& file, std::string_view text);

}  // namespace reeve::records
