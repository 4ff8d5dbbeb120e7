#include "substrate/selector.h"

#include <algorithm>

#include "base/text.h"

namespace reeve::substrate {

std::optional<QualifiedName> split_qualified(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return QualifiedName{"", std::string(text)};
  }
  if (slash == 0) {
    return std::nullopt;
  }
  return QualifiedName{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

std::string qualified(const std::string& supervisor, const std::string& process) {
  return supervisor.empty() ? process : supervisor + "/" + process;
}

namespace {

/// `g:` means `g:*`.
std::string with_star(std::string pattern) {
  if (pattern.size() > 1 && pattern.ends_with(':')) {
    pattern += '*';
  }
  return pattern;
}

bool has_group(const std::string& pattern) {
  return pattern.find(':') != std::string::npos;
}

}  // namespace

base::Result<Selector> Selector::parse(std::string_view text) {
  Selector selector;
  selector.text_ = text;
  const auto parts = split_qualified(text);
  if (parts) {
    selector.supervisor_ = parts->supervisor;
    selector.pattern_ = with_star(parts->process);
    selector.whole_ = with_star(selector.text_);
  }
  if (!parts || !InstanceName::parse(selector.pattern_)) {
    return base::failure(base::ErrorKind::invalid_argument,
                         "'" + selector.text_ +
                             "' names no process: use name, group:name, group:* or a pattern"
                             " with * ? […], with SUPERVISOR/ before it where there are several");
  }
  return selector;
}

Selector Selector::of(const std::string& supervisor, const InstanceName& name) {
  Selector selector;
  selector.text_ = qualified(supervisor, name.text());
  selector.supervisor_ = supervisor;
  selector.pattern_ = name.full();
  selector.whole_ = selector.text_;
  selector.literal_ = true;
  return selector;
}

std::string Selector::supervisor(const KnownNames& known) const {
  return supervisor_.empty() || literal_ || known.has_supervisor(supervisor_) ? supervisor_
                                                                              : std::string();
}

const std::string& Selector::pattern(const KnownNames& known) const {
  return supervisor_.empty() || literal_ || known.has_supervisor(supervisor_) ? pattern_ : whole_;
}

bool Selector::fits(std::string_view supervisor, const std::string& candidate,
                    const KnownNames& known) const {
  const std::string wanted = this->supervisor(known);
  if (!wanted.empty() && wanted != supervisor) {
    return false;
  }
  const std::string& text = pattern(known);
  return candidate == text || (!literal_ && base::is_glob(text) && !single(supervisor, known) &&
                               base::matches_glob(text, candidate));
}

bool Selector::matches(std::string_view supervisor, const InstanceName& name,
                       const KnownNames& known) const {
  return fits(supervisor, has_group(pattern(known)) ? name.full() : name.text(), known);
}

bool Selector::covers(std::string_view supervisor, const InstanceName& name,
                      const KnownNames& known) const {
  // A process that is named like the pattern must not take the others out of a deny list.
  const KnownNames no_process{known.has_supervisor,
                              [](std::string_view, const InstanceName&) { return false; }};
  return matches(supervisor, name, known) || matches(supervisor, name, no_process) ||
         (!has_group(pattern(known)) && fits(supervisor, name.group, no_process));
}

std::optional<InstanceName> Selector::single(std::string_view supervisor,
                                             const KnownNames& known) const {
  const std::string& text = pattern(known);
  const auto name = InstanceName::parse(text);
  // A star alone is everything, whatever a process is called.
  const bool is_name = name && (literal_ || !base::is_glob(text) ||
                                (text != "*" && known.has_process(supervisor, *name)));
  return is_name ? std::optional(*name) : std::nullopt;
}

std::optional<InstanceName> Selector::single() const {
  if (!literal_ && base::is_glob(pattern_)) {
    return std::nullopt;
  }
  return *InstanceName::parse(pattern_);
}

bool any_matches(const std::vector<Selector>& selectors, std::string_view supervisor,
                 const InstanceName& name, const KnownNames& known) {
  return std::any_of(selectors.begin(), selectors.end(), [&](const Selector& selector) {
    return selector.matches(supervisor, name, known);
  });
}

bool any_covers(const std::vector<Selector>& selectors, std::string_view supervisor,
                const InstanceName& name, const KnownNames& known) {
  return std::any_of(selectors.begin(), selectors.end(), [&](const Selector& selector) {
    return selector.covers(supervisor, name, known);
  });
}

}  // namespace reeve::substrate
