#include "metrics/filter.h"

#include <algorithm>

namespace reeve::metrics {
namespace {

constexpr std::size_t most_known = 100'000;
// The standard library's matcher recurses for each character.
constexpr std::size_t longest_name = 1024;

std::vector<std::regex> compile(const std::vector<std::string>& expressions) {
  return {expressions.begin(), expressions.end()};
}

bool any_matches(const std::vector<std::regex>& expressions, const std::string& name) {
  return std::any_of(expressions.begin(), expressions.end(), [&](const std::regex& expression) {
    try {
      return std::regex_match(name, expression);
    } catch (const std::regex_error&) {  // too complex for this name
      return false;
    }
  });
}

}  // namespace

Filter::Filter(const Options& options)
    : include_(compile(options.include)), exclude_(compile(options.exclude)) {}

bool Filter::shows(const substrate::InstanceName& name) {
  if (include_.empty() && exclude_.empty()) {
    return true;
  }
  if (known_.size() >= most_known) {
    known_.clear();
  }
  const auto [found, is_new] = known_.try_emplace(name, false);
  if (is_new) {
    found->second = matches(name);
  }
  return found->second;
}

bool Filter::matches(const substrate::InstanceName& name) const {
  const std::string full = name.full().substr(0, longest_name);
  return (include_.empty() || any_matches(include_, full)) && !any_matches(exclude_, full);
}

}  // namespace reeve::metrics
