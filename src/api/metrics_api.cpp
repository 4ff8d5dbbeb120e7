#include "api/metrics_api.h"

#include <array>
#include <chrono>
#include <utility>

#include "api/passwords.h"
#include "base/guarded.h"

namespace reeve::api {
namespace {

constexpr std::chrono::seconds password_check_timeout{10};

// A page is shared by the requests of the time that this many would take to make: however many
// scrapes are asked for, making pages takes a fifth of the transport's thread.
constexpr int page_pause = 4;

constexpr std::string_view targets_path = "/fleet/targets";

http::Response landing_page(const std::string& version, const std::string& metrics_path) {
  http::Response page =
      make_response(200, "text/html; charset=utf-8",
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
  http::Response response = text_response(401, "Log in with a name and a password.");
  response.headers.push_back({"WWW-Authenticate", "Basic realm=\"reeve\""});
  return response;
}

http::Response too_many_checks() {
  http::Response response = text_response(503, "Too many logins are being checked: try again.");
  response.headers.push_back({"Retry-After", "1"});
  return response;
}

}  // namespace

struct MetricsApi::State {
  State(MetricsApiDeps its_deps, const MetricsOptions& options, const base::Clock& its_clock)
      : deps(std::move(its_deps)),
        clock(its_clock),
        path(options.path),
        headers(options.headers),
        throttle(its_clock),
        passwords(options.users, its_clock) {}

  [[nodiscard]] std::string_view handler_name(const std::string& request_path) const;
  [[nodiscard]] http::Response metrics_page(const http::Request& request) const;
  [[nodiscard]] http::Response respond(const http::Request& request) const;
  [[nodiscard]] http::Response authenticate(const http::Request& request,
                                            const std::shared_ptr<RequestMeasurement>& measurement);
  [[nodiscard]] http::Response check_password(
      const http::Request& request, Login login,
      const std::shared_ptr<RequestMeasurement>& measurement);
  [[nodiscard]] http::Response reject_login(const http::Request& request);
  void add_headers(http::Response& response) const;

  struct Page {
    std::vector<http::SharedBytes> segments;
    base::SteadyTime shared_until;
  };
  [[nodiscard]] std::vector<http::SharedBytes> page(metrics::Encoding encoding) const;

  const MetricsApiDeps deps;
  const base::Clock& clock;
  base::Guarded<std::string> path;
  mutable std::array<base::Guarded<Page>, 2> pages;  ///< by encoding
  base::Guarded<std::vector<ExtraHeader>> headers;
  LoginThrottle throttle;
  PasswordChecker passwords;  ///< last: its thread uses the rest
};

std::string_view MetricsApi::State::handler_name(const std::string& request_path) const {
  if (request_path == path.copy()) {
    return "metrics";
  }
  if (request_path == targets_path && deps.targets) {
    return "fleet_targets";
  }
  return request_path == "/-/healthy" ? "healthy"
         : request_path == "/-/ready" ? "ready"
         : request_path == "/"        ? "landing"
                                      : "other";
}

std::vector<http::SharedBytes> MetricsApi::State::page(metrics::Encoding encoding) const {
  auto& last = pages.at(static_cast<std::size_t>(encoding));
  Page page = last.copy();
  const base::SteadyTime begun = clock.steady_now();
  if (begun >= page.shared_until) {
    page.segments = deps.page(encoding);
    const base::SteadyTime ended = clock.steady_now();
    page.shared_until = ended + page_pause * (ended - begun);
    last.with([&](Page& made) { made = page; });
  }
  return page.segments;
}

http::Response MetricsApi::State::metrics_page(const http::Request& request) const {
  const bool gzip = accepts_gzip(request.header("Accept-Encoding").value_or(""));
  http::Response response = make_response(200, "text/plain; version=0.0.4; charset=utf-8", "");
  response.body = page(gzip ? metrics::Encoding::gzip : metrics::Encoding::plain);
  response.headers.push_back({"Vary", "Accept-Encoding"});
  if (gzip) {
    response.headers.push_back({"Content-Encoding", "gzip"});
  }
  return response;
}

http::Response MetricsApi::State::respond(const http::Request& request) const {
  const std::string_view name = handler_name(request.path);
  if (name == "other") {
    return text_response(404, "There is nothing here.");
  }
  if (request.method != http::Method::get && request.method != http::Method::head) {
    http::Response response = text_response(405, "This can only be read.");
    response.headers.push_back({"Allow", "GET, HEAD"});
    return response;
  }
  if (name == "metrics") {
    return metrics_page(request);
  }
  if (name == "fleet_targets") {
    // Prometheus keeps the last list on an error: an empty list would take all of them away.
    const auto targets = deps.targets();
    return targets ? make_response(200, "application/json", *targets)
                   : text_response(503, "The members were never read from etcd.");
  }
  if (name == "landing") {
    return landing_page(deps.version, path.copy());
  }
  if (!deps.healthy()) {
    return unhealthy();
  }
  if (name == "ready" && !deps.ready()) {
    return text_response(503, "Reeve has not polled yet.");
  }
  return text_response(200, name == "ready" ? "Reeve is ready." : "Reeve is healthy.");
}

/// Passwords can be guessed: after too many failures an address has to wait, except for logins that
/// were right before.
http::Response MetricsApi::State::authenticate(
    const http::Request& request, const std::shared_ptr<RequestMeasurement>& measurement) {
  if (!passwords.requires_login()) {
    return respond(request);
  }
  const auto header = request.header("Authorization");
  if (!header) {
    return login_required();
  }
  auto login = read_login(*header);
  if (!login) {
    return reject_login(request);
  }
  if (passwords.is_known(*login)) {
    return respond(request);
  }
  if (const auto wait = throttle.retry_after(request.counted_peer)) {
    http::Response response = text_response(429, "Too many logins failed from this address.");
    response.headers.push_back({"Retry-After", std::to_string(wait->count())});
    return response;
  }
  return check_password(request, *std::move(login), measurement);
}

http::Response MetricsApi::State::check_password(
    const http::Request& request, Login login,
    const std::shared_ptr<RequestMeasurement>& measurement) {
  const http::DeferredResponse deferred(password_check_timeout, [measurement] {
    measurement->end(503);
    return too_many_checks();
  });
  const bool queued = passwords.check(
      std::move(login), request.counted_peer, [this, request, measurement, deferred](bool right) {
        http::Response response = right ? respond(request) : reject_login(request);
        measurement->end(response.status);
        add_headers(response);
        deferred.complete(std::move(response));
      });
  if (!queued) {
    return too_many_checks();
  }
  http::Response response;
  response.body = deferred;
  return response;
}

http::Response MetricsApi::State::reject_login(const http::Request& request) {
  throttle.count_failure(request.counted_peer);
  http::Response response = login_required();
  response.delay = failed_login_delay;
  return response;
}

void MetricsApi::State::add_headers(http::Response& response) const {
  for (const ExtraHeader& extra : headers.copy()) {
    std::erase_if(response.headers, [&](const auto& each) { return each.name == extra.name; });
    response.headers.push_back({extra.name, extra.value});
  }
}

MetricsApi::MetricsApi(MetricsApiDeps deps, const MetricsOptions& options, const base::Clock& clock)
    : state_(std::make_unique<State>(std::move(deps), options, clock)) {}

MetricsApi::~MetricsApi() = default;

void MetricsApi::configure(const MetricsOptions& options) {
  state_->path.with([&](std::string& path) { path = options.path; });
  state_->headers.with([&](auto& headers) { headers = options.headers; });
  state_->passwords.configure(options.users);
}

http::Response MetricsApi::handle(const http::Request& request) {
  const auto measurement = std::make_shared<RequestMeasurement>(
      state_->handler_name(request.path), state_->clock, state_->deps.observe);
  http::Response response = state_->authenticate(request, measurement);
  if (!std::holds_alternative<http::DeferredResponse>(response.body)) {
    measurement->end(response.status);
    state_->add_headers(response);
  }
  return response;
}

}  // namespace reeve::api
