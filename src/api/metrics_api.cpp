#include "api/metrics_api.h"

#include <utility>

#include "api/accept_encoding.h"
#include "api/answer.h"
#include "api/login_throttle.h"
#include "api/observation.h"
#include "api/passwords.h"
#include "base/guarded.h"

namespace reeve::api {
namespace {

constexpr std::chrono::seconds password_patience{10};
constexpr std::chrono::milliseconds failed_login_delay{500};

http::Response landing_page(const std::string& version, const std::string& metrics_path) {
  http::Response page = answer(200, "text/html; charset=utf-8",
                               "<!DOCTYPE html>\n<html lang=\"en\">\n<title>Reeve</title>\n"
                               "<h1>Reeve " +
                                   version +
                                   "</h1>\n<p>Exporter and controller agent for supervisord.</p>\n"
                                   "<ul>\n<li><a href=\"" +
                                   metrics_path +
                                   "\">Metrics</a></li>\n"
                                   "<li><a href=\"/-/healthy\">Health</a></li>\n"
                                   "<li><a href=\"/-/ready\">Readiness</a></li>\n</ul>\n</html>\n");
  page.headers.push_back({"Content-Security-Policy",
                          "default-src 'none'; base-uri 'none'; form-action 'none';"
                          " frame-ancestors 'none'"});
  return page;
}

http::Response login_required() {
  http::Response response = plain_answer(401, "Log in with a name and a password.");
  response.headers.push_back({"WWW-Authenticate", "Basic realm=\"reeve\""});
  return response;
}

http::Response busy() {
  return plain_answer(503, "Too many logins are being checked: try again.");
}

}  // namespace

struct MetricsApi::State {
  State(MetricsSurroundings given, const MetricsOptions& options, const base::Clock& its_clock)
      : around(std::move(given)),
        clock(its_clock),
        path(options.path),
        throttle(its_clock),
        passwords(options.users, its_clock) {}

  [[nodiscard]] std::string_view name_of(const std::string& path) const;
  [[nodiscard]] http::Response page(const http::Request& request) const;
  [[nodiscard]] http::Response route(const http::Request& request) const;
  [[nodiscard]] http::Response authenticated(const http::Request& request,
                                             const std::shared_ptr<Observation>& observation);
  [[nodiscard]] http::Response check_later(const http::Request& request, Login login,
                                           const std::shared_ptr<Observation>& observation);
  [[nodiscard]] http::Response turned_away(const http::Request& request);

  const MetricsSurroundings around;
  const base::Clock& clock;
  base::Guarded<std::string> path;
  LoginThrottle throttle;
  Passwords passwords;  ///< last: its thread uses the rest
};

std::string_view MetricsApi::State::name_of(const std::string& asked) const {
  if (asked == path.copy()) {
    return "metrics";
  }
  return asked == "/-/healthy" ? "healthy"
         : asked == "/-/ready" ? "ready"
         : asked == "/"        ? "landing"
                               : "other";
}

http::Response MetricsApi::State::page(const http::Request& request) const {
  const bool gzip = accepts_gzip(request.header("Accept-Encoding").value_or(""));
  http::Response response = answer(200, "text/plain; version=0.0.4; charset=utf-8", "");
  response.body = around.page(gzip ? metrics::Encoding::gzip : metrics::Encoding::plain);
  response.headers.push_back({"Vary", "Accept-Encoding"});
  if (gzip) {
    response.headers.push_back({"Content-Encoding", "gzip"});
  }
  return response;
}

http::Response MetricsApi::State::route(const http::Request& request) const {
  const std::string_view name = name_of(request.path);
  if (name == "other") {
    return plain_answer(404, "There is nothing here.");
  }
  if (request.method != http::Method::get && request.method != http::Method::head) {
    http::Response response = plain_answer(405, "This can only be read.");
    response.headers.push_back({"Allow", "GET, HEAD"});
    return response;
  }
  if (name == "metrics") {
    return page(request);
  }
  if (name == "landing") {
    return landing_page(around.version, path.copy());
  }
  if (name == "ready" && !around.ready()) {
    return plain_answer(503, "Reeve has not polled yet.");
  }
  return plain_answer(200, name == "ready" ? "Reeve is ready." : "Reeve is healthy.");
}

/// Passwords can be guessed, so that too many failures close the door to an address; who was
/// right before passes by.
http::Response MetricsApi::State::authenticated(const http::Request& request,
                                                const std::shared_ptr<Observation>& observation) {
  if (passwords.open()) {
    return route(request);
  }
  const auto header = request.header("Authorization");
  auto login = header ? read_login(*header) : std::nullopt;
  if (!header) {
    return login_required();
  }
  if (!login) {
    return turned_away(request);
  }
  if (passwords.remembered(*login)) {
    return route(request);
  }
  if (const auto wait = throttle.wait_for(request.peer)) {
    http::Response response = plain_answer(429, "Too many logins failed from this address.");
    response.headers.push_back({"Retry-After", std::to_string(wait->count())});
    return response;
  }
  return check_later(request, *std::move(login), observation);
}

http::Response MetricsApi::State::check_later(const http::Request& request, Login login,
                                              const std::shared_ptr<Observation>& observation) {
  const http::DeferredResponse deferred(password_patience, [observation] {
    observation->end(503);
    return busy();
  });
  const bool queued =
      passwords.check(std::move(login), [this, request, observation, deferred](bool right) {
        http::Response response = right ? route(request) : turned_away(request);
        observation->end(response.status);
        deferred.complete(std::move(response));
      });
  if (!queued) {
    return busy();
  }
  http::Response response;
  response.body = deferred;
  return response;
}

http::Response MetricsApi::State::turned_away(const http::Request& request) {
  throttle.failed(request.peer);
  http::Response response = login_required();
  response.delay = failed_login_delay;
  return response;
}

MetricsApi::MetricsApi(MetricsSurroundings surroundings, const MetricsOptions& options,
                       const base::Clock& clock)
    : state_(std::make_unique<State>(std::move(surroundings), options, clock)) {}

MetricsApi::~MetricsApi() = default;

void MetricsApi::configure(const MetricsOptions& options) {
  state_->path.with([&](std::string& path) { path = options.path; });
  state_->passwords.configure(options.users);
}

http::Response MetricsApi::handle(const http::Request& request) {
  const auto observation = std::make_shared<Observation>(state_->name_of(request.path),
                                                         state_->clock, state_->around.observe);
  http::Response response = state_->authenticated(request, observation);
  if (!std::holds_alternative<http::DeferredResponse>(response.body)) {
    observation->end(response.status);
  }
  return response;
}

}  // namespace reeve::api
