#include "metrics/exposition.h"

#include "metrics/fleets.h"
#include "metrics/gunzip.h"
#include "metrics/gzip.h"
#include "support/catch.h"

namespace reeve::metrics {
namespace {

using Catch::Contains;

std::string joined(const std::vector<std::shared_ptr<const std::string>>& segments) {
  std::string text;
  for (const auto& segment : segments) {
    text += *segment;
  }
  return text;
}

struct Shown {
  AgentMetrics agent{{}};
  Exposition exposition{{}, agent};

  void publish(monitor::Snapshot snapshot) {
    exposition.publish(std::make_shared<const monitor::Snapshot>(std::move(snapshot)));
  }
  [[nodiscard]] std::string plain() const { return joined(exposition.page(Encoding::plain)); }
};

TEST_CASE("there is a page before anything was published") {
  const Shown shown;
  CHECK_THAT(shown.plain(), Contains("reeve_build_info"));
  CHECK_THAT(gunzip(joined(shown.exposition.page(Encoding::gzip))), Contains("reeve_build_info"));
}

TEST_CASE("the fleet's part of the page is rendered once and shared by all who ask") {
  Shown shown;
  shown.publish(fleet_of({supervisord({running_process("web", 1, 1)})}));
  const auto first = shown.exposition.page(Encoding::plain);
  CHECK(first[0] == shown.exposition.page(Encoding::plain)[0]);
  CHECK(shown.exposition.page(Encoding::gzip)[0] == shown.exposition.page(Encoding::gzip)[0]);
  shown.publish(fleet_of({supervisord({})}));
  CHECK(first[0] != shown.exposition.page(Encoding::plain)[0]);
  CHECK_THAT(*first[0], Contains("name=\"web\""));
}

TEST_CASE("the agent's part is never older than the question") {
  Shown shown;
  shown.agent.observe_request("/metrics", 200, std::chrono::milliseconds(1));
  CHECK_THAT(shown.plain(), Contains("reeve_http_requests_total"));
}

TEST_CASE("the compressed page is one gzip member with the same text") {
  Shown shown;
  shown.publish(fleet_of({odd_supervisord()}));
  const std::string text = gunzip(joined(shown.exposition.page(Encoding::gzip)));
  const std::string plain = shown.plain();
  const std::size_t fleet_end = plain.find("# HELP reeve_build_info");
  CHECK(text.substr(0, fleet_end) == plain.substr(0, fleet_end));
  CHECK_THAT(text, Contains("process_open_fds"));
}

TEST_CASE("new filters hold for the snapshot that is already there") {
  Shown shown;
  shown.publish(fleet_of({supervisord({running_process("web", 1, 1)})}));
  CHECK_THAT(shown.plain(), Contains("name=\"web\""));
  Options options;
  options.exclude = {"web:web"};
  shown.exposition.configure(options);
  CHECK_THAT(shown.plain(), !Contains("name=\"web\""));
}

TEST_CASE("a text is compressed in two parts, whatever their sizes") {
  const std::string first = GENERATE(std::string(), std::string("a"), std::string(200'000, 'x'));
  const std::string last = GENERATE(std::string(), std::string("b\n"), std::string(70'000, 'y'));
  const GzipBegun begun = begin_gzip(first);
  CHECK(gunzip(begun.bytes + end_gzip(begun, last)) == first + last);
}

}  // namespace
}  // namespace reeve::metrics
