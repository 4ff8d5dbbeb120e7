#pragma once

// A server on a port of the kernel's choice, running until the end of the test.

#include <memory>
#include <string>
#include <utility>

#include "reeve/http/server.h"
#include "support/catch.h"
#include "support/recording_sink.h"

namespace reeve::tests {

[[nodiscard]] inline http::ListenerOptions on_loopback() {
  http::ListenerOptions options;
  options.name = "test";
  options.address = {"127.0.0.1", 0, ""};
  return options;
}

[[nodiscard]] inline http::Response text_response(std::string body) {
  http::Response response;
  response.body = std::move(body);
  return response;
}

class RunningServer {
 public:
  RunningServer(const http::ListenerOptions& options, http::Handler handler)
      : sink_(std::make_shared<RecordingSink>()) {
    auto opened = http::Server::open(options, std::move(handler), base::Log(sink_));
    REQUIRE(opened);
    server_ = std::move(*opened);
    server_->start();
  }

  http::Server* operator->() const { return server_.get(); }
  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  [[nodiscard]] const RecordingSink& log() const { return *sink_; }
  void destroy() { server_.reset(); }
  /// A graceful stop with `patience`.
  void stop(std::chrono::milliseconds patience) const {
    const base::SystemClock clock;
    server_->stop(base::Deadline::after(clock, patience));
  }

 private:
  std::shared_ptr<RecordingSink> sink_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace reeve::tests
