#include "xmlrpc/codec.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include <tinyxml2.h>

#include "base/text.h"
#include "xmlrpc/xml_scan.h"

namespace reeve::xmlrpc {
namespace {

using tinyxml2::XMLElement;

tl::unexpected<base::Error> malformed(const std::string& what) {
  return base::failure(base::ErrorKind::malformed, "not a whole XML-RPC answer: " + what);
}

bool is(const XMLElement& element, std::string_view name) {
  return element.Name() == name;
}

/// The only child element, or null.
const XMLElement* only_child(const XMLElement& element) {
  const XMLElement* child = element.FirstChildElement();
  return child != nullptr && child->NextSiblingElement() == nullptr ? child : nullptr;
}

/// The text of an element that holds nothing else. tinyxml2 has no text node for none.
base::Result<std::string> text_of(const XMLElement& element) {
  if (element.FirstChildElement() != nullptr) {
    return malformed("<" + std::string(element.Name()) + "> holds elements, not text");
  }
  const char* text = element.GetText();
  return text == nullptr ? std::string() : restore_text(text);
}

template <class Number>
base::Result<Value> number_of(const XMLElement& element) {
  return text_of(element).and_then([&](const std::string& text) -> base::Result<Value> {
    const auto number = base::parse_number<Number>(text);
    if (!number || !std::isfinite(static_cast<double>(*number))) {
      return malformed("<" + std::string(element.Name()) + "> holds no number that fits");
    }
    return Value(*number);
  });
}

base::Result<Value> boolean_of(const XMLElement& element) {
  return text_of(element).and_then([](const std::string& text) -> base::Result<Value> {
    if (text != "0" && text != "1") {
      return malformed("<boolean> holds neither 0 nor 1");
    }
    return Value(text == "1");
  });
}

/// One parsed piece of an answer: the whole with its slices left out, or a slice.
class Piece {
 public:
  explicit Piece(const DecodeLimits& limits) : limits_(limits) {}

  /// The first element at the top of `text`.
  base::Result<const XMLElement*> parse(std::string_view text) {
    base::Result<ScannedXml> scanned = scan_xml(text, limits_);
    if (!scanned) {
      return base::failure(std::move(scanned.error()));
    }
    slices_ = std::move(scanned->slices);
    if (document_.Parse(scanned->xml.data(), scanned->xml.size()) != tinyxml2::XML_SUCCESS) {
      return malformed(document_.ErrorName());
    }
    const XMLElement* root = document_.RootElement();
    if (root == nullptr) {
      return malformed("it is empty");
    }
    return root;
  }

  base::Result<Value> value(const XMLElement& element) {
    if (!is(element, "value")) {
      return malformed("<" + std::string(element.Name()) + "> where a <value> belongs");
    }
    if (element.FirstChildElement() == nullptr) {
      return text_of(element).map([](std::string text) { return Value(std::move(text)); });
    }
    const XMLElement* content = only_child(element);
    if (content == nullptr) {
      return malformed("a <value> of several elements");
    }
    return typed(*content);
  }

 private:
  base::Result<Value> typed(const XMLElement& element) {
    const std::string_view type = element.Name();
    if (type == "string") {
      return text_of(element).map([](std::string text) { return Value(std::move(text)); });
    }
    if (type == "int" || type == "i4" || type == "i8") {
      return number_of<std::int64_t>(element);
    }
    if (type == "boolean") {
      return boolean_of(element);
    }
    if (type == "double") {
      return number_of<double>(element);
    }
    if (type == "array") {
      return array(element);
    }
    if (type == "struct") {
      return structure(element);
    }
    return malformed("a value of the type <" + std::string(type) + ">, which supervisord has not");
  }

  base::Result<Value> array(const XMLElement& element) {
    const XMLElement* data = only_child(element);
    if (data == nullptr || !is(*data, "data")) {
      return malformed("an <array> without its <data>");
    }
    Array items;
    const XMLElement* item = data->FirstChildElement();
    for (; item != nullptr; item = item->NextSiblingElement()) {
      const base::Result<void> added = add_items(*item, items);
      if (!added) {
        return base::failure(added.error());
      }
    }
    return Value(std::move(items));
  }

  /// Adds the value that `item` is, or those of the slice that it stands for.
  base::Result<void> add_items(const XMLElement& item, Array& items) {
    if (is(item, slice_mark) && next_slice_ < slices_.size()) {
      Piece slice(limits_);
      const auto first = slice.parse(slices_[next_slice_++]);
      return first.and_then(
          [&](const XMLElement* root) { return slice.add_siblings(root, items); });
    }
    return value(item).map([&](Value value) { items.push_back(std::move(value)); });
  }

  base::Result<void> add_siblings(const XMLElement* item, Array& items) {
    for (; item != nullptr; item = item->NextSiblingElement()) {
      base::Result<Value> decoded = value(*item);
      if (!decoded) {
        return base::failure(std::move(decoded.error()));
      }
      items.push_back(*std::move(decoded));
    }
    return {};
  }

  base::Result<Value> structure(const XMLElement& element) {
    Struct members;
    const XMLElement* member = element.FirstChildElement();
    for (; member != nullptr; member = member->NextSiblingElement()) {
      const XMLElement* name = member->FirstChildElement();
      const XMLElement* content = name == nullptr ? nullptr : name->NextSiblingElement();
      if (!is(*member, "member") || content == nullptr || !is(*name, "name") ||
          content->NextSiblingElement() != nullptr) {
        return malformed("a <struct> of something else than <member>s of a <name> and a <value>");
      }
      base::Result<std::string> key = text_of(*name);
      base::Result<Value> decoded = value(*content);
      if (!key || !decoded) {
        return base::failure(std::move(key ? decoded.error() : key.error()));
      }
      members.emplace_back(*std::move(key), *std::move(decoded));
    }
    return Value(std::move(members));
  }

  const DecodeLimits& limits_;
  tinyxml2::XMLDocument document_;
  std::vector<std::string_view> slices_;
  std::size_t next_slice_ = 0;
};

base::Result<Answer> fault(Piece& piece, const XMLElement& element) {
  const XMLElement* content = only_child(element);
  if (content == nullptr) {
    return malformed("a <fault> without its <value>");
  }
  return piece.value(*content).and_then([](const Value& value) -> base::Result<Answer> {
    const Value* code = value.member("faultCode");
    const Value* text = value.member("faultString");
    const std::int64_t* number = code == nullptr ? nullptr : code->as_integer();
    if (number == nullptr || !std::in_range<int>(*number) || text == nullptr ||
        text->as_string() == nullptr) {
      return malformed("a <fault> without a faultCode and a faultString");
    }
    return Answer{Fault{static_cast<int>(*number), *text->as_string()}};
  });
}

base::Result<Answer> parameters(Piece& piece, const XMLElement& element) {
  std::vector<Value> values;
  const XMLElement* parameter = element.FirstChildElement();
  for (; parameter != nullptr; parameter = parameter->NextSiblingElement()) {
    const XMLElement* content = only_child(*parameter);
    if (!is(*parameter, "param") || content == nullptr) {
      return malformed("<params> of something else than <param>s of one <value>");
    }
    base::Result<Value> value = piece.value(*content);
    if (!value) {
      return base::failure(std::move(value.error()));
    }
    values.push_back(*std::move(value));
  }
  if (values.empty()) {
    return malformed("<params> without a <param>");
  }
  Answer answer{std::move(values.front())};
  values.erase(values.begin());
  answer.further_parameters = std::move(values);
  return answer;
}

base::Result<Answer> response(Piece& piece, const XMLElement& root) {
  const XMLElement* content = only_child(root);
  if (!is(root, "methodResponse") || root.NextSiblingElement() != nullptr || content == nullptr) {
    return malformed("something else than one <methodResponse> with its content");
  }
  if (is(*content, "fault")) {
    return fault(piece, *content);
  }
  if (is(*content, "params")) {
    return parameters(piece, *content);
  }
  return malformed("a <methodResponse> with neither <params> nor <fault>");
}

/// What precedes the root element: nothing, or an XML declaration. Refuses what is not XML-RPC
/// with its first words, since they mostly tell who answers there.
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

}  // namespace

base::Result<Answer> decode_answer(std::string_view body, const DecodeLimits& limits) {
  if (body.size() > limits.max_bytes) {
    return malformed("it has more than " + std::to_string(limits.max_bytes) + " bytes");
  }
  return after_declaration(body).and_then([&](std::string_view xml) {
    Piece piece(limits);
    return piece.parse(xml)
        .and_then([&](const XMLElement* root) { return response(piece, *root); })
        .map([&](Answer answer) {
          answer.has_declaration = body.starts_with("<?xml");
          return answer;
        });
  });
}

}  // namespace reeve::xmlrpc
