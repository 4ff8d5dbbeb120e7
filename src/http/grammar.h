#pragma once

// HTTP/1.1's grammar, for server, client and handlers alike: tokens, the end of a head, chunked
// bodies, percent-encoding, names of statuses. Pure functions and values: no socket, no thread, no
// locale. What a head means is decided in parsers.cpp.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace reeve::http {

[[nodiscard]] constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Whether two header names, or tokens, are the same in any case.
[[nodiscard]] constexpr bool same_ignoring_case(std::string_view one, std::string_view other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

/// RFC 9110's tchar.
[[nodiscard]] constexpr bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

[[nodiscard]] constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

[[nodiscard]] constexpr bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

/// RFC 9110's reason phrase of a status; empty for one that is not sent here, as a phrase may be.
[[nodiscard]] std::string_view reason_phrase(int status);

/// What a Host header names, in the form in which hosts are compared: in lower case, without the
/// port and a final dot; an IPv6 address canonical and in brackets. Nothing unless the whole of it
/// is a name of letters, digits, `-`, `_` and dots, or an IPv6 address in brackets, and perhaps a
/// port.
[[nodiscard]] std::optional<std::string> host_of(std::string_view host_header);

/// A subject alternative name with its kind before it, so that names of different kinds are never
/// equal: `IP:` (canonical), `URI:`, `email:` or `DNS:` (in lower case). The kind is what the text
/// shows: an address is an IP, and else a colon makes a URI, an @ an email.
[[nodiscard]] std::string alternative_name(std::string_view text);
/// The same for a name that is known to be one of DNS.
[[nodiscard]] std::string dns_alternative_name(std::string_view name);

/// Everything but letters, digits and -._~ as %XX: one segment of a URL's path, or a value in its
/// query.
[[nodiscard]] std::string percent_encode(std::string_view text);
/// Decodes %XX; nothing on a bad escape.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

/// The bytes of a head before they are parsed: where it ends, and whether it holds anything that
/// parsers are known to disagree on. Beast accepts folded headers and waits for the end of what
/// cannot become a head; this does not.
struct HeadScan {
  enum class Result { incomplete, complete, malformed };
  Result result = Result::incomplete;
  /// Complete: the size of the head with its empty line. Incomplete: where to continue.
  std::size_t size = 0;
};
[[nodiscard]] HeadScan scan_head(std::string_view input, std::size_t from);

/// One chunk of a body; nothing for no bytes, since an empty chunk ends the body.
[[nodiscard]] std::string encode_chunk(std::string_view bytes);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

/// Decodes a chunked body strictly, bounded in every part and in what comes beside its data: one
/// byte in each chunk with a long extension would make a small body of gigabytes. Beast's own
/// decoder is not used: it lets a quoted extension run past the end of its line. Extensions and
/// trailers are checked for their form and dropped.
class ChunkDecoder {
 public:
  enum class State { more, complete, malformed, too_large };

  struct Limits {
    std::size_t trailer_bytes;  ///< all trailers together
    std::size_t body_bytes;
    /// Sizes, extensions and line ends may be 16 KiB and this many bytes for each byte of data.
    std::size_t overhead_per_byte;
  };
  static constexpr std::size_t max_size_line = 256;  ///< a chunk's size with its extensions

  explicit ChunkDecoder(const Limits& limits) : limits_(limits) {}

  /// Moves what it has decoded from the front of `input` to the end of `body`.
  State consume(std::string& input, std::string& body);

 private:
  enum class Part { size, data, data_end, trailer };

  /// Removes one part from the front of `rest`; the state is `more` until the body is complete.
  State take_part(std::string_view& rest, std::string& body);
  State take_size(std::string_view line, std::size_t body_size);
  State take_trailer(std::string_view line);
  [[nodiscard]] std::size_t longest_line() const;

  Limits limits_;
  Part part_ = Part::size;
  std::size_t left_ = 0;  ///< of the chunk's data
  std::size_t trailer_bytes_ = 0;
  std::size_t data_bytes_ = 0;
  std::size_t overhead_bytes_ = 0;
};

}  // namespace reeve::http
