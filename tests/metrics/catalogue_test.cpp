#include "metrics/catalogue.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "control/stats.h"
#include "guards/reason.h"
#include "metrics/pages.h"
#include "support/catch.h"
#include "support/fixture.h"

namespace reeve::metrics {
namespace {

struct Described {
  std::string type;
  std::set<std::string> labels;
  friend bool operator==(const Described&, const Described&) = default;
};
using Families = std::map<std::string, Described>;

std::ostream& operator<<(std::ostream& out, const Families::value_type& family) {
  out << family.first << ' ' << family.second.type;
  for (const std::string& label : family.second.labels) {
    out << ' ' << label;
  }
  return out;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::istringstream stream(text);
  std::vector<std::string> parts;
  for (std::string part; std::getline(stream, part, separator);) {
    parts.push_back(part);
  }
  return parts;
}

std::set<std::string> split_labels(std::string_view text) {
  const auto labels = split(std::string(text), ',');
  return {labels.begin(), labels.end()};
}

/// The rows of the tables in the documentation: | `name` | type | labels | meaning |
Families documented() {
  Families families;
  std::ifstream doc(tests::source_path("docs/metrics.md"));
  for (std::string row; std::getline(doc, row);) {
    if (row.starts_with("| `")) {
      row.erase(std::remove_if(row.begin(), row.end(), [](char c) { return c == ' ' || c == '`'; }),
                row.end());
      const auto cells = split(row, '|');
      REQUIRE(cells.size() == 5);
      families[cells[1]] = {cells[2], split_labels(cells[3])};
    }
  }
  return families;
}

Families catalogued() {
  Families families;
  for (const Family& family : catalogue) {
    families[std::string(family.name)] = {std::string(to_string(family.type)),
                                          split_labels(family.labels)};
  }
  return families;
}

Families rendered(const std::string& page) {
  static const std::regex label(R"re(([a-z_]+)="(?:[^"\\]|\\.)*")re");
  Families families;
  Families::iterator family;
  for (const std::string& line : split(page, '\n')) {
    if (line.starts_with("# TYPE ")) {
      const auto words = split(line, ' ');
      family = families.insert({words[2], {words[3], {}}}).first;
    }
    if (line.starts_with('#')) {
      continue;
    }
    for (std::sregex_iterator each(line.begin(), line.end(), label), end; each != end; ++each) {
      family->second.labels.insert((*each)[1]);
    }
    family->second.labels.erase("supervisor");
    family->second.labels.erase("le");
  }
  return families;
}

TEST_CASE("catalogue: docs/metrics.md lists its names, types and labels") {
  CHECK(documented() == catalogued());
}

TEST_CASE("catalogue: every family is rendered as it is described, and no other") {
  Families expected = catalogued();
  expected.erase("supervisord_process_state_code");  // instead of the state set
  CHECK(rendered(whole_page({odd_supervisord()})) == expected);
}

/// The words of a list of the section "Reasons" in docs/metrics.md: - `word`: meaning.
std::vector<std::string> documented_reasons(const std::string& metric) {
  std::ifstream doc(tests::source_path("docs/metrics.md"));
  std::vector<std::string> words;
  bool is_here = false;
  for (std::string line; std::getline(doc, line);) {
    if (line.starts_with("Values of the label `reason`")) {
      is_here = line.find("`" + metric + "`") != std::string::npos;
    } else if (line.starts_with('#')) {
      is_here = false;
    } else if (is_here && line.starts_with("- `")) {
      words.push_back(line.substr(3, line.find('`', 3) - 3));
    }
  }
  return words;
}

TEST_CASE("catalogue: docs/metrics.md lists the reasons of failures and refusals") {
  std::vector<std::string> failures;
  for (const control::FailureReason reason : control::all_failure_reasons) {
    failures.emplace_back(to_string(reason));
  }
  CHECK(documented_reasons("reeve_action_failures_total") == failures);
  const std::vector<std::string> refusals(std::begin(guards::refused_labels),
                                          std::end(guards::refused_labels));
  CHECK(documented_reasons("reeve_actions_refused_total") == refusals);
}

TEST_CASE("catalogue: names are listed once, and HELP texts need no escaping") {
  CHECK(catalogued().size() == catalogue.size());
  for (const Family& family : catalogue) {
    CHECK(family.help.find_first_of("\\\n") == std::string_view::npos);
    CHECK(family.help.ends_with('.'));
    CHECK(family.name.ends_with("_total") == (family.type == Type::counter));
  }
}

}  // namespace
}  // namespace reeve::metrics
