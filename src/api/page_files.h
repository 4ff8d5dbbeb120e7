#pragma once

// The files of the status page, src/api/page, as they were when the program was built. CMake writes
// the source (cmake/EmbedFiles.cmake). Any thread may read them.

#include <span>
#include <string_view>

namespace reeve::api {

struct PageFile {
  std::string_view name;
  std::string_view content_type;
  std::string_view plain;
  std::string_view gzip;  ///< the same, compressed
};

/// All of them, index.html too.
[[nodiscard]] std::span<const PageFile> page_files();
/// Another one whenever any file is another: part of the paths by which index.html names the rest.
[[nodiscard]] std::string_view page_version();

}  // namespace reeve::api
