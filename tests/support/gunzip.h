#pragma once

// gzip the other way round.

#include <string>

#include <zlib.h>

namespace reeve::tests {

/// The text of one gzip member that must be the whole of `bytes`; "(bad)" if it is not.
inline std::string gunzip(const std::string& bytes) {
  z_stream stream{};
  std::string text(1024 * 1024, '\0');
  constexpr int gzip_window = 16 + MAX_WBITS;
  inflateInit2(&stream, gzip_window);
  std::string in = bytes;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  const int result = inflate(&stream, Z_FINISH);
  text.resize(stream.total_out);
  const bool whole = result == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  return whole ? text : "(bad)";
}

}  // namespace reeve::tests
