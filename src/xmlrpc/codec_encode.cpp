#include <charconv>
#include <cmath>

#include "base/text.h"
#include "xmlrpc/codec.h"

namespace reeve::xmlrpc {
namespace {

/// A conforming XML parser, as supervisord's is, refuses the rest, and the whole call with it.
bool is_expressible(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const std::string_view rest = text.substr(i);
    const bool control = c >= 0 && c < ' ' && c != '\t' && c != '\n' && c != '\r';
    if (control || rest.starts_with("\xEF\xBF\xBE") || rest.starts_with("\xEF\xBF\xBF")) {
      return false;
    }
  }
  return base::is_utf8(text);
}

/// Appends to `xml`; the first thing that cannot be expressed ends it.
class Encoder {
 public:
  base::Result<void> call(const Call& call) {
    xml_ = "<?xml version='1.0'?>\n<methodCall>\n<methodName>";
    base::Result<void> done = text(call.method);
    xml_ += "</methodName>\n<params>\n";
    for (const Value& parameter : call.parameters) {
      xml_ += "<param>\n";
      done = done.and_then([&] { return value(parameter); });
      xml_ += "</param>\n";
    }
    xml_ += "</params>\n</methodCall>\n";
    return done;
  }

  std::string take() { return std::move(xml_); }

 private:
  base::Result<void> text(std::string_view text) {
    if (!is_expressible(text)) {
      return base::failure(base::ErrorKind::invalid_argument,
                           "XML-RPC cannot express '" + base::to_utf8(text) +
                               "': it is not UTF-8, or holds control characters");
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
    return {};
  }

  base::Result<void> value(const Value& value) {
    xml_ += "<value>";
    const base::Result<void> done = content(value);
    xml_ += "</value>\n";
    return done;
  }

  base::Result<void> content(const Value& value) {
    if (const auto* number = value.as_integer()) {
      xml_ += "<int>" + std::to_string(*number) + "</int>";
      return {};
    }
    if (const auto* flag = value.as_boolean()) {
      xml_ += *flag ? "<boolean>1</boolean>" : "<boolean>0</boolean>";
      return {};
    }
    if (const auto* number = value.as_double()) {
      return real(*number);
    }
    if (const auto* items = value.as_array()) {
      return array(*items);
    }
    if (const auto* members = value.as_struct()) {
      return structure(*members);
    }
    xml_ += "<string>";
    const base::Result<void> done = text(*value.as_string());
    xml_ += "</string>";
    return done;
  }

  base::Result<void> real(double number) {
    if (!std::isfinite(number)) {
      return base::failure(base::ErrorKind::invalid_argument,
                           "XML-RPC cannot express a number that is not finite");
    }
    constexpr std::size_t longest = 400;  // fixed notation of the largest double, and more
    char digits[longest];
    const auto end = std::to_chars(digits, digits + longest, number, std::chars_format::fixed);
    xml_.append("<double>").append(digits, end.ptr).append("</double>");
    return {};
  }

  base::Result<void> array(const Array& items) {
    base::Result<void> done;
    xml_ += "<array><data>\n";
    for (const Value& item : items) {
      done = done.and_then([&] { return value(item); });
    }
    xml_ += "</data></array>";
    return done;
  }

  base::Result<void> structure(const Struct& members) {
    base::Result<void> done;
    xml_ += "<struct>\n";
    for (const Member& member : members) {
      xml_ += "<member>\n<name>";
      done = done.and_then([&] { return text(member.first); });
      xml_ += "</name>\n";
      done = done.and_then([&] { return value(member.second); });
      xml_ += "</member>\n";
    }
    xml_ += "</struct>";
    return done;
  }

  std::string xml_;
};

}  // namespace

base::Result<std::string> encode_call(const Call& call) {
  Encoder encoder;
  return encoder.call(call).map([&] { return encoder.take(); });
}

}  // namespace reeve::xmlrpc
