#include "json/operation.h"

#include <nlohmann/json.hpp>

#include "json/text.h"
#include "support/catch.h"

namespace reeve::json {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

control::Operation restart() {
  control::Operation operation;
  operation.id = "1700000000000-7";
  operation.command.action = guards::Action::restart;
  operation.command.target = {"", {"web", "front"}};
  operation.command.actor = "ops";
  operation.command.reason = "deploy";
  operation.created_at = base::SystemTime(seconds(1'700'000'000));
  return operation;
}

TEST_CASE("an operation is written with every member in the documented order") {
  control::Operation done = restart();
  done.state = control::OperationState::done;
  done.result = control::OperationResult::succeeded;
  done.changed = true;
  done.advice = {"cooling down"};
  done.incarnation_before = substrate::Incarnation::parse("10:1700000000").value();
  done.finished_at = done.created_at + milliseconds(1250);
  done.steps = {{control::Step::looked, done.created_at, "RUNNING"}};
  CHECK(to_text(to_json(done)) ==
        R"({"id":"1700000000000-7","action":"restart","supervisor":null,"group":"web",)"
        R"("name":"front","source":"api","actor":"ops","reason":"deploy","rule":null,)"
        R"("fingerprint":null,"state":"done","result":"succeeded","changed":true,)"
        R"("decision":null,"advice":["cooling down"],)"
        R"("fault_code":null,"fault_string":null,"incarnation_before":"10:1700000000",)"
        R"("incarnation_after":null,"created_at":"2023-11-14T22:13:20.000Z",)"
        R"("finished_at":"2023-11-14T22:13:21.250Z","steps":[{"step":"looked",)"
        R"("at":"2023-11-14T22:13:20.000Z","detail":"RUNNING"}]})");
}

TEST_CASE("an operation that is not done has no result yet, and no end") {
  const auto object = to_json(restart());
  CHECK(object["state"] == "queued");
  CHECK(object["result"].is_null());
  CHECK(object["changed"].is_null());
  CHECK(object["finished_at"].is_null());
}

TEST_CASE("an operation that supervisord refused carries its fault") {
  control::Operation failed = restart();
  failed.error = base::Error{base::ErrorKind::conflict, "it is being stopped",
                             base::PeerFault{40, "ABNORMAL_TERMINATION: front"}};
  CHECK(to_json(failed)["fault_code"] == 40);
  CHECK(to_json(failed)["fault_string"] == "ABNORMAL_TERMINATION: front");
}

TEST_CASE("the secrets of no actor are in an operation") {
  control::Operation operation = restart();
  operation.command.idempotency_key = "deploy-key";
  CHECK(to_text(to_json(operation)).find("deploy-key") == std::string::npos);
}

}  // namespace
}  // namespace reeve::json
