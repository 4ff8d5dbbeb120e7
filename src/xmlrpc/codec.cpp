#include "xmlrpc/codec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <tinyxml2.h>

#include "base/text.h"

namespace reeve::xmlrpc {
namespace {

using tinyxml2::XMLElement;

// tinyxml2 stops at a NUL. It is given to tinyxml2 as two bytes that begin with SOH, and so is SOH.
constexpr char escape = '\x01';
constexpr char escaped_nul = '0';
constexpr char escaped_escape = '1';

/// Long arrays are parsed in slices of about this size; shorter texts are parsed whole.
constexpr std::size_t slice_bytes = std::size_t{16} * 1024;
/// Stands for a slice in the text that it was cut out of. No tag that passes the check has this
/// name.
constexpr const char* slice_mark = "_";

/// What a byte means inside text; the check combines the bits of all bytes of a run of text.
enum : std::uint8_t {
  not_blank = 1,
  starts_reference = 2,
  needs_rewrite = 4,  ///< tinyxml2 would lose it
  name_character = 8,
};

constexpr std::array<std::uint8_t, 256> make_byte_traits() {
  std::array<std::uint8_t, 256> traits{};
  for (std::size_t byte = 0; byte < traits.size(); ++byte) {
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    const bool digit = byte >= '0' && byte <= '9';
    traits[byte] = letter || digit || byte == '.' ? not_blank | name_character : not_blank;
  }
  // Blank is what tinyxml2 takes for white space: std::isspace in the C locale.
  traits[' '] = traits['\t'] = traits['\n'] = traits['\v'] = traits['\f'] = 0;
  traits['\r'] = needs_rewrite;
  traits['\0'] = traits[std::size_t{escape}] = not_blank | needs_rewrite;
  traits['&'] = not_blank | starts_reference;
  return traits;
}

constexpr std::array<std::uint8_t, 256> byte_traits = make_byte_traits();

constexpr std::uint8_t traits_of(char byte) {
  return byte_traits[static_cast<unsigned char>(byte)];
}

/// True for the elements of XML-RPC that hold elements alone.
bool holds_elements(std::string_view name) {
  switch (name.size()) {
    case 4:
      return name == "data";
    case 5:
      return name == "array" || name == "param" || name == "fault";
    case 6:
      return name == "member" || name == "struct" || name == "params";
    default:
      return name == "methodResponse";
  }
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

/// Sibling elements of a long array, cut out to be parsed by themselves.
struct Slice {
  std::string_view xml;
  bool clean = true;  ///< tinyxml2 reads it as it is
};

struct CheckedXml {
  std::vector<Slice> slices;
  bool clean = true;  ///< tinyxml2 reads what is outside the slices as it is
};

/// Passes once over an answer before tinyxml2 parses it, and copies nothing: holds the text to the
/// limits, refuses what XML-RPC never has (attributes and unterminated references cost tinyxml2
/// quadratic time), notes where tinyxml2 would lose something (NUL, CR, text of white space alone),
/// and cuts a long array into slices, so that only a few kilobytes are a tree at any time.
class XmlCheck {
 public:
  /// `text` begins at an element.
  XmlCheck(std::string_view text, const DecodeLimits& limits)
      : text_(text), limits_(limits), at_(text.data()), end_(text.data() + text.size()) {}

  /// False: the text is not well-formed, not XML-RPC, or beyond a limit; problem() says which.
  [[nodiscard]] bool run() {
    while (at_ != end_) {
      if (!(*at_ == '<' ? take_tag() : take_text())) {
        return false;
      }
    }
    return depth_ == 0 || fail("it ends in the middle");
  }
  [[nodiscard]] CheckedXml& checked() { return checked_; }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  [[nodiscard]] bool fail(const std::string& what) {
    problem_ = what + " (byte " + std::to_string(at_ - text_.data()) + ")";
    return false;
  }

  bool take_text() {
    const char* const begin = at_;
    unsigned seen = 0;
    for (; at_ != end_ && *at_ != '<'; ++at_) {
      seen |= traits_of(*at_);
    }
    const std::string_view run(begin, static_cast<std::size_t>(at_ - begin));
    const std::string_view next(at_, static_cast<std::size_t>(end_ - at_));
    const bool is_content = takes_text_ && (next.empty() || next.starts_with("</"));
    const bool blank = (seen & not_blank) == 0;
    if (!blank && !is_content) {
      return fail("text between elements");
    }
    if (is_content && (blank || (seen & needs_rewrite) != 0)) {
      (slice_begin_ != nullptr ? element_clean_ : checked_.clean) = false;
    }
    return (seen & starts_reference) == 0 || check_references(run);
  }

  bool check_references(std::string_view run) {
    for (std::size_t at = run.find("&#"); at != std::string_view::npos;
         at = run.find("&#", at + 2)) {
      if (!is_character_reference(run.substr(at))) {
        return fail("a reference to a character that XML does not have");
      }
    }
    return true;
  }

  bool take_tag() {
    constexpr std::ptrdiff_t longest_name = 36;
    const char* const begin = at_;
    const char* name = begin + 1;
    const bool closes = name != end_ && *name == '/';
    name += closes ? 1 : 0;
    const char* stop = name;
    while (stop != end_ && (traits_of(*stop) & name_character) != 0) {
      ++stop;
    }
    const std::string_view name_text(name, static_cast<std::size_t>(stop - name));
    const bool empty = !closes && stop != end_ && *stop == '/';
    stop += empty ? 1 : 0;
    if (name_text.empty() || stop - name > longest_name || stop == end_ || *stop != '>') {
      return fail(std::find(begin, end_, '>') == end_ ? "it ends in the middle of a tag"
                                                      : "a tag that XML-RPC does not have");
    }
    if (closes && depth_ == 0) {
      return fail("a closing tag without its opening one");
    }
    if (!closes && !open_element()) {
      return false;
    }
    takes_text_ = !closes && !empty && !holds_elements(name_text);
    at_ = stop + 1;
    cut(begin, name_text, closes, empty);
    return true;
  }

  bool open_element() {
    if (++elements_ > limits_.max_elements) {
      return fail("more than " + std::to_string(limits_.max_elements) + " elements");
    }
    if (++depth_ > limits_.max_depth) {
      return fail("elements nested more than " + std::to_string(limits_.max_depth) + " deep");
    }
    return true;
  }

  // On entry depth_ counts the tag's own element, and at_ is behind the tag, which begins at `tag`.
  void cut(const char* tag, std::string_view name, bool closes, bool empty) {
    if (!closes && array_depth_ != 0 && depth_ == array_depth_ + 1) {
      slice_begin_ = tag;
      element_clean_ = true;
    }
    if (!closes && !empty) {
      if (array_depth_ == 0 && text_.size() > slice_bytes && name == "data") {
        array_depth_ = depth_;
      }
      return;
    }
    if (slice_begin_ != nullptr && depth_ == array_depth_ + 1) {
      add_to_slices();
      slice_begin_ = nullptr;
    } else if (depth_ == array_depth_) {
      array_depth_ = 0;
      joins_slice_ = false;
    }
    --depth_;
  }

  /// The element being cut ends at at_: it joins the slice before it while that stays short.
  void add_to_slices() {
    if (std::exchange(joins_slice_, true)) {
      Slice& last = checked_.slices.back();
      const auto joined = static_cast<std::size_t>(at_ - last.xml.data());
      if (joined <= slice_bytes) {
        last = {{last.xml.data(), joined}, last.clean && element_clean_};
        return;
      }
    }
    checked_.slices.push_back(
        {{slice_begin_, static_cast<std::size_t>(at_ - slice_begin_)}, element_clean_});
  }

  std::string_view text_;
  const DecodeLimits& limits_;
  const char* at_;
  const char* end_;
  CheckedXml checked_;
  std::string problem_;
  std::size_t depth_ = 0;
  std::size_t elements_ = 0;
  bool takes_text_ = false;            // the tag just read opened an element that may hold text
  std::size_t array_depth_ = 0;        // of the <data> whose elements are cut; 0: none
  const char* slice_begin_ = nullptr;  // where the element being cut begins; null: none is
  bool element_clean_ = true;          // of that element
  bool joins_slice_ = false;           // the last slice belongs to the same <data>
};

void append_rewritten(std::string_view content, std::string& xml) {
  const bool blank = std::all_of(content.begin(), content.end(),
                                 [](char c) { return (traits_of(c) & not_blank) == 0; });
  // tinyxml2 drops text of white space alone, but not if it begins with a reference.
  if (blank && !content.empty()) {
    xml += "&#" + std::to_string(static_cast<int>(content.front())) + ";";
    content.remove_prefix(1);
  }
  for (const char c : content) {
    if (c == '\0') {
      xml.append({escape, escaped_nul});
    } else if (c == escape) {
      xml.append({escape, escaped_escape});
    } else if (c == '\r') {
      xml += "&#13;";  // tinyxml2 would make it LF
    } else {
      xml += c;
    }
  }
}

/// Appends `piece`, whole elements that have passed the check, in a form of which tinyxml2 loses
/// nothing.
void append_rewritten_elements(std::string_view piece, std::string& xml) {
  bool takes_text = false;
  while (!piece.empty()) {
    const std::size_t open = std::min(piece.find('<'), piece.size());
    const std::string_view run = piece.substr(0, open);
    piece.remove_prefix(open);
    if (takes_text && piece.starts_with("</")) {
      append_rewritten(run, xml);
    } else {
      xml += run;
    }
    const std::string_view tag = piece.substr(0, piece.find('>') + 1);
    piece.remove_prefix(tag.size());
    xml += tag;
    takes_text = tag.size() > 2 && tag[1] != '/' && tag[tag.size() - 2] != '/' &&
                 !holds_elements(tag.substr(1, tag.size() - 2));
  }
}

/// Text as it was before it was rewritten.
std::string restored(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find(escape), text.size());
    bytes += text.substr(0, plain);
    text.remove_prefix(plain);
    if (!text.empty()) {  // an escape is never alone
      bytes += text[1] == escaped_nul ? '\0' : escape;
      text.remove_prefix(2);
    }
  }
  return bytes;
}

/// `text` with a mark in place of each slice, fit for tinyxml2.
std::string without_slices(std::string_view text, const CheckedXml& checked) {
  std::string xml;
  const auto append = [&](std::string_view piece) {
    if (checked.clean) {
      xml += piece;
    } else {
      append_rewritten_elements(piece, xml);
    }
  };
  const char* at = text.data();
  for (const Slice& slice : checked.slices) {
    append({at, static_cast<std::size_t>(slice.xml.data() - at)});
    xml.append("<").append(slice_mark).append("/>");
    at = slice.xml.data() + slice.xml.size();
  }
  append({at, static_cast<std::size_t>(text.data() + text.size() - at)});
  return xml;
}

bool is(const XMLElement& element, std::string_view name) {
  return element.Name() == name;
}

/// The only child element, or null.
const XMLElement* only_child(const XMLElement& element) {
  const XMLElement* child = element.FirstChildElement();
  return child != nullptr && child->NextSiblingElement() == nullptr ? child : nullptr;
}

std::size_t siblings(const XMLElement* first) {
  std::size_t count = 0;
  for (; first != nullptr; first = first->NextSiblingElement()) {
    ++count;
  }
  return count;
}

/// Builds values from elements in place. Functions that return false have said why in problem().
/// One decoder has one tree at a time; the slices of its text are read by another one.
class Decoder {
 public:
  explicit Decoder(const DecodeLimits& limits) : limits_(limits) {}

  [[nodiscard]] const std::string& problem() const { return problem_; }

  [[nodiscard]] bool answer(std::string_view xml, Answer& answer) {
    const XMLElement* const root = check_and_parse(xml);
    if (root == nullptr) {
      return false;
    }
    const XMLElement* const content = only_child(*root);
    if (!is(*root, "methodResponse") || root->NextSiblingElement() != nullptr ||
        content == nullptr) {
      return fail("something else than one <methodResponse> with its content");
    }
    if (is(*content, "fault")) {
      return fault(*content, answer);
    }
    return is(*content, "params") ? parameters(*content, answer)
                                  : fail("a <methodResponse> with neither <params> nor <fault>");
  }

 private:
  [[nodiscard]] bool fail(std::string what) {
    problem_ = std::move(what);
    return false;
  }

  /// The first element at the top of `text`, which is copied only if there is something to cut out
  /// of it or to rewrite.
  const XMLElement* check_and_parse(std::string_view text) {
    XmlCheck check(text, limits_);
    if (!check.run()) {
      problem_ = check.problem();
      return nullptr;
    }
    CheckedXml& checked = check.checked();
    const bool as_it_is = checked.clean && checked.slices.empty();
    const XMLElement* const root = as_it_is ? parse(text) : parse(without_slices(text, checked));
    rewritten_ = !checked.clean;
    slices_ = std::move(checked.slices);
    next_slice_ = 0;
    return root;
  }

  const XMLElement* parse(std::string_view xml) {
    if (document_.Parse(xml.data(), xml.size()) != tinyxml2::XML_SUCCESS) {
      problem_ = document_.ErrorName();
      return nullptr;
    }
    const XMLElement* const root = document_.RootElement();
    if (root == nullptr) {
      problem_ = "it is empty";
    }
    return root;
  }

  const XMLElement* parse_slice(const Slice& slice) {
    if (slice.xml.size() > slice_bytes) {  // one element, which may hold a long array
      return check_and_parse(slice.xml);
    }
    slices_.clear();
    rewritten_ = !slice.clean;
    if (slice.clean) {
      return parse(slice.xml);
    }
    std::string xml;
    append_rewritten_elements(slice.xml, xml);
    return parse(xml);
  }

  [[nodiscard]] bool fault(const XMLElement& element, Answer& answer) {
    const XMLElement* const content = only_child(element);
    if (content == nullptr) {
      return fail("a <fault> without its <value>");
    }
    Value refusal;
    if (!value(*content, refusal)) {
      return false;
    }
    const Value* const code = refusal.member("faultCode");
    const Value* const text = refusal.member("faultString");
    const std::int64_t* const number = code == nullptr ? nullptr : code->as_integer();
    if (number == nullptr || !std::in_range<int>(*number) || text == nullptr ||
        text->as_string() == nullptr) {
      return fail("a <fault> without a faultCode and a faultString");
    }
    answer.content = Fault{static_cast<int>(*number), *text->as_string()};
    return true;
  }

  [[nodiscard]] bool parameters(const XMLElement& element, Answer& answer) {
    std::vector<Value> values;
    const XMLElement* parameter = element.FirstChildElement();
    for (; parameter != nullptr; parameter = parameter->NextSiblingElement()) {
      const XMLElement* const content = only_child(*parameter);
      if (!is(*parameter, "param") || content == nullptr) {
        return fail("<params> of something else than <param>s of one <value>");
      }
      if (!value(*content, values.emplace_back())) {
        return false;
      }
    }
    if (values.empty()) {
      return fail("<params> without a <param>");
    }
    answer.content = std::move(values.front());
    values.erase(values.begin());
    answer.further_parameters = std::move(values);
    return true;
  }

  [[nodiscard]] bool value(const XMLElement& element, Value& decoded) {
    if (!is(element, "value")) {
      return fail("<" + std::string(element.Name()) + "> where a <value> belongs");
    }
    const XMLElement* const first = element.FirstChildElement();
    if (first == nullptr) {
      return string(element, decoded);
    }
    return first->NextSiblingElement() == nullptr ? typed(*first, decoded)
                                                  : fail("a <value> of several elements");
  }

  [[nodiscard]] bool typed(const XMLElement& element, Value& decoded) {
    const std::string_view type = element.Name();
    if (type == "string") {
      return string(element, decoded);
    }
    if (type == "int" || type == "i4" || type == "i8") {
      return number<std::int64_t>(element, decoded);
    }
    if (type == "struct") {
      return structure(element, decoded);
    }
    if (type == "boolean") {
      return boolean(element, decoded);
    }
    if (type == "array") {
      return array(element, decoded);
    }
    if (type == "double") {
      return number<double>(element, decoded);
    }
    return fail("a value of the type <" + std::string(type) + ">, which supervisord has not");
  }

  /// The text of an element that holds nothing else, as tinyxml2 has it: valid until the next
  /// parse, and null if the element holds elements. tinyxml2 has no text node for no text.
  [[nodiscard]] const char* text_of(const XMLElement& element) {
    const tinyxml2::XMLNode* const child = element.FirstChild();
    if (child == nullptr) {
      return "";
    }
    if (child->ToText() == nullptr || child->NextSibling() != nullptr) {
      problem_ = "<" + std::string(element.Name()) + "> holds elements, not text";
      return nullptr;
    }
    return child->Value();
  }

  [[nodiscard]] bool text(const XMLElement& element, std::string& decoded) {
    const char* const text = text_of(element);
    if (text == nullptr) {
      return false;
    }
    if (rewritten_) {
      decoded = restored(text);
    } else {
      decoded = text;
    }
    return true;
  }

  [[nodiscard]] bool string(const XMLElement& element, Value& decoded) {
    std::string bytes;
    if (!text(element, bytes)) {
      return false;
    }
    decoded = Value(std::move(bytes));
    return true;
  }

  template <class Number>
  [[nodiscard]] bool number(const XMLElement& element, Value& decoded) {
    const char* const digits = text_of(element);
    if (digits == nullptr) {
      return false;
    }
    const auto parsed = base::parse_number<Number>(digits);
    if (!parsed || !std::isfinite(static_cast<double>(*parsed))) {
      return fail("<" + std::string(element.Name()) + "> holds no number that fits");
    }
    decoded = Value(*parsed);
    return true;
  }

  [[nodiscard]] bool boolean(const XMLElement& element, Value& decoded) {
    const char* const text = text_of(element);
    if (text == nullptr) {
      return false;
    }
    const std::string_view digit = text;
    if (digit != "0" && digit != "1") {
      return fail("<boolean> holds neither 0 nor 1");
    }
    decoded = Value(digit == "1");
    return true;
  }

  [[nodiscard]] bool array(const XMLElement& element, Value& decoded) {
    const XMLElement* const data = only_child(element);
    if (data == nullptr || !is(*data, "data")) {
      return fail("an <array> without its <data>");
    }
    Array items;
    const XMLElement* item = data->FirstChildElement();
    for (; item != nullptr; item = item->NextSiblingElement()) {
      const bool slice = is(*item, slice_mark) && next_slice_ < slices_.size();
      if (!(slice ? add_slice(slices_[next_slice_++], items)
                  : value(*item, items.emplace_back()))) {
        return false;
      }
    }
    decoded = Value(std::move(items));
    return true;
  }

  [[nodiscard]] bool add_slice(const Slice& slice, Array& items) {
    if (slice_decoder_ == nullptr) {
      slice_decoder_ = std::make_unique<Decoder>(limits_);
    }
    const XMLElement* const first = slice_decoder_->parse_slice(slice);
    if (first == nullptr || !slice_decoder_->add_siblings(first, items)) {
      return fail(slice_decoder_->problem());
    }
    return true;
  }

  [[nodiscard]] bool add_siblings(const XMLElement* item, Array& items) {
    for (; item != nullptr; item = item->NextSiblingElement()) {
      if (!value(*item, items.emplace_back())) {
        return false;
      }
    }
    return true;
  }

  [[nodiscard]] bool structure(const XMLElement& element, Value& decoded) {
    const XMLElement* member = element.FirstChildElement();
    Struct members;
    members.reserve(siblings(member));
    for (; member != nullptr; member = member->NextSiblingElement()) {
      const XMLElement* const name = member->FirstChildElement();
      const XMLElement* const content = name == nullptr ? nullptr : name->NextSiblingElement();
      if (!is(*member, "member") || content == nullptr || !is(*name, "name") ||
          content->NextSiblingElement() != nullptr) {
        return fail("a <struct> of something else than <member>s of a <name> and a <value>");
      }
      auto& [key, value_of_key] = members.emplace_back();
      if (!text(*name, key) || !value(*content, value_of_key)) {
        return false;
      }
    }
    decoded = Value(std::move(members));
    return true;
  }

  const DecodeLimits& limits_;
  std::string problem_;
  tinyxml2::XMLDocument document_;
  bool rewritten_ = false;  // the texts of document_ are to be restored
  std::vector<Slice> slices_;
  std::size_t next_slice_ = 0;
  std::unique_ptr<Decoder> slice_decoder_;  // kept from slice to slice with tinyxml2's pools
};

tl::unexpected<base::Error> malformed(const std::string& what) {
  return base::failure(base::ErrorKind::malformed, "not a whole XML-RPC answer: " + what);
}

/// What follows the XML declaration, if there is one. Refuses what is not XML-RPC with its first
/// words, since they mostly say which program answers there.
base::Result<std::string_view> after_declaration(std::string_view body) {
  constexpr std::string_view blanks = " \t\r\n";
  constexpr std::size_t excerpt_bytes = 60;
  std::string_view rest = body;
  if (rest.starts_with("<?xml")) {
    const std::size_t end = rest.find("?>");
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 2);
  }
  rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size()));
  if (!rest.starts_with("<methodResponse")) {
    std::string excerpt = base::to_utf8(body.substr(0, excerpt_bytes));
    std::replace_if(
        excerpt.begin(), excerpt.end(), [](char c) { return c >= 0 && c < ' '; }, ' ');
    return base::failure(base::ErrorKind::malformed,
                         body.empty() ? "not an XML-RPC answer: it is empty"
                                      : "not an XML-RPC answer: it begins with '" + excerpt + "'");
  }
  return rest;
}

/// False for what a conforming XML parser, as supervisord's is, refuses, and the whole call with
/// it.
bool is_expressible(std::string_view text) {
  const bool has_control = std::any_of(text.begin(), text.end(), [](char c) {
    return c >= 0 && c < ' ' && c != '\t' && c != '\n' && c != '\r';
  });
  return !has_control && text.find("\xEF\xBF\xBE") == std::string_view::npos &&
         text.find("\xEF\xBF\xBF") == std::string_view::npos && base::is_utf8(text);
}

/// Appends to the call's XML, and remembers the first thing that cannot be expressed.
class Encoder {
 public:
  void call(const Call& call) {
    xml_ = "<?xml version='1.0'?>\n<methodCall>\n<methodName>";
    text(call.method);
    xml_ += "</methodName>\n<params>\n";
    for (const Value& parameter : call.parameters) {
      xml_ += "<param>\n";
      value(parameter);
      xml_ += "</param>\n";
    }
    xml_ += "</params>\n</methodCall>\n";
  }

  base::Result<std::string> take() {
    return error_ ? base::Result<std::string>(base::failure(std::move(*error_))) : std::move(xml_);
  }

 private:
  void refuse(const std::string& what) {
    if (!error_) {
      error_ = base::Error{base::ErrorKind::invalid_argument, "XML-RPC cannot express " + what};
    }
  }

  void text(std::string_view text) {
    if (!is_expressible(text)) {
      refuse("'" + base::to_utf8(text) + "': it is not UTF-8, or holds control characters");
    }
    for (const char c : text) {
      switch (c) {
        case '&':
          xml_ += "&amp;";
          break;
        case '<':
          xml_ += "&lt;";
          break;
        case '>':
          xml_ += "&gt;";
          break;
        case '\r':
          xml_ += "&#13;";  // a raw one would arrive as LF
          break;
        default:
          xml_ += c;
      }
    }
  }

  void value(const Value& value) {
    xml_ += "<value>";
    content(value);
    xml_ += "</value>\n";
  }

  void content(const Value& value) {
    if (const auto* number = value.as_integer()) {
      xml_ += "<int>" + std::to_string(*number) + "</int>";
    } else if (const auto* flag = value.as_boolean()) {
      xml_ += *flag ? "<boolean>1</boolean>" : "<boolean>0</boolean>";
    } else if (const auto* real = value.as_double()) {
      append_real(*real);
    } else if (const auto* items = value.as_array()) {
      xml_ += "<array><data>\n";
      for (const Value& item : *items) {
        this->value(item);
      }
      xml_ += "</data></array>";
    } else if (const auto* members = value.as_struct()) {
      structure(*members);
    } else {
      xml_ += "<string>";
      text(*value.as_string());
      xml_ += "</string>";
    }
  }

  void append_real(double number) {
    if (!std::isfinite(number)) {
      return refuse("a number that is not finite");
    }
    constexpr std::size_t longest = 400;  // fixed notation of the largest double, and more
    char digits[longest];
    const auto end = std::to_chars(digits, digits + longest, number, std::chars_format::fixed);
    xml_.append("<double>").append(digits, end.ptr).append("</double>");
  }

  void structure(const Struct& members) {
    xml_ += "<struct>\n";
    for (const auto& [name, member] : members) {
      xml_ += "<member>\n<name>";
      text(name);
      xml_ += "</name>\n";
      value(member);
      xml_ += "</member>\n";
    }
    xml_ += "</struct>";
  }

  std::string xml_;
  std::optional<base::Error> error_;
};

}  // namespace

base::Result<std::string> encode_call(const Call& call) {
  Encoder encoder;
  encoder.call(call);
  return encoder.take();
}

base::Result<Answer> decode_answer(std::string_view body, const DecodeLimits& limits) {
  if (body.size() > limits.max_bytes) {
    return malformed("it has more than " + std::to_string(limits.max_bytes) + " bytes");
  }
  return after_declaration(body).and_then([&](std::string_view xml) -> base::Result<Answer> {
    Answer answer;
    Decoder decoder(limits);
    if (!decoder.answer(xml, answer)) {
      return malformed(decoder.problem());
    }
    answer.has_declaration = body.starts_with("<?xml");
    return answer;
  });
}

}  // namespace reeve::xmlrpc
