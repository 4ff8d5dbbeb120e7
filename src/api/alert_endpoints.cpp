// POST /api/v1/alerts: the webhook of Alertmanager and Grafana, answered with a decision for each
// alert.

#include <nlohmann/json.hpp>

#include "alerts/payload.h"
#include "alerts/responder.h"
#include "api/http_helpers.h"
#include "api/routes.h"
#include "json/json.h"

namespace reeve::api {

EndpointResult receive_alerts(const RequestContext& context) {
  const auto alerts = alerts::parse_payload(context.request.body);
  if (!alerts) {
    return tl::unexpected(malformed_request(alerts.error().message));
  }
  const alerts::WebhookResult answer =
      context.deps.responder->receive(*alerts, {context.actor.name, context.actor.allow});
  if (!answer.retry.empty()) {
    return tl::unexpected(Problem{.status = 503,
                                  .type = "retry_later",
                                  .detail = answer.retry,
                                  .headers = {{"Retry-After", "5"}}});
  }
  nlohmann::ordered_json body;
  body["decisions"] = nlohmann::ordered_json::array();
  for (const alerts::AlertDecision& decision : answer.decisions) {
    body["decisions"].push_back(json::to_json(decision));
  }
  return json_response(200, body);
}

}  // namespace reeve::api
