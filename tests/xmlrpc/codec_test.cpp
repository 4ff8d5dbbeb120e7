#include "xmlrpc/codec.h"

#include <ctime>
#include <filesystem>
#include <limits>
#include <random>

#include "support/catch.h"
#include "support/fixture.h"

namespace reeve::xmlrpc {
namespace {

using tests::fixture;
using tests::fixture_body;

std::string answer_of(const std::string& value) {
  return "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n" + value +
         "\n</param>\n</params>\n</methodResponse>\n";
}

Value decoded_text(const std::string& xml) {
  const auto answer = decode_answer(xml);
  if (!answer) {
    FAIL(answer.error().message);
  }
  REQUIRE(answer->value() != nullptr);
  return *answer->value();
}

Value decoded(const std::string& value) {
  return decoded_text(answer_of(value));
}

std::string refusal(const std::string& xml, const DecodeLimits& limits = {}) {
  const auto answer = decode_answer(xml, limits);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == base::ErrorKind::malformed);
  return answer.error().message;
}

/// A tail's answer is [data, size, overflow].
std::string tail_data(const std::string& xml) {
  const Value value = decoded_text(xml);
  REQUIRE(value.as_array() != nullptr);
  REQUIRE(value.as_array()->size() == 3);
  REQUIRE(value.as_array()->front().as_string() != nullptr);
  return *value.as_array()->front().as_string();
}

/// As supervisord writes a text into its answers.
std::string escaped(const std::string& text) {
  std::string xml;
  for (const char c : text) {
    xml += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  }
  return xml;
}

TEST_CASE("decode_answer: a text comes through byte for byte, whatever it is made of") {
  std::vector<std::string> texts;
  for (int byte = 0; byte < 256; ++byte) {
    texts.emplace_back(1, static_cast<char>(byte));
  }
  std::minstd_rand dice(4711);
  const std::string hostile("\0\x01\t\n\v\f\r <&>x0;\x1b\x7f\x85\xa0\xff", 19);
  for (int i = 0; i < 3000; ++i) {
    std::string& text = texts.emplace_back();
    for (std::size_t length = dice() % 8; length > 0; --length) {
      text += hostile[dice() % hostile.size()];
    }
  }
  std::string array = "<value><array><data>\n";
  for (const std::string& text : texts) {
    const std::string value = "<value><string>" + escaped(text) + "</string></value>\n";
    array += value;
    CHECK((*decoded(value).as_string() == text));
  }
  const Value all = decoded(array + "</data></array></value>");
  REQUIRE(all.as_array() != nullptr);
  CHECK((*all.as_array() == Array(texts.begin(), texts.end())));
}

TEST_CASE("decode_answer: every answer captured from supervisord is read") {
  int seen = 0;
  const std::string all = tests::fixture_path("");
  for (const auto& file : std::filesystem::recursive_directory_iterator(all)) {
    const std::string name = std::filesystem::relative(file.path(), all).string();
    const bool whole_answer = file.path().extension() == ".http" &&
                              fixture(name).starts_with("HTTP/1.1 200") &&
                              name.find("logtail") == std::string::npos;
    if (file.path().extension() != ".xml" && !whole_answer) {
      continue;
    }
    CAPTURE(name);
    ++seen;
    const auto answer = decode_answer(whole_answer ? fixture_body(name) : fixture(name));
    REQUIRE(answer);
    CHECK((answer->fault() != nullptr) == (name.find("fault") != std::string::npos));
    CHECK(answer->has_declaration == !name.starts_with("go-"));
  }
  CHECK(seen > 80);
}

TEST_CASE("decode_answer: a listing holds each process as a struct, whatever its name") {
  const Value listing = decoded_text(fixture("getAllProcessInfo-all-states.xml"));
  REQUIRE(listing.as_array() != nullptr);
  CHECK(listing.as_array()->size() > 20);
  for (const Value& process : *listing.as_array()) {
    REQUIRE(process.as_struct() != nullptr);
    CHECK(process.as_struct()->size() == 14);
    REQUIRE(process.member("name") != nullptr);
    REQUIRE(process.member("now") != nullptr);
    CHECK(process.member("now")->as_integer() != nullptr);
  }
  CHECK(*listing.as_array()->front().member("name") == Value("a&b<c>\"d'"));
}

TEST_CASE("decode_answer: a listing too long to be parsed at once is read the same, in order") {
  std::string structs;
  const std::string one = fixture("getProcessInfo-running.xml");
  const std::size_t begin = one.find("<value><struct>");
  const std::string record = one.substr(begin, one.rfind("</param>") - begin);
  for (int i = 0; i < 100; ++i) {
    structs += record + "<value><int>" + std::to_string(i) + "</int></value>";
  }
  const Value listing = decoded("<value><array><data>" + structs + "</data></array></value>");
  const Value first = decoded_text(one);
  REQUIRE(listing.as_array()->size() == 200);
  for (int i = 0; i < 100; ++i) {
    CHECK(listing.as_array()->at(static_cast<std::size_t>(2 * i)) == first);
    CHECK(listing.as_array()->at(static_cast<std::size_t>(2 * i + 1)) == Value(i));
  }
}

TEST_CASE(
    "decode_answer: a long array inside an array, a struct or beside another is read in place") {
  const std::string word(300, 'x');
  std::string words;
  for (int i = 0; i < 200; ++i) {
    words += "<value>" + word + "</value>";
  }
  const std::string list = "<value><array><data>" + words + "</data></array></value>";
  const Value inner(Array(200, Value(word)));
  CHECK(decoded("<value><array><data><value>1</value>" + list + "<value>2</value>" + list +
                "</data></array></value>") == Value(Array{"1", inner, "2", inner}));
  CHECK(decoded("<value><struct><member><name>a</name>" + list + "</member><member><name>b</name>" +
                list + "</member></struct></value>") == Value(Struct{{"a", inner}, {"b", inner}}));
}

TEST_CASE("decode_answer: a fault is a value with its code and text") {
  const auto answer = decode_answer(fixture("fault-BAD_NAME-xml-chars.xml"));
  REQUIRE(answer);
  CHECK(answer->value() == nullptr);
  REQUIRE(answer->fault() != nullptr);
  CHECK(*answer->fault() == Fault{10, "BAD_NAME: a&b<c>"});
}

TEST_CASE("decode_answer: in a multicall's answer faults are structs among values") {
  const Value value = decoded_text(fixture("multicall-mixed.xml"));
  REQUIRE(value.as_array() != nullptr);
  int faults = 0;
  for (const Value& item : *value.as_array()) {
    faults += item.member("faultCode") != nullptr ? 1 : 0;
  }
  CHECK(faults > 0);
  CHECK(decoded_text(fixture("multicall-empty.xml")) == Value(Array{}));
}

TEST_CASE("decode_answer: NUL, control characters and noncharacters in a log survive") {
  CHECK(tail_data(fixture("tail-with-nul.xml")) == std::string("before\0after\nnext line\n", 23));
  const std::string ansi = tail_data(fixture("tail-with-ansi.xml"));
  for (const char c : {'\x1b', '\a', '\b', '\f'}) {
    CHECK(ansi.find(c) != std::string::npos);
  }
  CHECK(tail_data(fixture("tail-with-noncharacters.xml")).find("\xEF\xBF\xBF") !=
        std::string::npos);
  const std::string odd(
      "\x01\x00\x01"
      "0\x01"
      "1\x7f",
      7);
  CHECK(decoded("<value><string>" + odd + "</string></value>") == Value(odd));
}

TEST_CASE("decode_answer: bytes that are not UTF-8, as supervisord 3 sends them, survive") {
  const Value tail = decoded_text(fixture_body("versions/3.4.0-tailProcessStdoutLog.http"));
  CHECK(tail.as_array()->front().as_string()->find('\xe9') != std::string::npos);
}

TEST_CASE(
    "decode_answer: line ends and blanks of a log survive, also where there is nothing else") {
  const std::string data = tail_data(fixture("tail-with-xml-chars-crlf-tab.xml"));
  CHECK(data.find("crlf line\r\n") != std::string::npos);
  CHECK(data.find("xml: <b>&amp;</b> & ]]> \"q\" 'a'\n") != std::string::npos);
  CHECK(data.find("tab\there\n  two leading spaces, two trailing  \n") != std::string::npos);
  for (const char* blank : {" ", "\n\n", "\r\n", "\t \r", "\r a \r"}) {
    CHECK(decoded("<value><string>" + std::string(blank) + "</string></value>") == Value(blank));
    CHECK(decoded("<value>" + std::string(blank) + "</value>") == Value(blank));
  }
}

TEST_CASE("decode_answer: no text is the empty string") {
  for (const char* value : {"<value><string></string></value>", "<value><string/></value>",
                            "<value></value>", "<value/>"}) {
    CHECK(decoded(value) == Value(""));
  }
}

TEST_CASE("decode_answer: a value without a type is a string") {
  CHECK(decoded("<value>a &lt; b</value>") == Value("a < b"));
}

TEST_CASE("decode_answer: integers have 64 bits whatever their tag") {
  CHECK(decoded("<value><int>3221225470</int></value>") == Value(std::int64_t{3221225470}));
  CHECK(decoded("<value><i4>-1</i4></value>") == Value(-1));
  CHECK(decoded("<value><i8>-62135596800</i8></value>") == Value(std::int64_t{-62135596800}));
  for (const char* number : {"", " 1", "1x", "9223372036854775808", "1.0"}) {
    refusal(answer_of("<value><int>" + std::string(number) + "</int></value>"));
  }
}

TEST_CASE("decode_answer: a boolean is 0 or 1 and nothing else") {
  CHECK(decoded("<value><boolean>1</boolean></value>") == Value(true));
  CHECK(decoded("<value><boolean>0</boolean></value>") == Value(false));
  for (const char* flag : {"true", "", "2", "01"}) {
    refusal(answer_of("<value><boolean>" + std::string(flag) + "</boolean></value>"));
  }
}

TEST_CASE("decode_answer: a double is finite") {
  CHECK(decoded("<value><double>-1.5</double></value>") == Value(-1.5));
  for (const char* number : {"nan", "inf", "1e999", "", "1,5"}) {
    refusal(answer_of("<value><double>" + std::string(number) + "</double></value>"));
  }
}

TEST_CASE("decode_answer: the last of a struct's members of one name counts") {
  const Value value = decoded(
      "<value><struct><member><name>a</name><value>1</value></member>"
      "<member><name>a</name><value>2</value></member></struct></value>");
  CHECK(*value.member("a") == Value("2"));
  CHECK(value.member("b") == nullptr);
  CHECK(Value(1).member("a") == nullptr);
}

TEST_CASE("decode_answer: types that supervisord does not have are an error that names them") {
  for (const char* type : {"nil", "base64", "dateTime.iso8601"}) {
    const std::string message =
        refusal(answer_of("<value><" + std::string(type) + "></" + type + "></value>"));
    CHECK(message.find("<" + std::string(type) + ">") != std::string::npos);
  }
}

TEST_CASE(
    "decode_answer: the Go reimplementation's several parameters and missing declaration are "
    "read") {
  const auto tail = decode_answer(fixture("go-tail-three-params.xml"));
  REQUIRE(tail);
  CHECK_FALSE(tail->has_declaration);
  CHECK(*tail->value() == Value("one\n"));
  CHECK(tail->further_parameters == std::vector<Value>{4, false});

  const Value listing = decoded_text(fixture("go-getAllProcessInfo.xml"));
  const Value& process = listing.as_array()->at(0);
  CHECK(*process.member("start") == Value(std::int64_t{-62135596800}));
  CHECK(*process.member("description") == Value("say \"hi\" & go"));

  const auto fault = decode_answer(fixture("go-fault.xml"));
  REQUIRE(fault);
  CHECK(fault->fault()->text == "fail to find process no such");
}

TEST_CASE("decode_answer: an answer cut anywhere is malformed, never half a value") {
  const std::string whole = fixture("multicall-mixed.xml");
  const std::size_t end = whole.rfind('>');
  for (std::size_t size = 0; size < end; ++size) {
    refusal(whole.substr(0, size));
  }
}

TEST_CASE("decode_answer: what is not XML-RPC is refused with its first words") {
  CHECK(refusal("<head>\n<title>Error response</title>") ==
        "not an XML-RPC answer: it begins with '<head> <title>Error response</title>'");
  CHECK(refusal("") == "not an XML-RPC answer: it is empty");
  for (const char* other :
       {"\x1f\x8b\x08", "{\"error\":1}", "<?xml", "<!DOCTYPE html>", "<methodCall></methodCall>"}) {
    CHECK(refusal(other).starts_with("not an XML-RPC answer: it begins with '"));
  }
}

TEST_CASE("decode_answer: a structure that XML-RPC does not have is refused") {
  for (const char* content :
       {"", "<params/>", "<params><param/></params>", "<params><value>a</value></params>",
        "<params><param><value/><value/></param></params>", "<fault/>", "<other/>",
        "<fault><value>text</value></fault>", "<params><param><value/></param></params><fault/>",
        "<fault><value><struct><member><name>faultCode</name><value><int>99999999999</int></value>"
        "</member><member><name>faultString</name><value/></member></struct></value></fault>"}) {
    CAPTURE(content);
    refusal("<methodResponse>" + std::string(content) + "</methodResponse>");
  }
  for (const char* value :
       {"<value><int>1</int><int>2</int></value>", "<value><string><b/></string></value>",
        "<value><array/></value>", "<value><array><value/></array></value>",
        "<value><array><data><int>1</int></data></array></value>",
        "<value><struct><name>a</name></struct></value>",
        "<value><struct><member><name>a</name></member></struct></value>",
        "<value><struct><member><value/><name>a</name></member></struct></value>",
        "<value><struct><member><name>a</name><value/><value/></member></struct></value>",
        "<value>a<int>1</int></value>", "<value><int>1</int>a</value>",
        "<value><array><data>a</data></array></value>", "<value><struct>a</struct></value>",
        "<value><array><data><value/>a<value/></data></array></value>", "<string>a</string>",
        "<value></string></value>", "<value><_/></value>",
        "<value><array><data><_/></data></array></value>"}) {
    CAPTURE(value);
    refusal(answer_of(value));
  }
  const std::string good = answer_of("<value/>");
  refusal(good + "<methodResponse/>");
  refusal(good + "HTTP/1.1 200 OK");
}

TEST_CASE("decode_answer: attributes, comments, CDATA and bad references are refused unparsed") {
  for (const char* value :
       {"<value a=\"1\"/>", "<value><!-- --></value>", "<value><![CDATA[a]]></value>",
        "<value><?php ?></value>", "<value>&#0;</value>", "<value>&#1;</value>",
        "<value>&#xD800;</value>", "<value>&#x110000;</value>", "<value>&#99999999999;</value>",
        "<value>&#65</value>", "<value>&#</value>", "<value>&#x;</value>", "<val ue/>", "<>"}) {
    CAPTURE(value);
    refusal(answer_of(value));
  }
  CHECK(decoded("<value>&#65;&#x1F680;&#13;</value>") == Value("A🚀\r"));
}

TEST_CASE("decode_answer: entities that XML does not define are not expanded") {
  CHECK(decoded("<value>&lol; &amp;lt;</value>") == Value("&lol; &lt;"));
  refusal("<!DOCTYPE a [<!ENTITY lol \"lol\">]>" + answer_of("<value>&lol;</value>"));
}

TEST_CASE("decode_answer: bytes, depth and number of elements are bounded") {
  const std::string answer = fixture("getAllProcessInfo-all-states.xml");
  DecodeLimits limits;
  limits.max_bytes = answer.size();
  CHECK(decode_answer(answer, limits));
  limits.max_bytes = answer.size() - 1;
  refusal(answer, limits);

  const auto nested = [](int levels) {
    std::string open;
    std::string close;
    for (int i = 0; i < levels; ++i) {
      open += "<value><array><data>";
      close += "</data></array></value>";
    }
    return answer_of(open + close);
  };
  CHECK(decode_answer(nested(20)));
  CHECK(refusal(nested(21)).find("nested more than 64 deep") != std::string::npos);
  refusal(nested(100'000));

  limits = {};
  limits.max_elements = 10;
  CHECK(refusal(answer, limits).find("more than 10 elements") != std::string::npos);
}

TEST_CASE("decode_answer: hostile text costs no more than linear time") {
  const std::size_t size = 8 * 1024 * 1024;
  std::string references;
  std::string attributes = "<value";
  while (references.size() < size) {
    references += "&#";
    attributes += " a='1'";
  }
  refusal(answer_of("<value>" + references + "</value>"));
  refusal(answer_of(attributes + "/>"));
  refusal("<methodResponse>" + std::string(size, '<'));
  CHECK(decoded("<value>" + std::string(size, '&') + "</value>") == Value(std::string(size, '&')));
}

std::string encoded(const Value& parameter) {
  const auto xml = encode_call({"m", {parameter}});
  REQUIRE(xml);
  const std::size_t begin = xml->find("<value>") + 7;
  return xml->substr(begin, xml->rfind("</value>") - begin);
}

TEST_CASE("encode_call: a call is its method and its parameters in order") {
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

TEST_CASE("encode_call: true is 1, the only spelling that supervisord reads as true") {
  CHECK(encoded(true) == "<boolean>1</boolean>");
}

TEST_CASE("encode_call: an integer beyond 32 bits is sent whole") {
  CHECK(encoded(std::int64_t{3221225470}) == "<int>3221225470</int>");
  CHECK(encoded(-1) == "<int>-1</int>");
}

TEST_CASE("encode_call: a number with a fraction has no exponent") {
  CHECK(encoded(1e20) == "<double>100000000000000000000</double>");
  CHECK(encoded(-0.5) == "<double>-0.5</double>");
}

TEST_CASE("encode_call: an array and a struct hold values of their own") {
  CHECK(encoded(Array{1, "a"}) ==
        "<array><data>\n<value><int>1</int></value>\n<value><string>a</string></value>\n"
        "</data></array>");
  CHECK(encoded(Struct{{"methodName", "system.listMethods"}}) ==
        "<struct>\n<member>\n<name>methodName</name>\n"
        "<value><string>system.listMethods</string></value>\n</member>\n</struct>");
}

TEST_CASE("encode_call: text that XML reserves is escaped, and a carriage return survives") {
  CHECK(encoded("a&b<c>\"d'\t\r\n") == "<string>a&amp;b&lt;c&gt;\"d'\t&#13;\n</string>");
  CHECK(encoded("naïve-日本 🚀") == "<string>naïve-日本 🚀</string>");
}

TEST_CASE(
    "encode_call: what XML cannot express is refused before supervisord closes the connection over "
    "it") {
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

/// Not run by itself: `test_xmlrpc "[.bench]" -s` prints the CPU time of one listing.
TEST_CASE("decode_answer: the cost of a listing of 1000 processes", "[.bench]") {
  const std::string few = fixture("getAllProcessInfo-all-states.xml");
  const std::size_t begin = few.find("<data>") + 6;
  const std::size_t end = few.rfind("</data>");
  std::string infos;
  for (int copies = 0; copies < 31; ++copies) {
    infos += few.substr(begin, end - begin);
  }
  const std::string listing = few.substr(0, begin) + infos + few.substr(end);
  constexpr int rounds = 50;
  const std::clock_t before = std::clock();
  for (int round = 0; round < rounds; ++round) {
    REQUIRE(decode_answer(listing));
  }
  const double seconds = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  WARN(listing.size() << " bytes: " << 1000 * seconds / rounds << " ms of CPU");
}

}  // namespace
}  // namespace reeve::xmlrpc
