#include "metrics/catalogue.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "metrics/fleets.h"
#include "reeve/metrics/exposition.h"
#include "support/catch.h"

namespace reeve::metrics {
namespace {

struct Described {
  std::string type;
  std::string labels;
  friend bool operator==(const Described&, const Described&) = default;
};
using Families = std::map<std::string, Described>;

std::ostream& operator<<(std::ostream& out, const Families::value_type& family) {
  return out << family.first << ' ' << family.second.type << " {" << family.second.labels << '}';
}

std::vector<std::string> cells_of(const std::string& row) {
  std::vector<std::string> cells;
  std::istringstream stream(row);
  for (std::string cell; std::getline(stream, cell, '|');) {
    cell.erase(
        std::remove_if(cell.begin(), cell.end(), [](char c) { return c == ' ' || c == '`'; }),
        cell.end());
    cells.push_back(cell);
  }
  return cells;
}

Families documented() {
  Families families;
  std::ifstream doc(REEVE_DOCS "/metrics.md");
  for (std::string row; std::getline(doc, row);) {
    if (row.starts_with("| `")) {
      const auto cells = cells_of(row);
      REQUIRE(cells.size() == 5);
      families[cells[1]] = {cells[2], cells[3]};
    }
  }
  return families;
}

Families catalogued() {
  Families families;
  for (const Family& family : catalogue) {
    families[std::string(family.name)] = {std::string(to_string(family.type)),
                                          std::string(family.labels)};
  }
  return families;
}

std::string label_names(const std::string& sample) {
  std::string names;
  bool quoted = false;
  std::string name;
  const std::size_t begin = sample.find('{');
  for (std::size_t i = begin; i < sample.size(); ++i) {
    const char c = sample[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '{' || c == ',')) {
      name.clear();
    } else if (!quoted && c == '=' && name != "supervisor" && name != "le") {
      names += (names.empty() ? "" : ",") + name;
    } else if (!quoted && c == '}') {
      break;
    } else if (!quoted) {
      name += c;
    }
  }
  return names;
}

/// The families of a page, with their labels in the order of the alphabet.
Families rendered(const std::string& page) {
  Families families;
  std::istringstream lines(page);
  std::string name;
  std::string type;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word == "#") {
      words >> word >> name >> type;
      continue;
    }
    std::istringstream labels(label_names(line));
    std::set<std::string> sorted;
    for (std::string each; std::getline(labels, each, ',');) {
      sorted.insert(each);
    }
    std::string text;
    for (const std::string& each : sorted) {
      text += (text.empty() ? "" : ",") + each;
    }
    families[name] = {type, text};
  }
  return families;
}

Families with_sorted_labels(Families families) {
  for (auto& [name, family] : families) {
    std::istringstream labels(family.labels);
    std::set<std::string> sorted;
    for (std::string each; std::getline(labels, each, ',');) {
      sorted.insert(each);
    }
    family.labels.clear();
    for (const std::string& each : sorted) {
      family.labels += (family.labels.empty() ? "" : ",") + each;
    }
  }
  return families;
}

std::string everything() {
  AgentMetrics agent({"0.1.0", "abc", "g++"});
  agent.observe_request("/metrics", 200, std::chrono::milliseconds(1));
  agent.add_listener([] { return http::Stats{"metrics", 0, 0, 0}; });
  agent.set_controller([] {
    control::Stats stats;
    stats.last_actions[{{"", {"a", "b"}}, control::Action::stop}] = {};
    return stats;
  });
  Options options;
  options.transitions = true;
  Exposition exposition(options, agent);
  exposition.publish(std::make_shared<const fleet::FleetSnapshot>(fleet_of({odd_supervisord()})));
  const auto page = exposition.page(Encoding::plain);
  return *page[0] + *page[1];
}

TEST_CASE("docs/metrics.md lists the catalogue: names, types and labels") {
  CHECK(documented() == catalogued());
}

TEST_CASE("every family of the catalogue is rendered as it is described, and no other") {
  Families expected = with_sorted_labels(catalogued());
  expected.erase("supervisord_process_state_code");  // instead of the state set
  CHECK(rendered(everything()) == expected);
}

TEST_CASE("names are listed once, and HELP texts need no escaping") {
  CHECK(catalogued().size() == catalogue.size());
  for (const Family& family : catalogue) {
    CHECK(family.help.find_first_of("\\\n") == std::string_view::npos);
    CHECK(family.help.ends_with('.'));
    CHECK(family.name.ends_with("_total") == (family.type == Type::counter));
  }
}

}  // namespace
}  // namespace reeve::metrics
