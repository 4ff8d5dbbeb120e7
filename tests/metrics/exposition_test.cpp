#include "metrics/exposition.h"

#include "metrics/gzip.h"
#include "metrics/pages.h"
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

struct AgentAndExposition {
  AgentMetrics agent{{}};
  Exposition exposition{{}, agent};

  void publish(monitor::Snapshot snapshot) {
    exposition.publish(std::make_shared<const monitor::Snapshot>(std::move(snapshot)));
  }
  [[nodiscard]] std::string plain() const { return joined(exposition.page(Encoding::plain)); }
};

TEST_CASE("Exposition: there is a page before the first snapshot") {
  const AgentAndExposition world;
  CHECK_THAT(world.plain(), Contains("reeve_build_info"));
  CHECK_THAT(gunzip(joined(world.exposition.page(Encoding::gzip))), Contains("reeve_build_info"));
}

TEST_CASE("Exposition: a snapshot is rendered once and its bytes are shared by all requests") {
  AgentAndExposition world;
  world.publish(snapshot_of({supervisord({running_process("web", 1, 1)})}));
  const auto first = world.exposition.page(Encoding::plain);
  CHECK(first[0] == world.exposition.page(Encoding::plain)[0]);
  CHECK(world.exposition.page(Encoding::gzip)[0] == world.exposition.page(Encoding::gzip)[0]);
  world.publish(snapshot_of({supervisord({})}));
  CHECK(first[0] != world.exposition.page(Encoding::plain)[0]);
  CHECK_THAT(*first[0], Contains("name=\"web\""));
}

TEST_CASE("Exposition: the agent's families are rendered at each request") {
  AgentAndExposition world;
  world.agent.observe_request("/metrics", 200, std::chrono::milliseconds(1));
  CHECK_THAT(world.plain(), Contains("reeve_http_requests_total"));
}

TEST_CASE("Exposition: the compressed page is one gzip member with the same text") {
  AgentAndExposition world;
  world.publish(snapshot_of({odd_supervisord()}));
  const std::string text = gunzip(joined(world.exposition.page(Encoding::gzip)));
  const std::string plain = world.plain();
  const std::size_t snapshot_end = plain.find("# HELP reeve_build_info");
  CHECK(text.substr(0, snapshot_end) == plain.substr(0, snapshot_end));
  CHECK_THAT(text, Contains("process_open_fds"));
}

TEST_CASE("Exposition: new filters hold for the present snapshot") {
  AgentAndExposition world;
  world.publish(snapshot_of({supervisord({running_process("web", 1, 1)})}));
  CHECK_THAT(world.plain(), Contains("name=\"web\""));
  Options options;
  options.exclude = {"web:web"};
  world.exposition.configure(options);
  CHECK_THAT(world.plain(), !Contains("name=\"web\""));
}

TEST_CASE("gzip: two parts of any size become one member") {
  const std::string first = GENERATE(std::string(), std::string("a"), std::string(200'000, 'x'));
  const std::string last = GENERATE(std::string(), std::string("b\n"), std::string(70'000, 'y'));
  const GzipBegun begun = begin_gzip(first);
  CHECK(gunzip(begun.bytes + end_gzip(begun, last)) == first + last);
}

}  // namespace
}  // namespace reeve::metrics
