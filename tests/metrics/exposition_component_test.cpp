// The exposition under threads, and as promtool reads it.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "metrics/pages.h"
#include "support/catch.h"

namespace reeve::metrics {
namespace {

struct PromtoolResult {
  int status = -1;
  std::string output;
};

PromtoolResult promtool(const std::string& page) {
  std::string path = (std::filesystem::temp_directory_path() / "reeve-page-XXXXXX").string();
  ::close(::mkstemp(path.data()));
  std::ofstream(path, std::ios::binary) << page;
  FILE* const pipe = ::popen(("promtool check metrics < " + path + " 2>&1").c_str(), "r");
  REQUIRE(pipe);
  PromtoolResult result;
  std::array<char, 4096> buffer{};
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    result.output.append(buffer.data(), got);
  }
  result.status = WEXITSTATUS(::pclose(pipe));
  std::filesystem::remove(path);
  return result;
}

TEST_CASE("promtool: accepts a page with odd names and every family") {
  Options options;
  options.process_state_set = GENERATE(true, false);
  auto down = odd_supervisord();
  down.name = "down";
  down.up = false;
  const PromtoolResult result = promtool(whole_page({odd_supervisord(), down}, options));
  CHECK(result.output == "");
  CHECK(result.status == 0);
}

TEST_CASE("promtool: refuses a page that is wrong") {
  CHECK(promtool("# TYPE x counter\nx{a=\"b\"} 1\nx{a=\"b\"} 1\n").status != 0);
}

TEST_CASE("Exposition: pages are whole while others publish, reload and count") {
  AgentMetrics agent({});
  Exposition exposition({}, agent);
  std::vector<std::jthread> threads;
  threads.emplace_back([&](const std::stop_token& stop) {
    const auto snapshot =
        std::make_shared<const monitor::Snapshot>(snapshot_of({odd_supervisord()}));
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
