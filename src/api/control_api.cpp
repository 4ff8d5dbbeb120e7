#include "api/control_api.h"

#include <atomic>
#include <utility>

#include "api/gate.h"
#include "api/log_followers.h"
#include "api/login_throttle.h"
#include "api/observation.h"
#include "api/routes.h"
#include "base/guarded.h"

namespace reeve::api {
namespace {

constexpr std::chrono::milliseconds failed_login_delay{500};
/// Half of the listener's workers: the others are there for whatever answers at once, alerts above
/// all.
constexpr int most_long_ones = 4;

/// One of those that are under way, for as long as it lives.
class Counted {
 public:
  explicit Counted(std::atomic<int>& count) : count_(count), before_(count++) {}
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  [[nodiscard]] int before() const { return before_; }

 private:
  std::atomic<int>& count_;
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
  [[nodiscard]] Problem login_failed(const http::Request& request, const Match& match,
                                     Problem problem);
  [[nodiscard]] http::Response pass_on(const Route& route, const Call& call);

  const ControlSurroundings around;
  const base::Clock& clock;
  const base::Log log;
  LoginThrottle throttle;
  base::Guarded<std::shared_ptr<const Gate>> gate;
  LogFollowers followers{clock};
  std::atomic<int> long_ones = 0;
};

http::Response ControlApi::State::pass_on(const Route& route, const Call& call) {
  if (!route.may_take_long) {
    return route.endpoint(call);
  }
  const Counted counted(long_ones);
  return counted.before() < most_long_ones ? route.endpoint(call)
                                           : answer(too_busy(), call.request.path);
}

/// Counts it; after too many from one address the answer is another. A right token always gets
/// in: otherwise anybody on the same address could lock its owner out. Alertmanager is told the
/// same each time: it knows no 429.
Problem ControlApi::State::login_failed(const http::Request& request, const Match& match,
                                        Problem problem) {
  const auto wait = throttle.wait_for(request.peer);
  if (!wait && throttle.failed(request.peer) == 1) {
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

ControlApi::ControlApi(ControlSurroundings surroundings, const ControlOptions& options,
                       const base::Clock& clock, base::Log log)
    : state_(new State{std::move(surroundings), clock, std::move(log), LoginThrottle(clock), {}}) {
  configure(options);
}

ControlApi::~ControlApi() = default;

void ControlApi::configure(const ControlOptions& options) {
  auto next = std::make_shared<const Gate>(options, state_->around.listen_host);
  state_->gate.with([&](auto& gate) { gate = std::move(next); });
}

http::Response ControlApi::handle(const http::Request& request) {
  const auto gate = state_->gate.copy();
  const Match match = find_route(request);
  const auto observation = std::make_shared<Observation>(
      match.route != nullptr ? match.route->name : "other", state_->clock, state_->around.observe);
  Verdict verdict = check(request, match, *gate);
  http::Response response;
  if (!verdict.problem) {
    response = state_->pass_on(
        *match.route, {request, *verdict.actor, std::move(verdict.captured), state_->around,
                       observation, state_->clock, state_->followers});
  } else if (verdict.login_failed) {
    response =
        answer(state_->login_failed(request, match, *std::move(verdict.problem)), request.path);
    response.delay = failed_login_delay;
  } else {
    response = answer(*verdict.problem, request.path);
  }
  if (!std::holds_alternative<http::DeferredResponse>(response.body)) {
    observation->end(response.status);
  }
  return response;
}

}  // namespace reeve::api
