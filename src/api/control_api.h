#pragma once

// The handler of the control listener. Each request is matched to a route, passes check_request(),
// and is handed to the route's endpoint; a problem becomes the response here, and only here.
// handle() runs on the listener's workers, several at once. Waiting (`?wait=`) holds no worker, and
// each followed log has a thread of its own. It never talks to the transport.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "alerts/responder.h"
#include "api/event_hub.h"
#include "api/http_helpers.h"
#include "api/options.h"
#include "base/log.h"
#include "control/audit.h"
#include "control/controller.h"
#include "coordination/coordinator.h"
#include "guards/guards.h"
#include "guards/maintenance.h"
#include "http/message.h"
#include "monitor/monitor.h"
#include "monitor/snapshot.h"
#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::api {

/// What is pointed to must outlive the API.
struct ControlApiDeps {
  std::function<std::shared_ptr<const monitor::Snapshot>()> snapshot;
  control::Controller* controller = nullptr;
  /// Returns the changed settings that need a restart of the agent; empty if there are none.
  std::function<base::Result<std::string>()> reload;
  RequestObserver observe;
  /// The host of the listen address; empty where it binds all.
  std::string listen_host;
  /// The supervisords whose logs can be read.
  std::vector<monitor::Member> members = {};
  EventHub* events = nullptr;
  guards::Guards* guards = nullptr;
  guards::Maintenance* maintenance = nullptr;
  control::Audit* audit = nullptr;
  alerts::Responder* responder = nullptr;
  coordination::Coordinator* coordinator = nullptr;     ///< null: none is configured
  std::string member_name = {};                         ///< of this agent among the others
  std::function<bool()> healthy = [] { return true; };  ///< false: what is published is outdated
};

class ControlApi {
 public:
  /// `clock` must outlive this.
  ControlApi(ControlApiDeps deps, const ControlOptions& options, const base::Clock& clock,
             base::Log log);
  ~ControlApi();
  ControlApi(const ControlApi&) = delete;
  ControlApi& operator=(const ControlApi&) = delete;

  [[nodiscard]] http::Response handle(const http::Request& request);
  /// A response if check_request() objects to the head alone, so that the body need not be read, or
  /// if the route is open to all: those without a token take no worker. Otherwise the route's lane,
  /// and the client as owner. Waits for nothing.
  [[nodiscard]] http::HeadResult check_head(const http::Request& request);
  /// Completes the responses that wait for what this snapshot shows; ends the streams of sessions
  /// that have expired.
  void publish(const monitor::Snapshot& snapshot);
  /// Entries that were just added to the audit.
  void observe(const std::vector<control::AuditEntry>& recorded);
  /// For Controller::set_permission_lookup(), of commands that came over HTTP.
  [[nodiscard]] control::Permission permission_of(const guards::Command& command) const;
  /// Applies to requests from now on; ends the streams that it no longer grants.
  void configure(const ControlOptions& options);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::api
