#include "api/process_address.h"

#include <utility>

namespace reeve::api {
namespace {

constexpr std::size_t max_name_bytes = 1024;

std::string names_of(const fleet::FleetSnapshot& snapshot) {
  std::string names;
  for (const auto& supervisor : snapshot.supervisors) {
    names += (names.empty() ? "" : ", ") + supervisor.name;
  }
  return names;
}

tl::unexpected<Problem> malformed(std::string detail) {
  return tl::unexpected(
      Problem{.status = 400, .type = "malformed_request", .detail = std::move(detail)});
}

}  // namespace

tl::expected<control::Target, Problem> address_of(const Call& call,
                                                  const fleet::FleetSnapshot& snapshot) {
  const std::string& text = call.captured.front();
  if (text.size() > max_name_bytes) {
    return malformed("a process name has at most " + std::to_string(max_name_bytes) + " bytes");
  }
  auto name = substrate::InstanceName::parse(text);
  if (!name) {
    return malformed(name.error().message);
  }
  const auto supervisor = call.request.parameter("supervisor");
  if (!supervisor && snapshot.supervisors.size() != 1) {
    return malformed("several supervisords are configured: add ?supervisor= and one of " +
                     names_of(snapshot));
  }
  control::Target target{supervisor.value_or(snapshot.supervisors.front().name), std::move(*name)};
  if (snapshot.find(target.supervisor) == nullptr) {
    return tl::unexpected(no_such_supervisor(target.supervisor, snapshot));
  }
  return target;
}

Problem no_such_supervisor(const std::string& name, const fleet::FleetSnapshot& snapshot) {
  return {.status = 404,
          .type = "not_found",
          .detail = "no supervisord named '" + name +
                    "' is configured; there are: " + names_of(snapshot)};
}

Problem unknown_process(const control::Target& target,
                        const fleet::SupervisorSnapshot& supervisor) {
  if (!supervisor.up) {
    return {
        .status = 503,
        .type = "unreachable",
        .detail = "supervisord at " + supervisor.url + " cannot be read: " + supervisor.last_error,
        .process = target.name.full()};
  }
  return {.status = 404,
          .type = "not_found",
          .detail = "supervisord has no process '" + target.name.text() + "'",
          .process = target.name.full()};
}

}  // namespace reeve::api
