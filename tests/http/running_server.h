#pragma once

// A server on a port of the kernel's choice, running until the end of the test.

#include <memory>
#include <string>
#include <utility>

#include "http/server.h"
#include "support/catch.h"
#include "support/recording_sink.h"

namespace reeve::http {

[[nodiscard]] inline ListenerOptions on_loopback() {
  ListenerOptions options;
  options.name = "test";
  options.address = {"127.0.0.1", 0, ""};
  return options;
}

[[nodiscard]] inline Response text_response(std::string body) {
  Response response;
  response.body = std::move(body);
  return response;
}

class RunningServer {
 public:
  RunningServer(const ListenerOptions& options, Handler handler, HeadCheck head_check = nullptr)
      : sink_(std::make_shared<tests::RecordingSink>()) {
    auto opened =
        Server::open(options, std::move(handler), base::Log(sink_), std::move(head_check));
    REQUIRE(opened);
    server_ = std::move(*opened);
    server_->start();
  }

  Server* operator->() const { return server_.get(); }
  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  [[nodiscard]] const tests::RecordingSink& log() const { return *sink_; }
  void destroy() { server_.reset(); }
  /// A graceful stop with `patience`.
  void stop(std::chrono::milliseconds patience) const {
    const base::SystemClock clock;
    server_->stop(base::Deadline::after(clock, patience));
  }

 private:
  std::shared_ptr<tests::RecordingSink> sink_;
  std::unique_ptr<Server> server_;
};

}  // namespace reeve::http
