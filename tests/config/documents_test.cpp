// What the documentation and the package say of the configuration is true.
#include <algorithm>

#include "base/file.h"
#include "config/config.h"
#include "config/errors.h"
#include "support/catch.h"
#include "support/fixture.h"

namespace reeve::config {
namespace {

std::string text_of(const std::string& path) {
  const auto text = base::read_file(tests::source_path(path), 1024UL * 1024);
  REQUIRE(text);
  return *text;
}

/// The fenced YAML of a page.
std::vector<std::string> examples_of(const std::string& page) {
  const std::string begin = "```yaml\n";
  std::vector<std::string> examples;
  for (std::size_t at = page.find(begin); at != std::string::npos; at = page.find(begin, at)) {
    at += begin.size();
    examples.push_back(page.substr(at, page.find("```", at) - at));
  }
  return examples;
}

TEST_CASE("docs/configuration.md: the documented file is the defaults, key by key") {
  const auto examples = examples_of(text_of("docs/configuration.md"));
  REQUIRE(examples.size() == 3);
  for (const std::string& example : examples) {
    CHECK(errors_of(example).empty());
  }
  Config expected = default_config();
  expected.supervisors.emplace_back();
  expected.supervisors.front().endpoint = *base::Endpoint::parse(supervisor::default_url, "");
  expected.supervisor_url_given = true;
  CHECK(parse(examples.front(), "docs") == expected);
}

TEST_CASE("docs/configuration.md: the documented file has every key") {
  const std::string page =
      text_of("docs/configuration.md") + text_of("docs/alerts.md") + text_of("docs/many-hosts.md");
  for (const char* section :
       {"nowhere: 1\n", "supervisor: {nowhere: 1}\n", "poll: {nowhere: 1}\n",
        "events: {nowhere: 1}\n", "metrics: {nowhere: 1}\n", "control: {nowhere: 1}\n",
        "control: {tls: {nowhere: 1}}\n", "control: {tokens: [{nowhere: 1}]}\n",
        "log: {nowhere: 1}\n", "alerts: {nowhere: 1}\n", "alerts: {breaker: {nowhere: 1}}\n",
        "coordination: {nowhere: 1}\n", "coordination: {etcd: {nowhere: 1}}\n",
        "coordination: {member: {nowhere: 1}}\n", "alerts: {rules: [{nowhere: 1}]}\n",
        "alerts: {rules: [{cooldown: {nowhere: 1}}]}\n"}) {
    std::string errors = errors_of(section);
    const std::string before = "the keys here are ";
    const std::size_t found = errors.find(before);
    REQUIRE(found != std::string::npos);
    errors = errors.substr(found + before.size());
    errors = errors.substr(0, errors.find('\n'));
    for (std::size_t end = 0; !errors.empty(); errors.erase(0, end)) {
      const std::size_t begin = std::min(errors.find_first_not_of(", "), errors.size());
      end = std::min(errors.find_first_of(", ", begin), errors.size());
      const std::string key = errors.substr(begin, end - begin);
      CAPTURE(section, key);
      CHECK((key == "and" || page.find(key + ":") != std::string::npos ||
             page.find('`' + key + '`') != std::string::npos));
    }
  }
}

TEST_CASE("packaging/config.yaml: is valid") {
  const std::string packaged = text_of("packaging/config.yaml");
  CHECK(errors_of(packaged).empty());
}

}  // namespace
}  // namespace reeve::config
