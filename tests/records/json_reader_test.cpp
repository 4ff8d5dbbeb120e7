#include "records/json_reader.h"

#include <string>

#include <nlohmann/json.hpp>

#include "support/catch.h"

namespace reeve::records {
namespace {

TEST_CASE("written_bytes: what a text takes in a line, whatever is in it") {
  for (const std::string& text :
       {std::string("plain"), std::string(), std::string("\"\\\b\f\n\r\t"), std::string(3, '\0'),
        std::string("\x01\x1f\x7f"), std::string("ü€😀")}) {
    CAPTURE(text);
    CHECK(to_line(Json(text_to_json(text))).size() == written_bytes(text) + 2);
  }
  const std::string bytes = "\xff\x01\xfe";
  CHECK(to_line(Json(text_to_json(bytes))).size() <= written_bytes(bytes) + 2);
}

TEST_CASE("shortened: a text is cut by what it takes in a line, never within a character") {
  CHECK(shortened("plain", 5) == "plain");
  CHECK(shortened("plainer", 5) == "plain… (2 bytes more)");
  CHECK(shortened(std::string(10, '\x01'), 13) == std::string(2, '\x01') + "… (8 bytes more)");
  CHECK(shortened("aüü", 2) == "a… (4 bytes more)");
  CHECK(shortened("aüü", 3) == "aü… (2 bytes more)");
  CHECK(shortened("\xff\xff\xff", 8) == "\xff\xff… (1 bytes more)");
  CHECK(shortened("ab", 0) == "… (2 bytes more)");
}

}  // namespace
}  // namespace reeve::records
