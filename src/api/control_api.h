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

#include "alerts/responder.h"
#include "api/event_hub.h"
#include "api/metrics_api.h"
#include "api/options.h"
#include "base/log.h"
#include "control/audit.h"
#include "control/controller.h"
#include "guards/guards.h"
#include "guards/maintenance.h"
#include "http/message.h"
#include "monitor/monitor.h"
#include "monitor/snapshot.h"
#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::api {

struct ControlSurroundings {
  std::function<std::shared_ptr<const monitor::Snapshot>()> snapshot;
  control::Controller* controller = nullptr;  ///< must outlive the API
  /// Says what has changed but needs a restart of the agent; empty if nothing has.
  std::function<base::Result<std::string>()> reload;
  RequestObserver observe;
  /// The host of the listen address; empty where it binds all.
  std::string listen_host;
  /// Whose logs can be read.
  std::vector<monitor::Member> members = {};
  /// These must outlive the API.
  EventHub* events = nullptr;
  guards::Guards* guards = nullptr;
  guards::Maintenance* maintenance = nullptr;
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
