#pragma once

// What the control listener answers. Every request passes one check in one visible order
// (host, who, route, scope, content type, origin) before its handler; handlers are thin: they
// read the snapshot or submit a command. handle() runs on the listener's workers, several at
// once; `?wait=` holds none of them, and what is followed has threads of its own.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reeve/alerts/responder.h"
#include "reeve/api/event_hub.h"
#include "reeve/api/metrics_api.h"
#include "reeve/api/options.h"
#include "reeve/base/clock.h"
#include "reeve/base/log.h"
#include "reeve/base/result.h"
#include "reeve/control/audit.h"
#include "reeve/control/controller.h"
#include "reeve/control/guards.h"
#include "reeve/control/maintenance.h"
#include "reeve/fleet/fleet.h"
#include "reeve/fleet/snapshot.h"
#include "reeve/http/message.h"

namespace reeve::api {

struct ControlSurroundings {
  std::function<std::shared_ptr<const fleet::FleetSnapshot>()> snapshot;
  control::Controller* controller = nullptr;  ///< must outlive the API
  /// Says what has changed but needs a restart of the agent; empty if nothing has.
  std::function<base::Result<std::string>()> reload;
  RequestObserver observe;
  /// The host of the listen address; empty where it binds all.
  std::string listen_host;
  /// Whose logs can be read.
  std::vector<fleet::Member> members = {};
  /// These must outlive the API.
  EventHub* events = nullptr;
  control::Guards* guards = nullptr;
  control::Maintenance* maintenance = nullptr;
  control::Audit* audit = nullptr;
  alerts::Responder* responder = nullptr;
};

class ControlApi {
 public:
  /// `clock` must outlive this.
  ControlApi(ControlSurroundings surroundings, const ControlOptions& options,
             const base::Clock& clock, base::Log log);
  ~ControlApi();
  ControlApi(const ControlApi&) = delete;
  ControlApi& operator=(const ControlApi&) = delete;

  [[nodiscard]] http::Response handle(const http::Request& request);
  /// For requests from now on.
  void configure(const ControlOptions& options);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::api
