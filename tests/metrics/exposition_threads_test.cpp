#include <thread>
#include <vector>

#include "metrics/exposition.h"
#include "metrics/fleets.h"
#include "metrics/gunzip.h"
#include "support/catch.h"

namespace reeve::metrics {
namespace {

TEST_CASE("pages are whole while others publish, reload and count") {
  AgentMetrics agent({});
  Exposition exposition({}, agent);
  std::vector<std::jthread> threads;
  threads.emplace_back([&](const std::stop_token& stop) {
    const auto snapshot = std::make_shared<const monitor::Snapshot>(fleet_of({odd_supervisord()}));
    while (!stop.stop_requested()) {
      exposition.publish(snapshot);
      agent.observe_request("/metrics", 200, std::chrono::milliseconds(1));
    }
  });
  threads.emplace_back([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      exposition.configure({});
      (void)exposition.page(Encoding::gzip);
    }
  });
  for (int i = 0; i < 200; ++i) {
    const auto page = exposition.page(Encoding::gzip);
    const std::string text = gunzip(*page[0] + *page[1]);
    REQUIRE(text.ends_with('\n'));  // "(bad)" does not
  }
}

}  // namespace
}  // namespace reeve::metrics
