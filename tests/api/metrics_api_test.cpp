#include "api/metrics_api.h"

#include "api/api_fixture.h"
#include "support/catch.h"

namespace reeve::api {
namespace {

using tests::get;
using tests::header_of;

struct Listener {
  explicit Listener(const MetricsOptions& options = {})
      : api({[](metrics::Encoding encoding) -> std::vector<http::SharedBytes> {
               return {std::make_shared<const std::string>(
                   encoding == metrics::Encoding::gzip ? "zipped" : "plain")};
             },
             [this] { return ready; },
             [this](std::string_view handler, int status, auto) {
               observed.push_back({std::string(handler), status});
             },
             "1.2.3"},
            options, clock) {}

  [[nodiscard]] std::string page(const http::Request& request) {
    return *std::get<std::vector<http::SharedBytes>>(api.handle(request).body).at(0);
  }

  tests::ManualClock clock;
  bool ready = false;
  std::vector<tests::Observed> observed;
  MetricsApi api;
};

TEST_CASE("MetricsApi: the metrics are text of format 0.0.4, the exposition's shared bytes") {
  Listener listener;
  const http::Response response = listener.api.handle(get("/metrics", ""));
  CHECK(response.status == 200);
  CHECK(header_of(response, "Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(header_of(response, "Content-Encoding").empty());
  CHECK(listener.page(get("/metrics", "")) == "plain");
}

TEST_CASE("MetricsApi: the members of the cluster are Prometheus' targets, 503 while never read") {
  tests::ManualClock clock;
  std::optional<std::string> targets;
  MetricsApiDeps deps{.page = [](metrics::Encoding) { return std::vector<http::SharedBytes>(); },
                      .ready = [] { return true; },
                      .observe = [](std::string_view, int, auto) {},
                      .version = "1"};
  MetricsApi alone(deps, {}, clock);
  CHECK(alone.handle(get("/fleet/targets", "")).status == 404);
  deps.targets = [&] { return targets; };
  MetricsApi api(deps, {}, clock);
  CHECK(api.handle(get("/fleet/targets", "")).status == 503);
  targets = "[]";
  const http::Response response = api.handle(get("/fleet/targets", ""));
  CHECK(response.status == 200);
  CHECK(header_of(response, "Content-Type") == "application/json");
  CHECK(tests::body_of(response) == "[]");
}

TEST_CASE("MetricsApi: the metrics are gzipped for clients that accept it, with Vary") {
  Listener listener;
  http::Request request = get("/metrics", "");
  request.headers.push_back({"Accept-Encoding", "gzip"});
  CHECK(listener.page(request) == "zipped");
  const http::Response response = listener.api.handle(request);
  CHECK(header_of(response, "Content-Encoding") == "gzip");
  CHECK(header_of(response, "Vary") == "Accept-Encoding");
}

TEST_CASE("MetricsApi: requests within four times of what a page takes to make share it") {
  using namespace std::chrono_literals;
  tests::ManualClock clock;
  int made = 0;
  MetricsApi api({[&](metrics::Encoding) -> std::vector<http::SharedBytes> {
                    ++made;
                    clock.advance(10ms);
                    return {std::make_shared<const std::string>("page")};
                  },
                  [] { return true; }, [](auto...) {}, "1.2.3"},
                 {}, clock);
  const auto scrape = [&] { return api.handle(get("/metrics", "")).status; };
  CHECK(scrape() == 200);
  clock.advance(39ms);
  CHECK(scrape() == 200);
  CHECK(made == 1);
  clock.advance(1ms);
  CHECK(scrape() == 200);
  CHECK(made == 2);
}

TEST_CASE("MetricsApi: the metrics' path is configured, and may change") {
  Listener listener(MetricsOptions{.path = "/custom", .users = {}});
  CHECK(listener.api.handle(get("/custom", "")).status == 200);
  CHECK(listener.api.handle(get("/metrics", "")).status == 404);
  listener.api.configure({});
  CHECK(listener.api.handle(get("/metrics", "")).status == 200);
}

TEST_CASE("MetricsApi: healthy at once, ready once the first poll has ended with any result") {
  Listener listener;
  CHECK(listener.api.handle(get("/-/healthy", "")).status == 200);
  CHECK(listener.api.handle(get("/-/ready", "")).status == 503);
  listener.ready = true;
  CHECK(listener.api.handle(get("/-/ready", "")).status == 200);
}

TEST_CASE("MetricsApi: neither healthy nor ready while nothing is published any more") {
  tests::ManualClock clock;
  MetricsApi api({.page = {},
                  .ready = [] { return true; },
                  .observe = [](std::string_view, int, std::chrono::nanoseconds) {},
                  .version = "",
                  .healthy = [] { return false; }},
                 {}, clock);
  CHECK(api.handle(get("/-/healthy", "")).status == 503);
  CHECK(api.handle(get("/-/ready", "")).status == 503);
}

TEST_CASE("MetricsApi: the landing page links to the metrics, and runs no scripts") {
  Listener listener;
  const http::Response response = listener.api.handle(get("/", ""));
  CHECK(response.status == 200);
  const auto& page = std::get<std::string>(response.body);
  CHECK(page.find("<a href=\"/metrics\">") != std::string::npos);
  CHECK(page.find("1.2.3") != std::string::npos);
  CHECK(header_of(response, "Content-Security-Policy").starts_with("default-src 'none'"));
}

TEST_CASE("MetricsApi: other paths are 404, other methods 405") {
  Listener listener;
  CHECK(listener.api.handle(get("/api/v1/processes", "")).status == 404);
  CHECK(listener.api.handle(get("/metrics/", "")).status == 404);
  CHECK(listener.api.handle(tests::post("/nowhere", "", "")).status == 404);
  for (const char* path : {"/metrics", "/-/healthy", "/-/ready", "/"}) {
    const http::Response response = listener.api.handle(tests::post(path, "", ""));
    CHECK(response.status == 405);
    CHECK(header_of(response, "Allow") == "GET, HEAD");
    CHECK(listener.api.handle(tests::request(http::Method::head, path, "")).status != 405);
  }
}

TEST_CASE("MetricsApi: requests are measured under few, fixed names") {
  Listener listener;
  for (const char* path : {"/metrics", "/-/healthy", "/-/ready", "/", "/x", "/y"}) {
    (void)listener.api.handle(get(path, ""));
  }
  CHECK(listener.observed == std::vector<tests::Observed>{{"metrics", 200},
                                                          {"healthy", 200},
                                                          {"ready", 503},
                                                          {"landing", 200},
                                                          {"other", 404},
                                                          {"other", 404}});
}

TEST_CASE("MetricsApi: where users are configured every path requires a login") {
  Listener listener(MetricsOptions{.users = {{"scraper", base::Secret("$2y$04$anything")}}});
  for (const char* path : {"/metrics", "/-/healthy", "/", "/nowhere"}) {
    const http::Response response = listener.api.handle(get(path, ""));
    CHECK(response.status == 401);
    CHECK(header_of(response, "WWW-Authenticate") == "Basic realm=\"reeve\"");
  }
  CHECK(listener.api.handle(get("/metrics")).status == 401);
}

TEST_CASE("accepts_gzip: by name or by star, unless q is 0") {
  for (const char* header : {"gzip", "GZIP", "x-gzip", "deflate, gzip", "gzip;q=0.5", "*",
                             "br;q=1.0, gzip;q=0.8, *;q=0.1", "identity;q=0, *", "gzip ; q=1"}) {
    CAPTURE(header);
    CHECK(accepts_gzip(header));
  }
  for (const char* header : {"", "identity", "br, deflate", "gzip;q=0", "gzip;q=0.000", "*;q=0",
                             "gzip;q=0, *", "gzipped", ",;,=", "gzip;q="}) {
    CAPTURE(header);
    CHECK_FALSE(accepts_gzip(header));
  }
}

}  // namespace
}  // namespace reeve::api
