#include "alerts/payload.h"

#include "base/text.h"
#include "support/catch.h"
#include "support/fixture.h"

namespace reeve::alerts {
namespace {

std::string fingerprint_of(int number) {
  return "f" + std::to_string(number);
}

std::string alert(const std::string& members) {
  return R"({"status":"firing","startsAt":"2024-02-29T12:00:00Z","fingerprint":"f1",)" + members +
         "}";
}

std::string post(const std::string& alerts) {
  return R"({"version":"4","alerts":[)" + alerts + "]}";
}

/// What a person is told of a body, or of its first malformed alert; "" if it can be read.
std::string problem_of(const std::string& body) {
  const auto alerts = parse_payload(body);
  if (!alerts) {
    return alerts.error().message;
  }
  for (std::size_t at = 0; at < alerts->size(); ++at) {
    if (!(*alerts)[at].problem.empty()) {
      return std::to_string(at) + ": " + (*alerts)[at].problem;
    }
  }
  return "";
}

TEST_CASE("payload: Alertmanager's has all alerts of its group, each with its own status") {
  const auto alerts = parse_payload(tests::fixture("alerts/alertmanager-0.25-group.json"));
  REQUIRE(alerts);
  REQUIRE(alerts->size() == 2);
  const Alert& first = alerts->front();
  CHECK(first.status == AlertStatus::firing);
  CHECK(first.name() == "WebNotAnswering");
  CHECK(first.labels.at("instance") == "host7:19001");
  CHECK(first.labels.size() == 6);
  CHECK(base::to_rfc3339(first.began) == "2024-02-29T12:00:00.250Z");
  CHECK(first.fingerprint == "c0ffee0123456789");
  CHECK_FALSE(first.ended);
  const Alert& second = alerts->back();
  CHECK(second.status == AlertStatus::resolved);
  REQUIRE(second.ended);
  CHECK(base::to_rfc3339(*second.ended) == "2024-02-29T12:01:00.000Z");
}

TEST_CASE("payload: members that Grafana adds are skipped") {
  const auto alerts = parse_payload(tests::fixture("alerts/grafana.json"));
  REQUIRE(alerts);
  REQUIRE(alerts->size() == 1);
  CHECK(alerts->front().labels.at("team") == "blue");
  CHECK(base::to_rfc3339(alerts->front().began) == "2024-02-29T12:00:00.000Z");
}

TEST_CASE("payload: unknown members are skipped, whatever they hold") {
  CHECK(problem_of(R"({"new":{"alerts":[1,{"status":3}]},"version":"4","more":[[{}],null,"x",1.5],)"
                   R"("alerts":[)" +
                   alert(R"("labels":{"a":"b"},"values":{"labels":{"a":1}},"n":null,"m":[["x"]])") +
                   R"(],"truncatedAlerts":0,"notification_reason":"new alerts added"})") == "");
}

TEST_CASE("payload: an empty list of alerts is valid") {
  CHECK(parse_payload(post(""))->empty());
}

TEST_CASE("payload: what is no webhook of version 4 is refused, saying what is wrong") {
  const std::string version = "'version' is missing: this is no webhook of Alertmanager";
  CHECK(problem_of("") == "the body is not JSON: byte 1");
  CHECK(problem_of("{\"version\":\"4\",\"alerts\":[") == "the body is not JSON: byte 26");
  CHECK(problem_of("[]") == "the body is JSON but not an object");
  CHECK(problem_of("4") == "the body is JSON but not an object");
  CHECK(problem_of("{}") == version);
  CHECK(problem_of("{\"version\":4,\"alerts\":[]}") == version);
  CHECK(problem_of("{\"version\":\"3\",\"alerts\":[]}") ==
        "version '3' is not known: expected \"4\", Alertmanager's, or \"1\", Grafana's");
  CHECK(problem_of("{\"version\":\"4\"}") == "'alerts' is missing");
  CHECK(problem_of("{\"version\":\"4\",\"alerts\":{}}") == "'alerts' is no list");
  CHECK(problem_of("{\"version\":\"4\",\"alerts\":null}") == "'alerts' is no list");
  CHECK(problem_of("{\"version\":\"4\",\"alerts\":\"none\"}") == "'alerts' is no list");
  CHECK(problem_of("{\"version\":\"4\",\"alerts\":[],\"alerts\":[]}") == "'alerts' is given twice");
  CHECK(problem_of(post("") + "x") == "the body is not JSON: byte 28");
}

TEST_CASE("payload: an incomplete alert is malformed; what is no object is no payload") {
  const std::string good = alert("\"labels\":{}");
  CHECK(problem_of(post(good + ",7")) == "alerts[1] is no object");
  CHECK(problem_of(post(good + ",[]")) == "alerts[1] is no object");
  CHECK(problem_of(post(good + ",{}")) == "1: it has no status");
  CHECK(problem_of(post(R"({"status":"firing"})")) == "0: it has no startsAt");
  CHECK(problem_of(post(R"({"status":"firing","startsAt":"2024-02-29T12:00:00Z"})")) ==
        "0: it has no fingerprint");
  CHECK(problem_of(post(R"({"status":"maybe"})")) ==
        "0: its status is neither firing nor resolved");
  CHECK(problem_of(post(R"({"startsAt":"yesterday"})")) ==
        "0: its startsAt is no time like 2024-02-29T12:00:00Z");
  CHECK(problem_of(post(R"({"fingerprint":""})")) ==
        "0: its fingerprint is empty, too long or not ASCII");
}

TEST_CASE("payload: labels are strings, each given once") {
  CHECK(problem_of(post(alert(R"("labels":{"a":1})"))) == "0: the label 'a' is no text");
  CHECK(problem_of(post(alert(R"("labels":{"a":{}})"))) == "0: the label 'a' is no text");
  CHECK(problem_of(post(alert(R"("labels":{"a":[]})"))) == "0: the label 'a' is no text");
  CHECK(problem_of(post(alert(R"("labels":{"a":"1","a":"2"})"))) ==
        "0: the label 'a' is given twice");
}

TEST_CASE("payload: an odd alert keeps no other from being read") {
  const std::string odd = R"({"status":[],"labels":{"a":["x",{"b":1}],"c":{"d":{}},"e":"f"},)"
                          R"("startsAt":"0001-01-01T00:00:00Z","fingerprint":" "})";
  const auto alerts = parse_payload(
      post(alert(R"("labels":{"a":"1"})") + "," + odd + "," + alert(R"("labels":{"a":"2"})")));
  REQUIRE(alerts);
  REQUIRE(alerts->size() == 3);
  CHECK((*alerts)[0].problem.empty());
  CHECK((*alerts)[1].problem == "the label 'a' is no text");
  CHECK((*alerts)[1].labels == Labels{{"e", "f"}});
  CHECK((*alerts)[2].problem.empty());
  CHECK((*alerts)[2].labels.at("a") == "2");
}

TEST_CASE("payload: bytes, depth, alerts, labels and their length are bounded") {
  CHECK(problem_of(std::string(max_payload_bytes + 1, ' ')).starts_with("the body is longer than"));
  const std::string deep(max_payload_depth, '[');
  CHECK(problem_of("{\"x\":" + deep) == "the body is nested too deeply");
  std::string many = alert("\"labels\":{}");
  for (std::size_t i = 0; i < max_alerts; ++i) {
    many += "," + alert("\"n\":" + std::to_string(i));
  }
  CHECK(problem_of(post(many)).starts_with("more than 10000 alerts: set max_alerts"));
  std::string labels = "\"a\":\"\"";
  for (std::size_t i = 0; i < max_labels; ++i) {
    labels += ",\"" + fingerprint_of(static_cast<int>(i)) + "\":\"\"";
  }
  CHECK(problem_of(post(alert("\"labels\":{" + labels + "}"))) == "0: more than 128 labels");
  const std::string longest(max_label_bytes + 1, 'x');
  CHECK(problem_of(post(alert("\"labels\":{\"a\":\"" + longest + "\"}"))) ==
        "0: a label is longer than 4096 bytes");
  CHECK(problem_of(post(alert("\"labels\":{\"" + longest + "\":\"a\"}"))) ==
        "0: a label is longer than 4096 bytes");
}

}  // namespace
}  // namespace reeve::alerts
