#include "config/yaml.h"

#include "config/errors.h"
#include "support/catch.h"

namespace reeve::config {
namespace {

TEST_CASE("read_yaml: every key and value has its line and column") {
  const YamlDocument document = read_yaml("a: 1\nb:\n  - x\n  - 'y'\n");
  REQUIRE(document.errors.empty());
  REQUIRE(document.root.entries.size() == 2);
  const Entry& b = document.root.entries[1];
  CHECK(b.key == "b");
  CHECK(b.position.line == 2);
  REQUIRE(b.value.items.size() == 2);
  CHECK(b.value.items[1].text == "y");
  CHECK(b.value.items[1].quoted);
  CHECK(b.value.items[1].position.line == 4);
  CHECK(b.value.items[1].position.column == 5);
}

TEST_CASE("read_yaml: a duplicate key is an error that names the first one's line") {
  CHECK(errors_of("log: {}\npoll: {}\nlog: {}\n") ==
        "reeve.yaml:3:1: duplicate key 'log', first set in line 1");
}

TEST_CASE("read_yaml: anchors, tags, merge keys and further documents are errors") {
  CHECK(errors_of("poll: &p {interval: 1s}\n") == "reeve.yaml:1:7: anchors are not supported");
  CHECK(errors_of("poll: &p {interval: 1s}\nlog: *p\n") ==
        "reeve.yaml:1:7: anchors are not supported\n"
        "reeve.yaml:2:6: aliases are not supported: write the value out");
  CHECK(errors_of("poll: {<<: {interval: 1s}}\n") ==
        "reeve.yaml:1:8: merge keys are not supported");
  CHECK(errors_of("log: !!map {}\n") == "reeve.yaml:1:6: tags are not supported");
  CHECK(errors_of("? [a]\n: 1\n") == "reeve.yaml:1:3: a key must be a scalar");
  CHECK(errors_of("log: {}\n---\nlog: {}\n") ==
        "reeve.yaml:2:1: one YAML document is expected, here begins a second");
}

TEST_CASE("read_yaml: a syntax error has its position") {
  CHECK(errors_of("poll: [1,\n").find("reeve.yaml:2:1: not valid YAML: ") == 0);
  CHECK(errors_of("poll:\n\t- x\n").find("reeve.yaml:2:") == 0);
}

TEST_CASE("read_yaml: a file that is not UTF-8 text is one error") {
  const std::string zero("log: {}\n\0", 9);
  CHECK(errors_of(zero) == "reeve.yaml: not UTF-8 text");
  CHECK(errors_of("log: \xFF\n") == "reeve.yaml: not UTF-8 text");
  CHECK(errors_of(std::string(max_file_bytes + 1, '#')) == "reeve.yaml: longer than 1 MB");
}

TEST_CASE("read_yaml: depth and number of values are bounded") {
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '[') + "a" + std::string(levels, ']');
  };
  CHECK(read_yaml(nested(max_depth)).errors.empty());
  CHECK(errors_of(nested(max_depth + 1)) == "reeve.yaml:1:17: nested deeper than 16 levels");
  CHECK_FALSE(errors_of(std::string(100'000, '[')).empty());
  std::string many = "metrics:\n  include:\n";
  for (std::size_t at = 0; at <= max_values; ++at) {
    many += "  - a\n";
  }
  CHECK(errors_of(many).find("more than 20000 values") != std::string::npos);
}

TEST_CASE("read_yaml: a byte-order mark is no part of the text") {
  const YamlDocument document = read_yaml(
      "\xEF\xBB\xBF"
      "a: b\n");
  CHECK(document.errors.empty());
  REQUIRE(document.root.entries.size() == 1);
  CHECK(document.root.entries.front().key == "a");
}

TEST_CASE("read_yaml: a tab that indents is named") {
  const YamlDocument document = read_yaml("a:\n\tb: c\n");
  REQUIRE_FALSE(document.errors.empty());
  CHECK(document.errors.front().message.find("line 2 begins with a tab") != std::string::npos);
}

}  // namespace
}  // namespace reeve::config
