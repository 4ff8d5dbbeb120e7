#pragma once

// A chunked body, taken apart strictly and bounded in every part. Beast's own decoder is not
// used: it lets a quoted extension run past the end of its line. Extensions and trailers are
// checked for their form and thrown away.

#include <cstddef>
#include <string>
#include <string_view>

namespace reeve::http {

class ChunkDecoder {
 public:
  enum class State { more, complete, malformed, too_large };

  struct Limits {
    std::size_t line_bytes;  ///< one chunk's size with its extensions; all trailers together
    std::size_t body_bytes;
  };

  explicit ChunkDecoder(const Limits& limits) : limits_(limits) {}

  /// Moves what it understands from the front of `input` to the end of `body`.
  State consume(std::string& input, std::string& body);

 private:
  enum class Part { size, data, data_end, trailer };

  /// What is left of `rest` after this part; the state is `more` until all is over.
  State take_part(std::string_view& rest, std::string& body);
  State take_size(std::string_view line, std::size_t body_size);
  State take_trailer(std::string_view line);

  Limits limits_;
  Part part_ = Part::size;
  std::size_t left_ = 0;  ///< of the chunk's data
  std::size_t trailer_bytes_ = 0;
};

}  // namespace reeve::http
