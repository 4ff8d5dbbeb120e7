#pragma once

// Follows supervisord's own log through reads of at most 64 KiB, and hands out the lines that are
// new. It does not read: it says what to read next and is fed with what came, so that it knows no
// deadline, no thread and no protocol.
//
// supervisord tells neither the size nor the identity of its log, and what comes over XML is not
// byte for byte what is in the file. So a place in the log is a few whole lines already seen, with
// the offset where they began: each read starts there and is new from behind them on. If they are
// not there any more, the beginning of the log tells whether it is another one (rotated, cleared)
// or the place in the same one was lost.
//
//   begin ──head read──▶ finding the end ──▶ anchoring ──▶ following ─ lines missing ─▶ checking
//                             ▲                                ▲                          │ │
//                             └──────── the same log ──────────┼──────────────────────────┘ │
//                                                              └──── another log ───────────┘

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "events/log_line.h"
#include "reeve/substrate/logs.h"

namespace reeve::events {

class LogTail {
 public:
  struct Step {
    std::vector<LogLine> lines;  ///< new ones that say something, oldest first
    bool gap = false;            ///< lines may be missing just before these: a full poll is needed
    bool again = false;          ///< there is more to read at once
  };

  /// What to read next.
  [[nodiscard]] substrate::LogRange next() const;
  /// What was read there; empty past the end. If reading failed, nothing is to be fed.
  [[nodiscard]] Step feed(std::string_view text);

  /// Its lines can be believed: see log_line.h. False for good once a line is below info.
  [[nodiscard]] bool trusted() const { return trusted_; }
  /// It knows its place, so that whatever is written from now on will be handed out.
  [[nodiscard]] bool following() const { return state_ == State::following; }

 private:
  enum class State { begin, finding_end, anchoring, following, checking };

  [[nodiscard]] Step read_head(std::string_view text);
  [[nodiscard]] Step probe(std::string_view text);
  [[nodiscard]] Step advance(std::string_view text);
  [[nodiscard]] Step recognise(std::string_view text);
  void take_lines(std::string_view lines, Step& step);
  void anchor_at(std::string_view text, std::size_t end);

  State state_ = State::begin;
  bool trusted_ = true;
  std::string head_;    ///< how the log begins
  std::string anchor_;  ///< what stands at offset_ and is old
  std::uint64_t offset_ = 0;
  bool in_line_ = false;       ///< the anchor ends within a line too long to be one of ours
  std::uint64_t present_ = 0;  ///< finding the end: the log goes at least to here
  std::uint64_t absent_ = 0;   ///< finding the end: and not to here; 0 if not known
};

}  // namespace reeve::events
