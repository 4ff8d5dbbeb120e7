#pragma once

// The streams that clients hold open: events, and logs that are followed. Each kind has a bounded
// number of places, of which a principal has a share. After a reload each stream's credential is
// checked again, and a stream that no longer passes ends. Thread-safe.

#include <memory>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "api/authentication.h"
#include "api/problem.h"
#include "base/guarded.h"
#include "base/log.h"
#include "http/response_body.h"

namespace reeve::api {

struct StreamKind {
  std::string_view name;  ///< in the log
  Scope scope;
  std::size_t places;
  std::string_view full;       ///< the problem's word where there is no place
  std::string_view last_word;  ///< written before a stream that no longer passes ends
};

class OpenStreams {
 public:
  explicit OpenStreams(base::Log log) : log_(std::move(log)) {}

  /// Takes a place for the stream until it is closed at either end. 503 without a place; 401 if a
  /// reload has meanwhile taken the credential's access away.
  [[nodiscard]] tl::expected<void, Problem> add(const StreamKind& kind,
                                                const Credential& credential,
                                                const Principal& actor,
                                                const http::StreamWriter& writer);
  /// Ends the streams whose client these rules would not accept, or would let read other processes.
  void configure(std::shared_ptr<const AccessRules> rules);
  /// The same by the rules as they are: sessions have ended.
  void recheck();

 private:
  struct Entry {
    const StreamKind* kind;
    Credential credential;
    Principal actor;
    http::StreamWriter writer;
  };
  struct State {
    std::shared_ptr<const AccessRules> rules;
    std::vector<Entry> entries;
  };

  [[nodiscard]] static std::vector<Entry> take_refused(State& state);
  void end(const std::vector<Entry>& entries) const;

  const base::Log log_;
  base::Guarded<State> state_;
};

}  // namespace reeve::api
