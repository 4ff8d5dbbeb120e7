#include "guards/reason.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "control/stats.h"
#include "guards/command.h"
#include "support/catch.h"

namespace reeve::guards {
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

TEST_CASE("Reason: every verdict on an alert has a word of its own") {
  std::set<std::string_view> words;
  for (const Reason verdict : all_verdicts) {
    CHECK(words.insert(to_string(verdict)).second);
    CHECK(verdict_of(verdict) == verdict);
  }
  CHECK(to_string(Reason(all_reasons.size())).empty());
}

TEST_CASE("Reason: each has a word, and is one verdict for an alert") {
  for (const Reason reason : all_reasons) {
    CHECK_FALSE(to_string(reason).empty());
    CHECK(verdict_of(reason) <= Reason::accepted);
  }
  CHECK(verdict_of(Reason::no_single_process) == Reason::no_target);
  CHECK(verdict_of(Reason::signal_not_allowed) == Reason::not_allowed);
}

TEST_CASE("Reason: all that the controller refuses is counted under a documented label") {
  const std::set<std::string_view> documented(std::begin(refused_labels), std::end(refused_labels));
  std::set<std::string_view> used;
  for (const Reason reason : all_reasons) {
    CAPTURE(to_string(reason));
    const std::string_view label = refused_label(reason);
    const bool by_controller = http_status(reason) >= 400;
    CHECK(label.empty() == !by_controller);
    if (by_controller) {
      CHECK(documented.contains(label));
      used.insert(label);
    }
  }
  CHECK(used == documented);
}

TEST_CASE("Reason: each has the HTTP status of the API's documentation") {
  const std::map<std::string_view, int> by_label = {
      {"not_found", 404},     {"invalid", 422},      {"unreachable", 503},
      {"own_program", 403},   {"not_allowed", 403},  {"signal_not_allowed", 403},
      {"stale", 412},         {"guarded", 403},      {"in_flight", 409},
      {"shutting_down", 503}, {"not_recorded", 500}, {"withdrawn", 403}};
  for (const Reason reason : all_reasons) {
    CAPTURE(to_string(reason));
    const std::string_view label = refused_label(reason);
    if (reason == Reason::state_unreadable) {
      CHECK(http_status(reason) == 503);
    } else if (!label.empty()) {
      CHECK(http_status(reason) == by_label.at(label));
    } else {
      CHECK(http_status(reason) == (reason == Reason::accepted ? 202 : 200));
    }
  }
}

TEST_CASE("enumerations: everything that is counted or shown has a name of its own") {
  check_names(all_actions);
  check_names(all_sources);
  check_names(all_group_orders);
  check_names(control::all_failure_reasons);
  check_names(control::all_operation_states);
  check_names(control::all_operation_results);
  check_names(control::all_operation_steps);
}

TEST_CASE("Target: it is written with its supervisord where that has a name") {
  CHECK(Target{"", {"web", "front"}}.text() == "web:front");
  CHECK(Target{"host1", {"job", "job"}}.text() == "host1/job:job");
}

}  // namespace
}  // namespace reeve::guards
