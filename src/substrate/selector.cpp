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

base::Result<Selector> Selector::parse(std::string_view text) {
  Selector selector;
  selector.text_ = text;
  const auto parts = split_qualified(text);
  if (parts) {
    selector.supervisor_ = parts->supervisor;
    selector.pattern_ = parts->process;
  }
  if (selector.pattern_.size() > 1 && selector.pattern_.ends_with(':')) {
    selector.pattern_ += '*';
  }
  if (!parts || !InstanceName::parse(selector.pattern_)) {
    return base::failure(base::ErrorKind::invalid_argument,
                         "'" + selector.text_ +
                             "' names no process: use name, group:name, group:* or a pattern"
                             " with * ? […], with SUPERVISOR/ before it where there are several");
  }
  return selector;
}

bool Selector::fits(std::string_view supervisor, const std::string& candidate) const {
  return (supervisor_.empty() || supervisor_ == supervisor) &&
         (candidate == pattern_ || base::matches_glob(pattern_, candidate));
}

bool Selector::matches(std::string_view supervisor, const InstanceName& name) const {
  return fits(supervisor, has_group() ? name.full() : name.text());
}

bool Selector::covers(std::string_view supervisor, const InstanceName& name) const {
  return matches(supervisor, name) || (!has_group() && fits(supervisor, name.group));
}

bool Selector::is_pattern() const {
  return base::is_glob(pattern_);
}

std::optional<InstanceName> Selector::single() const {
  if (is_pattern()) {
    return std::nullopt;
  }
  return *InstanceName::parse(pattern_);
}

bool any_matches(const std::vector<Selector>& selectors, std::string_view supervisor,
                 const InstanceName& name) {
  return std::any_of(selectors.begin(), selectors.end(),
                     [&](const Selector& selector) { return selector.matches(supervisor, name); });
}

bool any_covers(const std::vector<Selector>& selectors, std::string_view supervisor,
                const InstanceName& name) {
  return std::any_of(selectors.begin(), selectors.end(),
                     [&](const Selector& selector) { return selector.covers(supervisor, name); });
}

}  // namespace reeve::substrate
