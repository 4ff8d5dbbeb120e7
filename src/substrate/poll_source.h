#pragma once

// What `monitor` asks a manager for beside the Substrate's operations. Internal: a supervisord can
// do this, a manager in general need not, so it is no part of the installed API. Called on a poll
// thread; implementations are thread-safe and never throw.

#include <optional>
#include <string>

#include "reeve/base/clock.h"
#include "reeve/base/deadline.h"
#include "reeve/base/result.h"
#include "reeve/substrate/instance.h"
#include "reeve/substrate/logs.h"

namespace reeve::substrate {

/// `type` of the event that carries a survey's mark.
inline constexpr const char* survey_mark_type = "reeve";

struct PollRequest {
  /// The listing may be made by the names of an earlier one that is younger, and then omit what
  /// was added since: that costs the manager less. Zero: a listing of all there is.
  base::Duration max_name_age{};
  /// Makes the poll a survey, of which all is of one moment. The mark is sent in that moment to the
  /// manager's event listeners (REMOTE_COMMUNICATION of type `survey_mark_type`): the listing
  /// contains the effect of every event before it, and of none after it. UTF-8 without control
  /// characters.
  std::optional<std::string> mark;
  /// The part of the manager's own log to read, at most 64 KiB; nothing: no log.
  std::optional<LogRange> log;
};

struct PollAnswer {
  Pid pid;  ///< getPID: an answer is a heartbeat, too
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

  /// Pid, listing and log with as few requests as the manager needs for them, one if it has few
  /// instances. The mark may arrive before the answer or after it, and also if the answer is an
  /// error. invalid_argument (the mark cannot be sent), not_implemented where a mark is requested
  /// and the manager cannot do all of it at once.
  [[nodiscard]] virtual base::Result<PollAnswer> poll(const PollRequest& request,
                                                      const base::Deadline& deadline) = 0;
};

}  // namespace reeve::substrate
