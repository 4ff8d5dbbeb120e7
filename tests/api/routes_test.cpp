// docs/http-api.md and the table of routes say the same.

#include "api/routes.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "support/catch.h"

namespace reeve::api {
namespace {

std::string row_of(const Route& route) {
  return "| `" + std::string(route.method == http::Method::get ? "GET" : "POST") + " " +
         std::string(route.pattern) + "` | " +
         (route.scope ? std::string(to_string(*route.scope)) : "–") + " |";
}

TEST_CASE("the documentation lists the control listener's routes, all of them and no others") {
  std::ifstream file(REEVE_DOCS "/http-api.md");
  REQUIRE(file);
  std::set<std::string> documented;
  bool in_table = false;
  for (std::string line; std::getline(file, line);) {
    in_table = line.starts_with("| route |") || (in_table && line.starts_with("|"));
    if (in_table && line.starts_with("| `")) {
      const std::size_t scope = line.find('|', 2);
      documented.insert(line.substr(0, line.find('|', scope + 1) + 1));
    }
  }
  std::set<std::string> served;
  for (const Route& route : control_routes()) {
    served.insert(row_of(route));
  }
  CHECK(documented == served);
}

TEST_CASE("the handlers' names are few and literal, and no two routes share a method and path") {
  std::set<std::string> seen;
  for (const Route& route : control_routes()) {
    CHECK_FALSE(route.name.empty());
    CHECK(seen.insert(row_of(route)).second);
  }
}

TEST_CASE("GET never leads to an endpoint that acts") {
  for (const Route& route : control_routes()) {
    const bool reads = !route.scope || *route.scope == Scope::read;
    CHECK((route.method == http::Method::get) == reads);
  }
}

}  // namespace
}  // namespace reeve::api
