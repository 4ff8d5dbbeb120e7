#pragma once

// What `monitor` asks a manager for beside the Substrate's operations: polls, listings that cost
// the manager little, and surveys. Internal: a supervisord can do this, a manager in general need
// not, so it is no part of the installed API. Called on a poll thread; implementations are
// thread-safe and never throw.

#include <optional>
#include <string>

#include "reeve/base/clock.h"
#include "reeve/base/deadline.h"
#include "reeve/base/result.h"
#include "reeve/substrate/instance.h"
#include "reeve/substrate/logs.h"

namespace reeve::substrate {

struct SurveyRequest {
  /// Sent to the manager's event listeners in the same moment (REMOTE_COMMUNICATION of type
  /// `survey_mark_type`): the listing contains the effect of every event before the mark, and of
  /// none after it. UTF-8 without control characters.
  std::string mark;
  /// The part of the manager's own log to read, at most 64 KiB; nothing: no log.
  std::optional<LogRange> log;
};

/// The manager at one moment.
struct Survey {
  Listing listing;
  /// The log's text in the requested range; empty past its end. Nothing if none was requested or
  /// it could not be read as it is: no log, not UTF-8, a character cut by the range's end.
  std::optional<std::string> log;
};

/// `type` of the event that carries a survey's mark.
inline constexpr const char* survey_mark_type = "reeve";

struct PollRequest {
  /// The listing may be made by the names of an earlier one that is younger, and then omit what
  /// was added since: that costs the manager less. Zero: a listing of all there is.
  base::Duration max_name_age{};
  /// SurveyRequest::mark. With a mark the answer is all of one moment.
  std::optional<std::string> mark;
  /// SurveyRequest::log.
  std::optional<LogRange> log;
};

/// getState. supervisord reports no other state than 1, RUNNING: while it shuts down, calls fail.
struct ManagerState {
  int code = 0;
  std::string name;
  friend bool operator==(const ManagerState&, const ManagerState&) = default;
};

struct PollAnswer {
  Pid pid;             ///< getPID: an answer is a heartbeat, too
  ManagerState state;  ///< getState
  Listing listing;
  /// Listing and log are of one moment, as always with a mark. False: made by several requests; the
  /// log may be a little older than the listing.
  bool of_one_moment = false;
  /// The log's text in the requested range; empty past its end, or if none was requested. An error
  /// if it could not be read as it is: no_file; fault where it is not UTF-8 or the range's end cuts
  /// a character, which Logs::read_manager_log reads nevertheless.
  base::Result<std::string> log;
};

class PollSource {
 public:
  PollSource() = default;
  PollSource(const PollSource&) = delete;
  PollSource& operator=(const PollSource&) = delete;
  virtual ~PollSource() = default;

  /// Pid, state, listing and log with as few requests as the manager needs for them, one if it has
  /// few instances. The mark may arrive before the answer or after it, and also if the answer is an
  /// error. invalid_argument (the mark cannot be sent), not_implemented where a mark is requested
  /// and the manager cannot do all of it at once.
  [[nodiscard]] virtual base::Result<PollAnswer> poll(const PollRequest& request,
                                                      const base::Deadline& deadline) = 0;

  /// As Substrate::list_instances, but may omit what was added since the last listing or survey if
  /// that is not older than `max_name_age`: asking by name costs the manager less.
  [[nodiscard]] virtual base::Result<Listing> relist(base::Duration max_name_age,
                                                     const base::Deadline& deadline) = 0;

  /// Listing, log and mark of one moment. The mark may arrive before the answer or after it, and
  /// also if the answer is an error. invalid_argument (the mark cannot be sent), not_implemented
  /// where the manager cannot do all of it at once.
  [[nodiscard]] virtual base::Result<Survey> survey(const SurveyRequest& request,
                                                    const base::Deadline& deadline) = 0;
};

}  // namespace reeve::substrate
