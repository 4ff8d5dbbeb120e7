#include "api/control_api.h"

#include <atomic>
#include <utility>

#include "api/authentication.h"
#include "api/log_endpoints.h"
#include "api/routes.h"
#include "base/guarded.h"

namespace reeve::api {
namespace {

/// Half of the listener's workers: the others stay free for fast requests, alerts above all.
constexpr int max_slow_requests = 4;

/// Counts a slow request while it runs.
class SlowRequest {
 public:
  explicit SlowRequest(std::atomic<int>& running) : running_(running), before_(running++) {}
  ~SlowRequest() { --running_; }
  SlowRequest(const SlowRequest&) = delete;
  SlowRequest& operator=(const SlowRequest&) = delete;
  [[nodiscard]] bool is_admitted() const { return before_ < max_slow_requests; }

 private:
  std::atomic<int>& running_;
  int before_;
};

Problem too_busy() {
  return {.status = 503,
          .type = "too_busy",
          .detail = "too many requests wait for a supervisord already",
          .headers = {{"Retry-After", "1"}}};
}

}  // namespace

struct ControlApi::State {
  [[nodiscard]] EndpointResult respond(const http::Request& request, const RouteMatch& match,
                                       CheckResult& checked,
                                       const std::shared_ptr<RequestMeasurement>& measurement);
  [[nodiscard]] Problem count_failed_login(const http::Request& request, const RouteMatch& match,
                                           Problem problem);

  const ControlApiDeps deps;
  const base::Clock& clock;
  const base::Log log;
  LoginThrottle throttle;
  base::Guarded<std::shared_ptr<const AccessRules>> rules;
  LogFollowers followers{clock};
  std::atomic<int> slow_requests = 0;
};

EndpointResult ControlApi::State::respond(const http::Request& request, const RouteMatch& match,
                                          CheckResult& checked,
                                          const std::shared_ptr<RequestMeasurement>& measurement) {
  if (checked.login_failed) {
    return tl::unexpected(count_failed_login(request, match, *std::move(checked.problem)));
  }
  if (checked.problem) {
    return tl::unexpected(*std::move(checked.problem));
  }
  const RequestContext context{.request = request,
                               .actor = *checked.actor,
                               .path_parameters = std::move(checked.path_parameters),
                               .deps = deps,
                               .measurement = measurement,
                               .clock = clock,
                               .followers = followers};
  if (!match.route->is_slow) {
    return match.route->endpoint(context);
  }
  const SlowRequest slow(slow_requests);
  return slow.is_admitted() ? match.route->endpoint(context)
                            : EndpointResult(tl::unexpected(too_busy()));
}

/// After too many failures from one address the response is 429. A right token is accepted all the
/// same: otherwise a neighbour on the address could lock its owner out. For alerts the response
/// stays 401: Alertmanager does not retry after a 429.
Problem ControlApi::State::count_failed_login(const http::Request& request, const RouteMatch& match,
                                              Problem problem) {
  const auto wait = throttle.retry_after(request.peer);
  if (!wait && throttle.count_failure(request.peer) == 1) {
    log.warning("a login on the control listener failed",
                {{"peer", request.peer}, {"path", request.path}});
  }
  const bool is_for_alerts = match.route != nullptr && match.route->scope == Scope::alerts;
  if (!wait || is_for_alerts) {
    return problem;
  }
  return {.status = 429,
          .type = "too_many_logins",
          .detail = "too many logins failed from this address",
          .headers = {{"Retry-After", std::to_string(wait->count())}}};
}

ControlApi::ControlApi(ControlApiDeps deps, const ControlOptions& options, const base::Clock& clock,
                       base::Log log)
    : state_(new State{.deps = std::move(deps),
                       .clock = clock,
                       .log = std::move(log),
                       .throttle = LoginThrottle(clock),
                       .rules = {}}) {
  configure(options);
}

ControlApi::~ControlApi() = default;

void ControlApi::configure(const ControlOptions& options) {
  auto next = std::make_shared<const AccessRules>(options, state_->deps.listen_host);
  state_->rules.with([&](auto& rules) { rules = std::move(next); });
}

http::Response ControlApi::handle(const http::Request& request) {
  const auto rules = state_->rules.copy();
  const RouteMatch match = find_route(request);
  const auto measurement = std::make_shared<RequestMeasurement>(
      match.route != nullptr ? match.route->name : "other", state_->clock, state_->deps.observe);
  CheckResult checked = check_request(request, match, *rules);
  EndpointResult result = state_->respond(request, match, checked, measurement);
  http::Response response =
      result ? *std::move(result) : problem_response(result.error(), request.path);
  if (checked.login_failed) {
    response.delay = failed_login_delay;
  }
  if (!std::holds_alternative<http::DeferredResponse>(response.body)) {
    measurement->end(response.status);
  }
  return response;
}

}  // namespace reeve::api
