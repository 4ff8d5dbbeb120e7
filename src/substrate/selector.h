#pragma once

// A pattern over process names, as people write it on the command line and in allow lists:
// `name`, `group:name`, `group:*`, shell-style `*`, `?`, `[…]`, with `SUPERVISOR/` before it
// where several supervisords are configured. A text that is the name of a process is that name:
// only what names no process is a pattern, and a prefix before '/' is a supervisord only if one has
// that name (supervisord before 3.3.2 allows '/' in names).

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reeve/base/result.h"
#include "reeve/substrate/instance.h"

namespace reeve::substrate {

/// `[SUPERVISOR/]PROCESS`, split at the first '/'.
struct QualifiedName {
  std::string supervisor;  ///< empty: none is named
  std::string process;
};
/// Nothing if the part before the '/' is empty.
[[nodiscard]] std::optional<QualifiedName> split_qualified(std::string_view text);
/// The same the other way round.
[[nodiscard]] std::string qualified(const std::string& supervisor, const std::string& process);

/// Which names there are: what a selector means depends on it.
struct KnownNames {
  std::function<bool(std::string_view supervisor)> has_supervisor;
  std::function<bool(std::string_view supervisor, const InstanceName& name)> has_process;
};

class Selector {
 public:
  /// invalid_argument on an empty name, a second colon or a missing part. `g:` means `g:*`.
  [[nodiscard]] static base::Result<Selector> parse(std::string_view text);
  /// Of this one process, whatever its name looks like.
  [[nodiscard]] static Selector of(const std::string& supervisor, const InstanceName& name);

  /// A pattern with a colon is matched against `group:name`, one without against the canonical
  /// name (`x` is x:x alone, `*` is everything).
  [[nodiscard]] bool matches(std::string_view supervisor, const InstanceName& name,
                             const KnownNames& known) const;
  /// What is to be kept safe by a deny list: as matches(), but one without a colon means the
  /// whole group of that name too.
  [[nodiscard]] bool covers(std::string_view supervisor, const InstanceName& name,
                            const KnownNames& known) const;
  /// The one process it names on this supervisord; nothing for a pattern.
  [[nodiscard]] std::optional<InstanceName> single(std::string_view supervisor,
                                                   const KnownNames& known) const;
  /// The same without knowing any name: nothing if it may be a pattern.
  [[nodiscard]] std::optional<InstanceName> single() const;
  /// The supervisord it names; empty for any.
  [[nodiscard]] std::string supervisor(const KnownNames& known) const;
  /// The prefix, whether or not a supervisord has that name.
  [[nodiscard]] const std::string& supervisor() const { return supervisor_; }
  [[nodiscard]] const std::string& text() const { return text_; }

  friend bool operator==(const Selector&, const Selector&) = default;

 private:
  /// The pattern for names of processes.
  [[nodiscard]] const std::string& pattern(const KnownNames& known) const;
  [[nodiscard]] bool fits(std::string_view supervisor, const std::string& candidate,
                          const KnownNames& known) const;

  std::string text_;
  std::string supervisor_;
  std::string pattern_;  ///< without the supervisord
  std::string whole_;    ///< the pattern if no supervisord has that name
  bool literal_ = false;
};

/// True if some selector of the list matches.
[[nodiscard]] bool any_matches(const std::vector<Selector>& selectors, std::string_view supervisor,
                               const InstanceName& name, const KnownNames& known);
/// True if some selector of the list covers it.
[[nodiscard]] bool any_covers(const std::vector<Selector>& selectors, std::string_view supervisor,
                              const InstanceName& name, const KnownNames& known);

}  // namespace reeve::substrate
