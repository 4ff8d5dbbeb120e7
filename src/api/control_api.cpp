#include "api/control_api.h"

#include <utility>

#include "api/authentication.h"
#include "api/fair_share.h"
#include "api/log_endpoints.h"
#include "api/open_streams.h"
#include "api/process_page.h"
#include "api/recent_decisions.h"
#include "api/routes.h"
#include "api/sessions.h"
#include "api/snapshot_waiters.h"
#include "api/stream_threads.h"
#include "base/guarded.h"
#include "guards/policy.h"

namespace reeve::api {

std::function<bool(const guards::Target&)> RequestContext::reads() const {
  if (actor.may_read_everything()) {
    return nullptr;
  }
  return [actor = actor, snapshot = deps.snapshot](const guards::Target& target) {
    return actor.may_read(target, guards::known_names(*snapshot()));
  };
}

tl::expected<void, Problem> RequestContext::check_readable(const guards::Target& target) const {
  if (actor.may_read(target, guards::known_names(*deps.snapshot()))) {
    return {};
  }
  Problem problem{.status = 403,
                  .type = "not_allowed",
                  .detail = "'" + actor.name + "' may not read of '" + target.text() +
                            "': neither its own allow list nor read_all says so",
                  .process = guards::Target{"", target.name}.text()};
  record_refused_request(deps, clock, actor, "read", problem);
  return tl::unexpected(std::move(problem));
}

tl::expected<void, Problem> RequestContext::open_stream(const StreamKind& kind,
                                                        const http::StreamWriter& writer) const {
  return streams.add(kind, credential_of(request), actor, writer);
}

bool RequestContext::end_session(const Digest& id) const {
  const bool ended = sessions.end(id);
  if (ended) {
    streams.recheck();
  }
  return ended;
}

struct ControlApi::State {
  State(ControlApiDeps its_deps, const base::Clock& its_clock, base::Log its_log)
      : deps(std::move(its_deps)), clock(its_clock), log(std::move(its_log)), throttle(its_clock) {}

  [[nodiscard]] http::Response respond(const http::Request& request, const RouteMatch& match,
                                       CheckResult& checked);
  [[nodiscard]] EndpointResult call_endpoint(
      const http::Request& request, const RouteMatch& match, CheckResult& checked,
      const std::shared_ptr<RequestMeasurement>& measurement);
  [[nodiscard]] http::Response refuse(const http::Request& request, const RouteMatch& match,
                                      CheckResult& checked);
  [[nodiscard]] Problem count_failed_login(const http::Request& request, const RouteMatch& match,
                                           Problem problem);

  const ControlApiDeps deps;
  const base::Clock& clock;
  const base::Log log;
  LoginThrottle throttle;
  Sessions sessions{clock};  ///< before the rules, which know them
  base::Guarded<std::shared_ptr<const AccessRules>> rules;
  LogFollowers followers{clock};
  OpenStreams streams{log};
  ProcessPages process_pages;
  RecentDecisions decisions;
  /// Shared with the controller, whose operations may end after this.
  std::shared_ptr<SnapshotWaiters> waiters = std::make_shared<SnapshotWaiters>(clock);
  const std::string run = std::to_string(clock.system_now().time_since_epoch().count());
  StreamThreads audit_threads{max_audit_streams};
  WaitPlaces wait_places;
};

EndpointResult ControlApi::State::call_endpoint(
    const http::Request& request, const RouteMatch& match, CheckResult& checked,
    const std::shared_ptr<RequestMeasurement>& measurement) {
  const RequestContext context{.request = request,
                               .actor = *checked.actor,
                               .path_parameters = std::move(checked.path_parameters),
                               .deps = deps,
                               .measurement = measurement,
                               .clock = clock,
                               .followers = followers,
                               .streams = streams,
                               .process_pages = process_pages,
                               .waiters = waiters,
                               .run = run,
                               .audit_threads = audit_threads,
                               .sessions = sessions,
                               .decisions = decisions,
                               .wait_places = wait_places};
  return match.route->endpoint(context);
}

/// The response to a request that did not pass.
http::Response ControlApi::State::refuse(const http::Request& request, const RouteMatch& match,
                                         CheckResult& checked) {
  if (!checked.login_failed) {
    if (checked.actor != nullptr && match.route != nullptr) {
      record_refused_request(deps, clock, *checked.actor, match.route->name, *checked.problem);
    }
    return problem_response(*checked.problem, request.path);
  }
  http::Response response = problem_response(
      count_failed_login(request, match, *std::move(checked.problem)), request.path);
  response.delay = failed_login_delay;
  return response;
}

http::Response ControlApi::State::respond(const http::Request& request, const RouteMatch& match,
                                          CheckResult& checked) {
  const auto measurement = std::make_shared<RequestMeasurement>(
      match.route != nullptr ? match.route->name : "other", clock, deps.observe);
  http::Response response;
  if (checked.problem) {
    response = refuse(request, match, checked);
  } else {
    EndpointResult result = call_endpoint(request, match, checked, measurement);
    response = result ? *std::move(result) : problem_response(result.error(), request.path);
  }
  if (!std::holds_alternative<http::DeferredResponse>(response.body)) {
    measurement->end(response.status);
  }
  return response;
}

/// After too many failures from one address the response is 429. A right token is accepted all the
/// same: otherwise a neighbour on the address could lock its owner out. For alerts the response
/// stays 401: Alertmanager does not retry after a 429.
Problem ControlApi::State::count_failed_login(const http::Request& request, const RouteMatch& match,
                                              Problem problem) {
  const auto wait = throttle.retry_after(request.counted_peer);
  if (!wait && throttle.count_failure(request.counted_peer) == 1) {
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
    : state_(std::make_unique<State>(std::move(deps), clock, std::move(log))) {
  configure(options);
}

ControlApi::~ControlApi() = default;

void ControlApi::configure(const ControlOptions& options) {
  auto next =
      std::make_shared<const AccessRules>(options, state_->deps.listen_host, state_->sessions);
  // A token that another reload brings back does not bring its sessions back.
  state_->sessions.end_unless([&](const SessionToken& token) {
    return next->authenticator.principal_of(token) != nullptr;
  });
  state_->rules.with([&](auto& rules) { rules = next; });
  state_->streams.configure(std::move(next));
}

void ControlApi::observe(const std::vector<control::AuditEntry>& recorded) {
  state_->decisions.add(recorded);
}

control::Permission ControlApi::permission_of(const guards::Command& command) const {
  const auto rules = state_->rules.copy();
  const Principal* const actor = rules->authenticator.find(command.actor, Scope::control);
  if (actor == nullptr) {
    return tl::unexpected(
        guards::Refusal{guards::Reason::withdrawn,
                        {base::ErrorKind::denied, "'" + command.actor + "' may not act any more"}});
  }
  return actor->allow;
}

void ControlApi::publish(const monitor::Snapshot& snapshot) {
  state_->waiters->publish(snapshot);
  if (state_->sessions.end_expired()) {
    state_->streams.recheck();
  }
}

http::Response ControlApi::handle(const http::Request& request) {
  const auto rules = state_->rules.copy();
  const RouteMatch match = find_route(request);
  CheckResult checked = check_request(request, match, *rules);
  return state_->respond(request, match, checked);
}

http::HeadResult ControlApi::check_head(const http::Request& request) {
  const auto rules = state_->rules.copy();
  const RouteMatch match = find_route(request);
  CheckResult checked = check_request(request, match, *rules, CheckStage::head);
  const bool is_open = match.route != nullptr && match.route->is_open();
  if (checked.problem || is_open) {
    return {.refusal = state_->respond(request, match, checked)};
  }
  return {.queueing = {.lane = static_cast<std::size_t>(match.route->lane),
                       .owner = checked.actor->name}};
}

}  // namespace reeve::api
