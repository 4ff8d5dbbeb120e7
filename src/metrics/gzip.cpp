#include "metrics/gzip.h"

#include <array>
#include <new>

#include <zlib.h>

namespace reeve::metrics {
namespace {

// The text repeats itself so much that the fastest level does almost as well as the best.
constexpr int level = 1;
constexpr int raw_deflate = -MAX_WBITS;  // no header, no trailer: parts can be joined

const Bytef* bytes_of(std::string_view text) {
  return reinterpret_cast<const Bytef*>(text.data());
}

/// Deflates all of `text`, appending to `out`; `flush` says how the part ends.
void deflate_onto(std::string& out, std::string_view text, int flush) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, raw_deflate, MAX_MEM_LEVEL - 1,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  stream.next_in = const_cast<Bytef*>(bytes_of(text));  // zlib's interface, it does not write
  stream.avail_in = static_cast<uInt>(text.size());
  std::array<Bytef, std::size_t{16} * 1024> buffer{};
  do {
    stream.next_out = buffer.data();
    stream.avail_out = static_cast<uInt>(buffer.size());
    deflate(&stream, flush);
    out.append(reinterpret_cast<const char*>(buffer.data()), buffer.size() - stream.avail_out);
  } while (stream.avail_out == 0);
  deflateEnd(&stream);
}

void append_little_endian(std::string& out, std::uint32_t number) {
  for (unsigned shift = 0; shift < 32; shift += 8) {
    out += static_cast<char>((number >> shift) & 0xFFU);
  }
}

std::uint32_t checksum_of(std::string_view text) {
  return static_cast<std::uint32_t>(
      crc32(crc32(0, nullptr, 0), bytes_of(text), static_cast<uInt>(text.size())));
}

}  // namespace

GzipBegun begin_gzip(std::string_view text) {
  // Magic, deflate, no flags, no time, fastest, Unix.
  GzipBegun begun{std::string("\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\x03", 10), checksum_of(text),
                  text.size()};
  deflate_onto(begun.bytes, text, Z_SYNC_FLUSH);
  begun.bytes.shrink_to_fit();
  return begun;
}

std::string end_gzip(const GzipBegun& begun, std::string_view text) {
  std::string out;
  deflate_onto(out, text, Z_FINISH);
  append_little_endian(
      out, static_cast<std::uint32_t>(crc32_combine(begun.checksum, checksum_of(text),
                                                    static_cast<z_off_t>(text.size()))));
  append_little_endian(out, static_cast<std::uint32_t>(begun.text_size + text.size()));
  return out;
}

}  // namespace reeve::metrics
