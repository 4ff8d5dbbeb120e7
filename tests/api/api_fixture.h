#pragma once

// The control listener's handler with a controller and a fake supervisord, without transport and
// without threads.

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/control_api.h"
#include "control/world.h"
#include "guards/guarded_world.h"
#include "http/response_body.h"

namespace reeve::tests {

inline const std::string ops_token = "ops-token-of-at-least-32-random-bytes";
inline const std::string reader_token = "reader-token-of-at-least-32-random-bytes";
inline const std::string web_token = "web-token-of-at-least-32-random-bytes";

[[nodiscard]] inline api::ControlOptions three_tokens() {
  using api::Scope;
  api::ControlOptions options;
  options.tokens = {
      {"ops", api::digest_of(ops_token), {Scope::read, Scope::logs, Scope::control, Scope::admin}},
      {"reader", api::digest_of(reader_token), {Scope::read}},
      {"web",
       api::digest_of(web_token),
       {Scope::read, Scope::logs, Scope::control},
       {*substrate::Selector::parse("web:*")}},
  };
  options.clients = {{"robot.example", {Scope::read}}};
  return options;
}

[[nodiscard]] inline http::Request request(http::Method method, std::string path,
                                           const std::string& token = ops_token) {
  http::Request request;
  request.method = method;
  const std::size_t question = std::min(path.find('?'), path.size());
  request.query = question == path.size() ? "" : path.substr(question + 1);
  request.path = path.substr(0, question);
  request.headers = {{"Host", "localhost:19002"}};
  if (!token.empty()) {
    request.headers.push_back({"Authorization", "Bearer " + token});
  }
  request.peer = "192.0.2.7";
  request.counted_peer = request.peer;
  return request;
}

[[nodiscard]] inline http::Request get(const std::string& path,
                                       const std::string& token = ops_token) {
  return request(http::Method::get, path, token);
}

[[nodiscard]] inline http::Request post(const std::string& path, std::string body = "",
                                        const std::string& token = ops_token) {
  http::Request made = request(http::Method::post, path, token);
  if (!body.empty()) {
    made.headers.push_back({"Content-Type", "application/json"});
    made.body = std::move(body);
  }
  return made;
}

[[nodiscard]] inline std::string header_of(const http::Response& response,
                                           const std::string& name) {
  for (const http::Header& header : response.headers) {
    if (header.name == name) {
      return header.value;
    }
  }
  return "";
}

[[nodiscard]] inline bool is_deferred(const http::Response& response) {
  return std::holds_alternative<http::DeferredResponse>(response.body);
}

/// The response that a transport would send.
[[nodiscard]] inline http::Response awaited(const http::Response& response) {
  return is_deferred(response) ? awaited(std::get<http::DeferredResponse>(response.body).take())
                               : response;
}

[[nodiscard]] inline std::string body_of(const http::Response& response) {
  if (const auto* own = std::get_if<std::string>(&response.body)) {
    return *own;
  }
  std::string text;
  for (const http::SharedBytes& each : std::get<std::vector<http::SharedBytes>>(response.body)) {
    text += *each;
  }
  return text;
}

[[nodiscard]] inline nlohmann::json json_of(const http::Response& response) {
  return nlohmann::json::parse(body_of(response));
}

struct Observed {
  std::string handler;
  int status = 0;
  friend bool operator==(const Observed&, const Observed&) = default;
};

struct ApiFixture {
  ApiFixture() : api(deps(), three_tokens(), world.clock, base::Log()) {}

  [[nodiscard]] api::ControlApiDeps deps() {
    monitor::Member member = member_of("", world.supervisord);
    member.logs = world.supervisord;
    return {.snapshot = [this] { return world.snapshot; },
            .controller = &world.controller,
            .reload = [this] { return reload_result; },
            .observe =
                [this](std::string_view handler, int status, auto) {
                  observed.push_back({std::string(handler), status});
                },
            .listen_host = "192.0.2.1",
            .members = {member},
            .events = &events,
            .guards = guarded.guards.get(),
            .maintenance = guarded.maintenance.get(),
            .audit = audit.get()};
  }

  /// Two supervisords, of which the second is unreachable.
  void add_second_supervisor() {
    auto next = std::make_shared<monitor::Snapshot>(*world.snapshot);
    next->supervisors[0].name = "one";
    monitor::SupervisorSnapshot second = next->supervisors[0];
    second.name = "two";
    second.up = false;
    second.last_error = "connection refused";
    next->supervisors.push_back(second);
    world.snapshot = std::move(next);
  }

  base::Result<std::string> reload_result = std::string();
  std::vector<Observed> observed;
  World world;
  api::EventHub events{world.manual};
  GuardedWorld guarded;
  std::unique_ptr<control::Audit> audit =
      control::Audit::open(*guarded.state, world.clock, base::Log()).value();
  api::ControlApi api;
};

}  // namespace reeve::tests
