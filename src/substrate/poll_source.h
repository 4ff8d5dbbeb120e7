#pragma once

// What `monitor` asks a manager for beside the Substrate's operations: listings that cost the
// manager little, and surveys. Internal: a supervisord can do this, a manager in general need not,
// so it is no part of the installed API. Called on a poll thread; implementations are thread-safe
// and never throw.

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

class PollSource {
 public:
  PollSource() = default;
  PollSource(const PollSource&) = delete;
  PollSource& operator=(const PollSource&) = delete;
  virtual ~PollSource() = default;

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
