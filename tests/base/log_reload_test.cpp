#include <fstream>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace reeve::base {
namespace {

/// Standard error goes to a file as long as this lives.
class RedirectedErrors {
 public:
  explicit RedirectedErrors(const std::string& path) : saved_(::dup(STDERR_FILENO)) {
    const int file = ::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
    ::dup2(file, STDERR_FILENO);
    ::close(file);
  }
  RedirectedErrors(const RedirectedErrors&) = delete;
  RedirectedErrors& operator=(const RedirectedErrors&) = delete;
  ~RedirectedErrors() {
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
  }

 private:
  int saved_;
};

TEST_CASE("LogSink: a line is in one format from end to end, also while the format is reloaded") {
  constexpr int lines = 5000;
  const tests::TemporaryFolder folder;
  const std::string path = folder.write("errors", "");
  {
    const RedirectedErrors redirected(path);
    const auto sink = make_stderr_sink({});
    const std::jthread reloader([&](const std::stop_token& stop) {
      for (bool json = false; !stop.stop_requested(); json = !json) {
        sink->configure({LogLevel::info, json ? LogFormat::json : LogFormat::logfmt});
      }
    });
    const Log log(sink);
    for (int line = 0; line < lines; ++line) {
      log.info("a message", {{"key", "a value"}});
    }
  }
  std::ifstream errors(path);
  int seen = 0;
  for (std::string line; std::getline(errors, line); ++seen) {
    CAPTURE(line);
    const bool json = line.starts_with("{\"ts\":\"") &&
                      line.ends_with(R"(Z","level":"info","msg":"a message","key":"a value"})");
    const bool logfmt =
        line.starts_with("ts=2") && line.ends_with(R"(Z level=info msg="a message" key="a value")");
    REQUIRE((json || logfmt));
  }
  CHECK(seen == lines);
}

}  // namespace
}  // namespace reeve::base
