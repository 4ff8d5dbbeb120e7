#include "app/signals.h"

#include <atomic>
#include <csignal>

#include <unistd.h>

#include "support/catch.h"
#include "support/eventually.h"

namespace reeve::app {
namespace {

TEST_CASE("a signal is handed over on a thread of its own, and the thread ends when asked") {
  block_signals();
  std::atomic<int> heard = 0;
  {
    const SignalThread thread([&](int signal) { heard = signal; });
    REQUIRE(::kill(::getpid(), SIGTERM) == 0);
    CHECK(tests::eventually(std::chrono::seconds(30), [&] { return heard == SIGTERM; }));
  }
  restore_signals();
}

TEST_CASE("a signal that came before anybody waited is not lost") {
  block_signals();
  REQUIRE(::kill(::getpid(), SIGHUP) == 0);
  CHECK(wait_for_signal() == SIGHUP);
  restore_signals();
}

}  // namespace
}  // namespace reeve::app
