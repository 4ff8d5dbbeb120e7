#include <limits>

#include "support/catch.h"
#include "xmlrpc/codec.h"

namespace reeve::xmlrpc {
namespace {

std::string encoded(const Value& parameter) {
  const auto xml = encode_call({"m", {parameter}});
  REQUIRE(xml);
  const std::size_t begin = xml->find("<value>") + 7;
  return xml->substr(begin, xml->rfind("</value>") - begin);
}

TEST_CASE("a call is its method and its parameters in order") {
  CHECK(encode_call({"supervisor.startProcess", {"web:front", false}}) ==
        "<?xml version='1.0'?>\n"
        "<methodCall>\n"
        "<methodName>supervisor.startProcess</methodName>\n"
        "<params>\n"
        "<param>\n<value><string>web:front</string></value>\n</param>\n"
        "<param>\n<value><boolean>0</boolean></value>\n</param>\n"
        "</params>\n"
        "</methodCall>\n");
}

TEST_CASE("true is 1, the only spelling that supervisord reads as true") {
  CHECK(encoded(true) == "<boolean>1</boolean>");
}

TEST_CASE("an integer beyond 32 bits is sent whole") {
  CHECK(encoded(std::int64_t{3221225470}) == "<int>3221225470</int>");
  CHECK(encoded(-1) == "<int>-1</int>");
}

TEST_CASE("a number with a fraction has no exponent") {
  CHECK(encoded(1e20) == "<double>100000000000000000000</double>");
  CHECK(encoded(-0.5) == "<double>-0.5</double>");
}

TEST_CASE("an array and a struct hold values of their own") {
  CHECK(encoded(Array{1, "a"}) ==
        "<array><data>\n<value><int>1</int></value>\n<value><string>a</string></value>\n"
        "</data></array>");
  CHECK(encoded(Struct{{"methodName", "system.listMethods"}}) ==
        "<struct>\n<member>\n<name>methodName</name>\n"
        "<value><string>system.listMethods</string></value>\n</member>\n</struct>");
}

TEST_CASE("text that XML reserves is escaped, and a carriage return survives") {
  CHECK(encoded("a&b<c>\"d'\t\r\n") == "<string>a&amp;b&lt;c&gt;\"d'\t&#13;\n</string>");
  CHECK(encoded("naïve-日本 🚀") == "<string>naïve-日本 🚀</string>");
}

TEST_CASE("what XML cannot express is refused before supervisord closes the connection over it") {
  for (const Value& value :
       {Value("esc \x1b"), Value(std::string("nul \0", 5)), Value("latin-1 \xe9"),
        Value("\xEF\xBF\xBE"), Value(Struct{{"\x01", 1}}), Value(Array{"\x02"}),
        Value(std::numeric_limits<double>::infinity())}) {
    const auto xml = encode_call({"m", {value, "good"}});
    REQUIRE_FALSE(xml);
    CHECK(xml.error().kind == base::ErrorKind::invalid_argument);
  }
  CHECK_FALSE(encode_call({"m\x1b", {}}));
}

}  // namespace
}  // namespace reeve::xmlrpc
