#include <set>

#include "control/controller.h"
#include "guards/decision.h"
#include "support/catch.h"

namespace reeve::control {
namespace {

template <class Values>
void check_names(const Values& values) {
  std::set<std::string_view> names;
  for (const auto value : values) {
    const std::string_view name = to_string(value);
    CHECK_FALSE(name.empty());
    CHECK(names.insert(name).second);
  }
  // There is none behind the last.
  CHECK(to_string(static_cast<typename Values::value_type>(values.size())).empty());
}

TEST_CASE("everything that is counted or shown has a name of its own") {
  check_names(guards::all_actions);
  check_names(guards::all_sources);
  check_names(guards::all_refusal_reasons);
  check_names(all_failure_reasons);
  check_names(guards::all_verdicts);
  check_names(std::array{OperationState::queued, OperationState::running, OperationState::verifying,
                         OperationState::done});
  check_names(std::array{OperationResult::succeeded, OperationResult::failed,
                         OperationResult::flapped, OperationResult::abandoned,
                         OperationResult::refused});
}

TEST_CASE("a target is written with its supervisord where that has a name") {
  CHECK(guards::Target{"", {"web", "front"}}.text() == "web:front");
  CHECK(guards::Target{"host1", {"job", "job"}}.text() == "host1/job:job");
}

}  // namespace
}  // namespace reeve::control
