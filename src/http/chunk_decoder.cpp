#include "http/chunk_decoder.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "http/grammar.h"

namespace reeve::http {
namespace {

struct Line {
  ChunkDecoder::State state;  ///< complete: `text` is the line
  std::string_view text;      ///< without its end
};

/// A line ends with CR LF, which may not be here yet, and holds no control bytes before.
Line first_line(std::string_view input, std::size_t limit) {
  const auto is_bad = [](char c) { return is_control(c) && c != '\t'; };
  const auto end = std::find_if(input.begin(), input.end(), is_bad);
  const std::string_view text = input.substr(0, static_cast<std::size_t>(end - input.begin()));
  const std::string_view rest = input.substr(text.size(), 2);
  if (text.size() > limit || !std::string_view("\r\n").starts_with(rest)) {
    return {ChunkDecoder::State::malformed, text};
  }
  return {rest.size() == 2 ? ChunkDecoder::State::complete : ChunkDecoder::State::more, text};
}

}  // namespace

ChunkDecoder::State ChunkDecoder::consume(std::string& input, std::string& body) {
  std::string_view rest = input;
  State state = State::more;
  for (std::size_t before = rest.size() + 1; state == State::more && rest.size() < before;) {
    before = rest.size();
    state = take_part(rest, body);
  }
  input.erase(0, input.size() - rest.size());
  return state;
}

ChunkDecoder::State ChunkDecoder::take_part(std::string_view& rest, std::string& body) {
  if (part_ == Part::data) {
    const std::string_view data = rest.substr(0, left_);
    body.append(data);
    rest.remove_prefix(data.size());
    left_ -= data.size();
    part_ = left_ == 0 ? Part::data_end : Part::data;
    return State::more;
  }
  const Line line = first_line(rest, part_ == Part::data_end ? 0 : limits_.line_bytes);
  if (line.state != State::complete) {
    return line.state;
  }
  rest.remove_prefix(line.text.size() + 2);
  if (part_ == Part::data_end) {
    part_ = Part::size;
    return State::more;
  }
  return part_ == Part::size ? take_size(line.text, body.size()) : take_trailer(line.text);
}

ChunkDecoder::State ChunkDecoder::take_size(std::string_view line, std::size_t body_size) {
  std::uint64_t size = 0;
  const char* end = line.data() + line.size();
  const auto [stopped, error] = std::from_chars(line.data(), end, size, 16);
  const std::string_view extension(stopped, static_cast<std::size_t>(end - stopped));
  const std::size_t semicolon = extension.find_first_not_of(" \t");
  const bool well_formed =
      extension.empty() || (semicolon != std::string_view::npos && extension[semicolon] == ';');
  if (error == std::errc::invalid_argument || !well_formed) {
    return State::malformed;
  }
  if (error != std::errc{} || size > limits_.body_bytes - body_size) {
    return State::too_large;
  }
  left_ = static_cast<std::size_t>(size);
  part_ = left_ == 0 ? Part::trailer : Part::data;
  return State::more;
}

ChunkDecoder::State ChunkDecoder::take_trailer(std::string_view line) {
  trailer_bytes_ += line.size();
  if (line.empty()) {
    return State::complete;
  }
  const bool is_header = is_token_char(line.front()) && line.find(':') != std::string_view::npos;
  return is_header && trailer_bytes_ <= limits_.line_bytes ? State::more : State::malformed;
}

}  // namespace reeve::http
