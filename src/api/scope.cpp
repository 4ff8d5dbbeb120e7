#include <algorithm>

#include "api/options.h"

namespace reeve::api {

std::string_view to_string(Scope scope) {
  switch (scope) {
    case Scope::read:
      return "read";
    case Scope::logs:
      return "logs";
    case Scope::control:
      return "control";
    case Scope::alerts:
      return "alerts";
    case Scope::admin:
      return "admin";
  }
  return "";
}

std::optional<Scope> scope_from_string(std::string_view text) {
  const auto* const found = std::find_if(all_scopes.begin(), all_scopes.end(),
                                         [&](Scope scope) { return to_string(scope) == text; });
  return found == all_scopes.end() ? std::nullopt : std::optional(*found);
}

}  // namespace reeve::api
