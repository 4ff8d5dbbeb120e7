#pragma once

// What the files of guards and maintenance have in common: a version, the stamp of their writing,
// and steady times that are read as times of now.

#include <optional>
#include <string_view>
#include <vector>

#include "guards/guard_clock.h"
#include "records/json_reader.h"
#include "reeve/base/clock.h"

namespace reeve::guards {

/// What such a file may hold; a longer one is neither written nor read.
inline constexpr std::size_t max_state_bytes = std::size_t{16} * 1024 * 1024;

/// An object that begins with version and stamp.
[[nodiscard]] records::Json state_object(const Stamp& stamp);
[[nodiscard]] records::Json to_json(const std::optional<base::SteadyTime>& time);
[[nodiscard]] records::Json to_json(const std::vector<base::SteadyTime>& times);

class StateTimes {
 public:
  /// Of the file that `file` is; that fails where there is no stamp, or a version we don't know.
  StateTimes(records::JsonReader& file, const GuardClock& clock);

  /// Nothing where there is none, or null.
  void read(records::JsonReader& reader, const char* name,
            std::optional<base::SteadyTime>& into) const;
  /// In the past, oldest first: what claims to lie in the future was now.
  void read_past(records::JsonReader& reader, const char* name,
                 std::vector<base::SteadyTime>& into) const;
  [[nodiscard]] bool future_dated() const { return passage_.future_dated; }

 private:
  base::SteadyTime now_;
  Passage passage_;
};

}  // namespace reeve::guards
