#include "xmlrpc/xml_scan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

namespace reeve::xmlrpc {
namespace {

// tinyxml2 stops at a NUL. It travels as two bytes that begin with SOH, and so does SOH itself.
constexpr char escape = '\x01';
constexpr char escaped_nul = '0';
constexpr char escaped_escape = '1';

constexpr std::string_view white_space = " \t\r\n";
// Smaller texts are not worth cutting; slices are about this long.
constexpr std::size_t slice_bytes = std::size_t{16} * 1024;

struct Tag {
  std::string_view raw;
  std::string_view name;
  bool closes = false;
  bool empty = false;
};

/// The tag that `text` begins with; nothing if it is none that XML-RPC has.
std::optional<Tag> read_tag(std::string_view text) {
  constexpr std::size_t longest = 40;
  const std::size_t end = text.substr(0, longest).find('>');
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  Tag tag;
  tag.raw = text.substr(0, end + 1);
  tag.name = text.substr(1, end - 1);
  if (tag.name.starts_with('/')) {
    tag.closes = true;
    tag.name.remove_prefix(1);
  } else if (tag.name.ends_with('/')) {
    tag.empty = true;
    tag.name.remove_suffix(1);
  }
  const bool plain = std::all_of(tag.name.begin(), tag.name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
  });
  return plain && !tag.name.empty() ? std::optional(tag) : std::nullopt;
}

/// True for the elements of XML-RPC that hold elements alone.
bool holds_elements(std::string_view name) {
  constexpr std::array<std::string_view, 8> names = {
      "methodResponse", "params", "param", "fault", "array", "data", "struct", "member"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_xml_character(std::uint32_t code) {
  return code == '\t' || code == '\n' || code == '\r' || (code >= 0x20 && code < 0xD800) ||
         (code >= 0xE000 && code < 0xFFFE) || (code >= 0x10000 && code < 0x110000);
}

/// True if `text`, which begins with "&#", begins with a reference to a character of XML.
bool is_character_reference(std::string_view text) {
  const bool hexadecimal = text.size() > 2 && text[2] == 'x';
  constexpr std::size_t longest = 12;
  const std::string_view digits = text.substr(hexadecimal ? 3 : 2, longest);
  std::uint32_t code = 0;
  const auto [stopped, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), code, hexadecimal ? 16 : 10);
  const bool terminated = stopped != digits.data() + digits.size() && *stopped == ';';
  return error == std::errc{} && terminated && is_xml_character(code);
}

class Scanner {
 public:
  Scanner(std::string_view text, const DecodeLimits& limits) : text_(text), limits_(limits) {}

  base::Result<ScannedXml> run() {
    while (at_ < text_.size()) {
      const std::size_t open = std::min(text_.find('<', at_), text_.size());
      base::Result<void> step = take_text(text_.substr(at_, open - at_));
      at_ = open;
      if (step && at_ < text_.size()) {
        step = take_tag();
      }
      if (!step) {
        return base::failure(std::move(step.error()));
      }
    }
    if (depth_ != 0) {
      return malformed("it ends in the middle");
    }
    return std::move(scanned_);
  }

 private:
  [[nodiscard]] tl::unexpected<base::Error> malformed(const std::string& what) const {
    return base::failure(base::ErrorKind::malformed, "not a whole XML-RPC answer: " + what +
                                                         " (byte " + std::to_string(at_) + ")");
  }

  base::Result<void> take_text(std::string_view run) {
    const bool blank = run.find_first_not_of(white_space) == std::string_view::npos;
    const std::string_view next = text_.substr(at_ + run.size());
    const bool is_content = takes_text_ && (next.empty() || next.starts_with("</"));
    if (!blank && !is_content) {
      return malformed("text between elements");
    }
    if (slice_begin_ || run.empty()) {
      return {};
    }
    // tinyxml2 drops text of white space alone, but not if it begins with a reference.
    if (blank && is_content) {
      scanned_.xml += "&#" + std::to_string(static_cast<int>(run.front())) + ";";
      run.remove_prefix(1);
    }
    return copy_text(run);
  }

  base::Result<void> copy_text(std::string_view run) {
    while (!run.empty()) {
      const auto* special = std::find_if(run.begin(), run.end(), [](char c) {
        return c == '\0' || c == escape || c == '\r' || c == '&';
      });
      scanned_.xml.append(run.begin(), special);
      run.remove_prefix(static_cast<std::size_t>(special - run.begin()));
      if (run.starts_with("&#") && !is_character_reference(run)) {
        return malformed("a reference to a character that XML does not have");
      }
      if (!run.empty()) {
        copy_special(run.front());
        run.remove_prefix(1);
      }
    }
    return {};
  }

  void copy_special(char c) {
    if (c == '\0') {
      scanned_.xml.append({escape, escaped_nul});
    } else if (c == escape) {
      scanned_.xml.append({escape, escaped_escape});
    } else if (c == '\r') {
      scanned_.xml += "&#13;";  // tinyxml2 would make it LF
    } else {
      scanned_.xml += c;
    }
  }

  base::Result<void> take_tag() {
    const std::optional<Tag> tag = read_tag(text_.substr(at_));
    if (!tag) {
      return malformed(text_.find('>', at_) == std::string_view::npos
                           ? "it ends in the middle of a tag"
                           : "a tag that XML-RPC does not have");
    }
    if (!tag->closes && ++elements_ > limits_.max_elements) {
      return malformed("more than " + std::to_string(limits_.max_elements) + " elements");
    }
    if (!tag->closes && ++depth_ > limits_.max_depth) {
      return malformed("elements nested more than " + std::to_string(limits_.max_depth) + " deep");
    }
    if (tag->closes && depth_ == 0) {
      return malformed("a closing tag without its opening one");
    }
    copy_or_cut(*tag);
    takes_text_ = !tag->closes && !tag->empty && !holds_elements(tag->name);
    at_ += tag->raw.size();
    return {};
  }

  // On entry depth_ counts the tag's own element.
  void copy_or_cut(const Tag& tag) {
    const bool opens_slice = !tag.closes && array_depth_ != 0 && depth_ == array_depth_ + 1;
    if (opens_slice) {
      slice_begin_ = at_;
    }
    if (!slice_begin_) {
      scanned_.xml += tag.raw;
    }
    if (!tag.closes && !tag.empty) {
      if (array_depth_ == 0 && tag.name == "data" && text_.size() > slice_bytes) {
        array_depth_ = depth_;
      }
      return;
    }
    if (slice_begin_ && depth_ == array_depth_ + 1) {
      add_to_slices(at_ + tag.raw.size());
      slice_begin_.reset();
    } else if (depth_ == array_depth_) {
      array_depth_ = 0;
      joins_slice_ = false;
    }
    --depth_;
  }

  /// The element being cut ends at `end`: it joins the slice before it while that stays short.
  void add_to_slices(std::size_t end) {
    const std::string_view element = text_.substr(*slice_begin_, end - *slice_begin_);
    if (std::exchange(joins_slice_, true)) {
      std::string_view& last = scanned_.slices.back();
      const auto joined = static_cast<std::size_t>(element.data() + element.size() - last.data());
      if (joined <= slice_bytes) {
        last = {last.data(), joined};
        return;
      }
    }
    scanned_.slices.push_back(element);
    scanned_.xml.append("<").append(slice_mark).append("/>");
  }

  std::string_view text_;
  const DecodeLimits& limits_;
  ScannedXml scanned_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t elements_ = 0;
  bool takes_text_ = false;      // the tag just read opened an element that may hold text
  std::size_t array_depth_ = 0;  // of the <data> whose elements are cut; 0: none
  std::optional<std::size_t> slice_begin_;  // where the element being cut begins
  bool joins_slice_ = false;                // the last slice belongs to the same <data>
};

}  // namespace

base::Result<ScannedXml> scan_xml(std::string_view text, const DecodeLimits& limits) {
  return Scanner(text, limits).run();
}

std::string restore_text(std::string_view text) {
  std::string restored;
  restored.reserve(text.size());
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find(escape), text.size());
    restored += text.substr(0, plain);
    text.remove_prefix(plain);
    if (!text.empty()) {  // scan_xml lets no escape through alone
      restored += text[1] == escaped_nul ? '\0' : escape;
      text.remove_prefix(2);
    }
  }
  return restored;
}

}  // namespace reeve::xmlrpc
