#include "coordination/etcd_claims.h"

#include <nlohmann/json.hpp>

#include "support/catch.h"

namespace reeve::coordination::etcd {
namespace {

TEST_CASE("free_place: any place that is not taken, and none beyond the count") {
  CHECK(free_place({}, 3, 0) == 0U);
  CHECK(free_place({}, 3, 5) == 2U);
  CHECK(free_place({0, 2}, 3, 7) == 1U);
  CHECK_FALSE(free_place({0, 1, 2}, 3, 0));
  CHECK_FALSE(free_place({}, 0, 0));
}

TEST_CASE("free_place: what was taken when there were more places counts as well") {
  CHECK(free_place({5}, 2, 0) == 0U);
  CHECK(free_place({5}, 2, 1) == 0U);  // never 1: two others could take 0 and 1
  CHECK_FALSE(free_place({5, 6}, 2, 0));
  CHECK_FALSE(free_place({0, 5}, 2, 0));
  CHECK_FALSE(free_place({1, 5}, 2, 0));
}

TEST_CASE("Keys: a key is taken apart, and one that is none of ours is not") {
  const Keys keys("default");
  const std::string slot = keys.slot("web", 3);
  CHECK(slot == "/reeve/default/slots/web/3");
  const auto parts = keys.parts_of(slot);
  REQUIRE(parts);
  CHECK(parts->kind == "slots");
  CHECK(parts->name == "web");
  CHECK(parts->index == 3U);
  for (const char* key : {"/reeve/other/slots/web/3", "/reeve/default/x",
                          "/reeve/default/slots/web", "/reeve/default/slots/web/x",
                          "/reeve/default/slots/web/-1", "/reeve/default/slots/web/3/4"}) {
    CAPTURE(key);
    CHECK_FALSE(keys.parts_of(key));
  }
}

TEST_CASE("Keys: the watched range holds all but who is alive") {
  const Keys keys("default");
  const KeyRange range = keys.watched();
  const auto is_inside = [&](const std::string& key) {
    return key >= range.first && key < range.end;
  };
  CHECK(is_inside(keys.budget_entry("web", 0)));
  CHECK(is_inside(keys.limit("web")));
  CHECK(is_inside(keys.maintenance("*")));
  CHECK(is_inside(keys.member("host")));
  CHECK(is_inside(keys.slot("web", 0)));
  CHECK_FALSE(is_inside(keys.alive("host")));
  CHECK_FALSE(is_inside(Keys("default2").limit("web")));
}

TEST_CASE("key_value: what is no key with a value is left out") {
  CHECK_FALSE(key_value(Json::parse(R"({"key":7})")));
  CHECK_FALSE(key_value(Json::parse(R"({"value":"YQ=="})")));
  CHECK_FALSE(key_value(Json::parse(R"([])")));
  const auto answer = Json::parse(
      R"({"header":{"revision":"9"},"kvs":[{"key":"YQ==","mod_revision":"7","lease":"5"},3]})");
  const auto all = key_values(answer);
  REQUIRE(all.size() == 1);
  CHECK(all.front().key == "a");
  CHECK(all.front().value.empty());
  CHECK(all.front().modified == 7);
  CHECK(all.front().lease == 5);
  CHECK(revision(answer) == 9);
  CHECK(key_values(Json::parse(R"({"kvs":"x"})")).empty());
  CHECK(number(Json::parse(R"({"a":"x"})"), "a") == 0);
}

}  // namespace
}  // namespace reeve::coordination::etcd
