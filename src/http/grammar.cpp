#include "http/grammar.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <utility>

#include <arpa/inet.h>

#include "base/text.h"

namespace reeve::http {
namespace {

using StatusName = std::pair<int, std::string_view>;

constexpr std::array status_names = {
    StatusName{200, "OK"},
    StatusName{201, "Created"},
    StatusName{202, "Accepted"},
    StatusName{204, "No Content"},
    StatusName{301, "Moved Permanently"},
    StatusName{302, "Found"},
    StatusName{303, "See Other"},
    StatusName{304, "Not Modified"},
    StatusName{307, "Temporary Redirect"},
    StatusName{308, "Permanent Redirect"},
    StatusName{400, "Bad Request"},
    StatusName{401, "Unauthorized"},
    StatusName{403, "Forbidden"},
    StatusName{404, "Not Found"},
    StatusName{405, "Method Not Allowed"},
    StatusName{406, "Not Acceptable"},
    StatusName{408, "Request Timeout"},
    StatusName{409, "Conflict"},
    StatusName{410, "Gone"},
    StatusName{411, "Length Required"},
    StatusName{412, "Precondition Failed"},
    StatusName{413, "Content Too Large"},
    StatusName{414, "URI Too Long"},
    StatusName{415, "Unsupported Media Type"},
    StatusName{416, "Range Not Satisfiable"},
    StatusName{417, "Expectation Failed"},
    StatusName{421, "Misdirected Request"},
    StatusName{422, "Unprocessable Content"},
    StatusName{428, "Precondition Required"},
    StatusName{429, "Too Many Requests"},
    StatusName{431, "Request Header Fields Too Large"},
    StatusName{500, "Internal Server Error"},
    StatusName{501, "Not Implemented"},
    StatusName{502, "Bad Gateway"},
    StatusName{503, "Service Unavailable"},
    StatusName{504, "Gateway Timeout"},
};

constexpr std::size_t free_overhead_bytes = std::size_t{16} * 1024;

constexpr std::size_t max_host_name = 253;
constexpr std::size_t max_host_label = 63;

bool is_port(std::string_view text) {
  return !text.empty() && is_digit(text.front()) &&
         base::parse_number<std::uint16_t>(text).has_value();
}

std::optional<std::string> canonical_address(int family, std::string_view text) {
  in6_addr address{};  // large enough for both families
  std::array<char, INET6_ADDRSTRLEN> canonical{};
  if (text.find('\0') != std::string_view::npos ||
      ::inet_pton(family, std::string(text).c_str(), &address) != 1) {
    return std::nullopt;
  }
  ::inet_ntop(family, &address, canonical.data(), canonical.size());
  return std::string(canonical.data());
}

std::optional<std::string> ipv6_host(std::string_view text) {
  auto address = canonical_address(AF_INET6, text);
  return address ? std::optional("[" + *address + "]") : std::nullopt;
}

std::optional<std::string> named_host(std::string_view text) {
  text.remove_suffix(text.ends_with('.') ? 1 : 0);
  if (text.empty() || text.size() > max_host_name) {
    return std::nullopt;
  }
  std::string host;
  std::size_t label = 0;
  for (const char c : text) {
    const char letter = lower(c);
    const bool is_label = (letter >= 'a' && letter <= 'z') || is_digit(c) || c == '-' || c == '_';
    if ((!is_label && (c != '.' || label == 0)) || label > max_host_label) {
      return std::nullopt;
    }
    label = is_label ? label + 1 : 0;
    host += letter;
  }
  return label > 0 && label <= max_host_label ? std::optional(std::move(host)) : std::nullopt;
}

/// Line breaks are CR LF and nothing else; no line begins with a blank; no control bytes.
bool is_allowed(std::string_view input, std::size_t at) {
  const char c = input[at];
  const char before = at > 0 ? input[at - 1] : '\n';
  if (c == '\n') {
    return before == '\r';
  }
  if (before == '\r' || (before == '\n' && (c == ' ' || c == '\t'))) {
    return false;
  }
  return c == '\r' || c == '\t' || !is_control(c);
}

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

std::string_view reason_phrase(int status) {
  for (const auto& [number, name] : status_names) {
    if (number == status) {
      return name;
    }
  }
  return "";
}

std::optional<std::string> host_of(std::string_view host_header) {
  const bool bracketed = host_header.starts_with('[');
  const std::size_t end = host_header.find(bracketed ? ']' : ':');
  if (bracketed && end == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view host = host_header.substr(0, end).substr(bracketed ? 1 : 0);
  const std::string_view rest =
      end == std::string_view::npos ? "" : host_header.substr(end + (bracketed ? 1 : 0));
  if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) {
    return std::nullopt;
  }
  return bracketed ? ipv6_host(host) : named_host(host);
}

std::string alternative_name(std::string_view text) {
  for (const int family : {AF_INET, AF_INET6}) {
    if (const auto address = canonical_address(family, text)) {
      return "IP:" + *address;
    }
  }
  if (text.find(':') != std::string_view::npos) {
    return std::string("URI:").append(text);
  }
  return text.find('@') != std::string_view::npos ? std::string("email:").append(text)
                                                  : dns_alternative_name(text);
}

std::string dns_alternative_name(std::string_view name) {
  std::string lowered = "DNS:";
  std::transform(name.begin(), name.end(), std::back_inserter(lowered), lower);
  return lowered;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char letter : text) {
    if (plain.find(letter) != std::string_view::npos) {
      encoded += letter;
    } else {
      const auto byte = static_cast<unsigned char>(letter);
      encoded += {'%', digits[byte / 16U], digits[byte % 16U]};
    }
  }
  return encoded;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      plain += text[at];
      continue;
    }
    const std::string_view digits = text.substr(at + 1, 2);
    unsigned char byte = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (error != std::errc{} || digits.size() != 2 || end != digits.data() + 2) {
      return std::nullopt;
    }
    plain += static_cast<char>(byte);
    at += 2;
  }
  return plain;
}

HeadScan scan_head(std::string_view input, std::size_t from) {
  for (std::size_t at = from; at < input.size(); ++at) {
    if (!is_allowed(input, at) || (at == 0 && !is_token_char(input[at]))) {
      return {HeadScan::Result::malformed, at};
    }
    if (input[at] == '\n' && input.substr(0, at + 1).ends_with("\r\n\r\n")) {
      return {HeadScan::Result::complete, at + 1};
    }
  }
  return {HeadScan::Result::incomplete, input.size()};
}

std::string encode_chunk(std::string_view bytes) {
  if (bytes.empty()) {
    return "";
  }
  std::array<char, 20> size{};
  std::string text(size.data(), std::to_chars(size.begin(), size.end(), bytes.size(), 16).ptr);
  return text.append("\r\n").append(bytes).append("\r\n");
}

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
    data_bytes_ += data.size();
    rest.remove_prefix(data.size());
    left_ -= data.size();
    part_ = left_ == 0 ? Part::data_end : Part::data;
    return State::more;
  }
  const Line line = first_line(rest, longest_line());
  if (line.state != State::complete) {
    return line.state;
  }
  rest.remove_prefix(line.text.size() + 2);
  overhead_bytes_ += line.text.size() + 2;
  if (part_ == Part::data_end) {
    part_ = Part::size;
    return State::more;
  }
  return part_ == Part::size ? take_size(line.text, body.size()) : take_trailer(line.text);
}

std::size_t ChunkDecoder::longest_line() const {
  switch (part_) {
    case Part::size:
      return max_size_line;
    case Part::trailer:
      return limits_.trailer_bytes;
    case Part::data:
    case Part::data_end:
      break;
  }
  return 0;
}

ChunkDecoder::State ChunkDecoder::take_size(std::string_view line, std::size_t body_size) {
  if (overhead_bytes_ > free_overhead_bytes + limits_.overhead_per_byte * data_bytes_) {
    return State::malformed;
  }
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
  return is_header && trailer_bytes_ <= limits_.trailer_bytes ? State::more : State::malformed;
}

}  // namespace reeve::http
