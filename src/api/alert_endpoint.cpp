// What Alertmanager posts, and the answer to it: a decision for each alert.

#include <utility>

#include <nlohmann/json.hpp>

#include "alerts/payload.h"
#include "alerts/responder.h"
#include "api/answer.h"
#include "api/problem.h"
#include "api/routes.h"
#include "json/json.h"

namespace reeve::api {
namespace {

constexpr auto retry_after_seconds = "5";

}  // namespace

http::Response receive_alerts(const Call& call) {
  const auto alerts = alerts::parse_payload(call.request.body);
  if (!alerts) {
    return answer(malformed_request(alerts.error().message), call.request.path);
  }
  const alerts::WebhookResult decided =
      call.around.responder->receive(*alerts, {call.actor.name, call.actor.allow});
  if (!decided.retry.empty()) {
    return answer(Problem{.status = 503,
                          .type = "retry_later",
                          .detail = decided.retry,
                          .headers = {{"Retry-After", retry_after_seconds}}},
                  call.request.path);
  }
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const alerts::AlertDecision& decision : decided.decisions) {
    list.push_back(json::to_json(decision));
  }
  return answer(200, "application/json", json::to_text({{"decisions", std::move(list)}}));
}

}  // namespace reeve::api
