#include "base/log.h"

#include "support/catch.h"
#include "support/recording_sink.h"

namespace reeve::base {
namespace {

TEST_CASE("Log: a log hands each record to its sink with the fields it carries") {
  const auto sink = std::make_shared<tests::RecordingSink>();
  const Log log = Log(sink).with("supervisor", "web");
  log.warning("supervisord is down", {{"reason", "timeout"}});
  const auto entries = sink->entries();
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].level == LogLevel::warning);
  CHECK(entries[0].message == "supervisord is down");
  CHECK(entries[0].fields == std::vector<LogField>{{"supervisor", "web"}, {"reason", "timeout"}});
}

TEST_CASE("Log: a log without a sink discards") {
  Log().error("nobody hears this");
}

}  // namespace
}  // namespace reeve::base
