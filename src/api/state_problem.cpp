#include "api/state_problem.h"

#include <algorithm>

namespace reeve::api {

using substrate::Selector;

Problem state_problem(const base::Error& error) {
  const bool unreadable = error.kind == base::ErrorKind::conflict;
  return {.status = unreadable ? 503 : http_status(error.kind),
          .type = std::string(unreadable ? "state_unreadable" : to_string(error.kind)),
          .detail = error.message};
}

bool may_act_on(const Principal& actor, const Selector& scope) {
  const std::string& text = scope.text();
  const std::string_view pattern =
      std::string_view(text).substr(scope.supervisor().empty() ? 0 : scope.supervisor().size() + 1);
  const auto single = scope.single();
  return std::any_of(actor.allow.begin(), actor.allow.end(), [&](const Selector& allowed) {
    return allowed.text() == "*" || allowed.text() == text || allowed.text() == pattern ||
           (single && allowed.matches(scope.supervisor(), *single));
  });
}

Problem not_on_list(const Principal& actor, std::string_view scope) {
  return {.status = 403,
          .type = "not_allowed",
          .detail = "'" + actor.name + "' may not act on all of '" + std::string(scope) +
                    "': see the token's own allow list"};
}

}  // namespace reeve::api
