#include "app/open_files.h"

#include <algorithm>

#include <sys/resource.h>

#include "support/catch.h"

namespace reeve::app {
namespace {

struct LimitKept {
  LimitKept() { REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0); }
  LimitKept(const LimitKept&) = delete;
  LimitKept& operator=(const LimitKept&) = delete;
  ~LimitKept() { ::setrlimit(RLIMIT_NOFILE, &limit); }
  rlimit limit{};
};

TEST_CASE("the soft limit of open files is raised to the hard one, and never lowered") {
  const LimitKept kept;
  const rlimit low{256, kept.limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  const std::size_t raised = raise_open_files();
  CHECK(raised == std::min<rlim_t>(kept.limit.rlim_max, 65536));
  rlimit now{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &now) == 0);
  CHECK(now.rlim_cur == raised);
  const rlimit high{kept.limit.rlim_max, kept.limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &high) == 0);
  CHECK(raise_open_files() == kept.limit.rlim_max);
}

TEST_CASE("supervisords share half of the files that may be open, at most 8192") {
  CHECK(kept_files(1024, 1) == 512);
  CHECK(kept_files(1024, 4) == 128);
  CHECK(kept_files(65536, 1) == 8192);
  CHECK(kept_files(65536, 8) == 1024);
  CHECK(kept_files(0, 0) == 0);
}

}  // namespace
}  // namespace reeve::app
