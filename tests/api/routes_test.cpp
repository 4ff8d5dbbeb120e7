#include "api/routes.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>

#include "api/http_helpers.h"
#include "support/catch.h"
#include "support/fixture.h"

namespace reeve::api {
namespace {

std::string row_of(const Route& route) {
  return "| `" + std::string(method_name(route.method)) + " " + std::string(route.pattern) +
         "` | " +
         (route.scope       ? std::string(to_string(*route.scope))
          : route.is_open() ? "–"
                            : "any") +
         " |";
}

TEST_CASE("control_routes: docs/http-api.md lists all of them and no others") {
  std::ifstream file(tests::source_path("docs/http-api.md"));
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

/// Method, path and scope of everything in the OpenAPI document.
std::set<std::string> described(const nlohmann::json& document) {
  std::set<std::string> rows;
  for (const auto& [path, item] : document["paths"].items()) {
    for (const auto& [method, operation] : item.items()) {
      std::string scopes;
      for (const auto& way_in : operation["security"]) {
        CHECK(way_in.size() == 1);
        scopes += " " + way_in.begin().key() + " " + way_in.begin().value().dump();
      }
      rows.insert(method + " " + path + scopes);
    }
  }
  return rows;
}

TEST_CASE("control_routes: the OpenAPI document describes all of them and no others") {
  std::set<std::string> served;
  for (const Route& route : control_routes()) {
    std::string scopes;
    if (!route.is_open()) {
      const std::string list =
          route.scope ? "[\"" + std::string(to_string(*route.scope)) + "\"]" : "[]";
      scopes = " token " + list + " certificate " + list + " session " + list;
    }
    served.insert(lower_case(method_name(route.method)) + " " + std::string(route.pattern) +
                  scopes);
  }
  CHECK(described(nlohmann::json::parse(openapi_document())) == served);
}

TEST_CASE("control_routes: the OpenAPI document has the query parameters of each, and no others") {
  const auto document = nlohmann::json::parse(openapi_document());
  for (const Route& route : control_routes()) {
    CAPTURE(route.pattern);
    const auto& operation =
        document["paths"][std::string(route.pattern)][lower_case(method_name(route.method))];
    std::set<std::string> described_names;
    for (const auto& each : operation.value("parameters", nlohmann::json::array())) {
      const auto& parameter =
          document[nlohmann::json::json_pointer(each["$ref"].get<std::string>().substr(1))];
      if (parameter["in"] == "query") {
        described_names.insert(parameter["name"]);
      }
    }
    CHECK(described_names ==
          std::set<std::string>(route.parameters.begin(), route.parameters.end()));
  }
}

TEST_CASE("openapi_document: every reference resolves") {
  const auto document = nlohmann::json::parse(openapi_document());
  std::set<std::string> missing;
  const auto flat = document.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    if (pointer.ends_with("/$ref") &&
        !document.contains(nlohmann::json::json_pointer(value.get<std::string>().substr(1)))) {
      missing.insert(value.get<std::string>());
    }
  }
  CHECK(missing.empty());
}

TEST_CASE("openapi_document: each part of a path in braces is a parameter") {
  const auto document = nlohmann::json::parse(openapi_document());
  for (const auto& [path, item] : document["paths"].items()) {
    for (const auto& [method, operation] : item.items()) {
      CAPTURE(method, path);
      std::set<std::string> parameters;
      for (const nlohmann::json& each : operation.value("parameters", nlohmann::json::array())) {
        const auto reference = each.value("$ref", "").substr(1);
        parameters.insert(document.at(nlohmann::json::json_pointer(reference)).value("name", ""));
      }
      for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1)) {
        const std::string name = path.substr(at + 1, path.find('}', at) - at - 1);
        CHECK(parameters.count(name) == 1);
      }
    }
  }
}

TEST_CASE("control_routes: each has a name, and no two share a method and path") {
  std::set<std::string> seen;
  for (const Route& route : control_routes()) {
    CHECK_FALSE(route.name.empty());
    CHECK(seen.insert(row_of(route)).second);
  }
}

TEST_CASE("control_routes: GET never leads to an endpoint that acts") {
  for (const Route& route : control_routes()) {
    const bool reads = route.is_open() || route.scope == Scope::read || route.scope == Scope::logs;
    const bool is_of_the_session = route.name == "session";
    // supervisord reads its files for it, and keeps what it has read.
    const bool has_an_effect = route.name == "configuration_changes";
    CHECK((is_of_the_session || has_an_effect || (route.method == http::Method::get) == reads));
  }
}

}  // namespace
}  // namespace reeve::api
