#pragma once

// What every command that talks to supervisord needs: the supervisords, how long to wait, and
// how to speak. One command, one thread, one session.

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "cli/surroundings.h"
#include "reeve/base/deadline.h"

namespace reeve::cli {

struct Manager {
  supervisor::Options options;
  Peer peer;
};

struct Session {
  Session(const Settings& settings, const CommonOptions& common, const Surroundings& world,
          std::stop_token stop_request);

  /// One ordinary call; and one that may bring everything there is.
  [[nodiscard]] base::Deadline call_deadline(const Manager& manager) const;
  [[nodiscard]] base::Deadline listing_deadline() const;
  /// For a process to come up or go down. supervisord itself knows how long that may take;
  /// this only bounds it for people who went away.
  [[nodiscard]] base::Deadline patient_deadline() const;
  /// The same, but a stop request does not end it; and an ordinary call of that kind.
  [[nodiscard]] base::Deadline unstoppable_deadline() const;
  [[nodiscard]] base::Deadline unstoppable_call_deadline(const Manager& manager) const;
  /// Until a stop request; --timeout ends it too.
  [[nodiscard]] base::Deadline endless_deadline() const;

  /// `SUPERVISOR/name` where there are several supervisords.
  [[nodiscard]] std::string label(const Manager& manager, const std::string& name) const;
  /// Reports the error and returns its exit code.
  int report(Verb verb, base::Error error, const Manager& manager, const std::string& process = {});

  Output output;
  const Surroundings& surroundings;
  std::stop_token stop;
  std::vector<Manager> managers;

 private:
  std::optional<base::Duration> timeout_;
  base::Duration listing_timeout_;
};

/// Says on a terminal, once a second has passed, what is being waited for; takes it away again.
class WaitNotice {
 public:
  WaitNotice(const Session& session, std::string text);
  ~WaitNotice();
  WaitNotice(const WaitNotice&) = delete;
  WaitNotice& operator=(const WaitNotice&) = delete;

 private:
  std::jthread thread_;
};

/// The result of `call`, which may take its time for the reason that `text` gives.
template <class Call>
auto patiently(const Session& session, std::string text, const Call& call) {
  const WaitNotice notice(session, std::move(text));
  return call();
}

/// The same for a call that is answered at once by a supervisord that answers at all.
template <class Call>
auto ask(const Session& session, const Manager& manager, const Call& call) {
  return patiently(session, "waiting for " + manager.options.endpoint.url() + " to answer", call);
}

}  // namespace reeve::cli
