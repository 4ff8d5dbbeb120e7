// Prometheus' own judge of an exposition.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "metrics/fleets.h"
#include "metrics/pages.h"
#include "support/catch.h"

namespace reeve::metrics {
namespace {

struct Judgement {
  int status = -1;
  std::string said;
};

Judgement judge(const std::string& page) {
  std::string path = (std::filesystem::temp_directory_path() / "reeve-page-XXXXXX").string();
  ::close(::mkstemp(path.data()));
  std::ofstream(path, std::ios::binary) << page;
  FILE* const pipe = ::popen(("promtool check metrics < " + path + " 2>&1").c_str(), "r");
  REQUIRE(pipe);
  Judgement judgement;
  std::array<char, 4096> buffer{};
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    judgement.said.append(buffer.data(), got);
  }
  judgement.status = WEXITSTATUS(::pclose(pipe));
  std::filesystem::remove(path);
  return judgement;
}

TEST_CASE("promtool has nothing to say about a page with odd names and everything in it") {
  Options options;
  options.process_state_set = GENERATE(true, false);
  auto down = odd_supervisord();
  down.name = "down";
  down.up = false;
  const Judgement judgement = judge(whole_page({odd_supervisord(), down}, options));
  CHECK(judgement.said == "");
  CHECK(judgement.status == 0);
}

TEST_CASE("promtool would have said something about a page that is wrong") {
  CHECK(judge("# TYPE x counter\nx{a=\"b\"} 1\nx{a=\"b\"} 1\n").status != 0);
}

}  // namespace
}  // namespace reeve::metrics
