#include "json/decision.h"

#include <nlohmann/json.hpp>

#include "support/catch.h"

namespace reeve::json {
namespace {

TEST_CASE("a decision on an alert names the rule, the process and the operation") {
  alerts::AlertDecision decision;
  decision.fingerprint = "c0ffee";
  decision.alertname = "WebNotAnswering";
  decision.rule = "restart-hung-web";
  decision.target = guards::Target{"one", {"web", "front"}};
  decision.decision = {guards::Verdict::accepted, "the operation is queued"};
  decision.operation = "17-1";
  CHECK(to_json(decision).dump() ==
        R"({"fingerprint":"c0ffee","alertname":"WebNotAnswering","status":"firing",)"
        R"("rule":"restart-hung-web","target":"one/web:front","decision":"accepted",)"
        R"("reason":"the operation is queued","operation":"17-1"})");
}

TEST_CASE("a decision without a rule, a process and an operation says null") {
  alerts::AlertDecision decision;
  decision.status = alerts::AlertStatus::resolved;
  decision.decision = {guards::Verdict::no_rule, "no rule matches its labels"};
  const auto json = to_json(decision);
  CHECK(json["status"] == "resolved");
  CHECK(json["rule"].is_null());
  CHECK(json["target"].is_null());
  CHECK(json["operation"].is_null());
}

}  // namespace
}  // namespace reeve::json
