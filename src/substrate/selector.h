#pragma once

// A pattern over process names, as people write it on the command line and in allow lists:
// `name`, `group:name`, `group:*`, shell-style `*`, `?`, `[…]`, with `SUPERVISOR/` before it
// where several supervisords are configured.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reeve/base/result.h"
#include "reeve/substrate/instance.h"

namespace reeve::substrate {

/// The one grammar of `[SUPERVISOR/]PROCESS`; names of supervisord's processes hold no '/'.
struct QualifiedName {
  std::string supervisor;  ///< empty: none is named
  std::string process;
};
/// Nothing if the part before the '/' is empty.
[[nodiscard]] std::optional<QualifiedName> split_qualified(std::string_view text);
/// The same the other way round.
[[nodiscard]] std::string qualified(const std::string& supervisor, const std::string& process);

class Selector {
 public:
  /// invalid_argument on an empty name, a second colon or a missing part. `g:` means `g:*`.
  [[nodiscard]] static base::Result<Selector> parse(std::string_view text);

  /// A pattern with a colon is matched against `group:name`, one without against the canonical
  /// name (`x` is x:x alone, `*` is everything).
  [[nodiscard]] bool matches(std::string_view supervisor, const InstanceName& name) const;
  /// What is to be kept safe by a deny list: as matches(), but one without a colon means the
  /// whole group of that name too.
  [[nodiscard]] bool covers(std::string_view supervisor, const InstanceName& name) const;
  /// True if it can match more than one process.
  [[nodiscard]] bool is_pattern() const;
  /// The one process it names; nothing for a pattern.
  [[nodiscard]] std::optional<InstanceName> single() const;
  /// The supervisord it names; empty for any.
  [[nodiscard]] const std::string& supervisor() const { return supervisor_; }
  [[nodiscard]] const std::string& text() const { return text_; }

  friend bool operator==(const Selector&, const Selector&) = default;

 private:
  [[nodiscard]] bool has_group() const { return pattern_.find(':') != std::string::npos; }
  [[nodiscard]] bool fits(std::string_view supervisor, const std::string& candidate) const;

  std::string text_;
  std::string supervisor_;
  std::string pattern_;
};

/// True if some selector of the list matches.
[[nodiscard]] bool any_matches(const std::vector<Selector>& selectors, std::string_view supervisor,
                               const InstanceName& name);
/// True if some selector of the list covers it.
[[nodiscard]] bool any_covers(const std::vector<Selector>& selectors, std::string_view supervisor,
                              const InstanceName& name);

}  // namespace reeve::substrate
