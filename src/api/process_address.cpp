#include "api/process_address.h"

#include <utility>

#include "guards/absent.h"

namespace reeve::api {
namespace {

constexpr std::size_t max_name_bytes = 1024;

tl::unexpected<Problem> too_long() {
  return tl::unexpected(
      malformed_request("a name has at most " + std::to_string(max_name_bytes) + " bytes"));
}

/// Of this supervisord, if there is no doubt which one is meant.
tl::expected<guards::Target, Problem> located(const Call& call, const monitor::Snapshot& snapshot,
                                              substrate::InstanceName name) {
  const auto supervisor = call.request.parameter("supervisor");
  if (!supervisor && snapshot.supervisors.size() != 1) {
    return tl::unexpected(
        malformed_request("several supervisords are configured: add ?supervisor= and one of " +
                          guards::supervisor_names(snapshot)));
  }
  guards::Target target{supervisor.value_or(snapshot.supervisors.front().name), std::move(name)};
  if (snapshot.find(target.supervisor) == nullptr) {
    return tl::unexpected(no_such_supervisor(target.supervisor, snapshot));
  }
  return target;
}

}  // namespace

tl::expected<guards::Target, Problem> address_of(const Call& call,
                                                 const monitor::Snapshot& snapshot) {
  const std::string& text = call.captured.front();
  if (text.size() > max_name_bytes) {
    return too_long();
  }
  auto name = substrate::InstanceName::parse(text);
  if (!name) {
    return tl::unexpected(malformed_request(name.error().message));
  }
  return located(call, snapshot, std::move(*name));
}

tl::expected<guards::Target, Problem> group_address_of(const Call& call,
                                                       const monitor::Snapshot& snapshot) {
  const std::string& group = call.captured.front();
  if (group.size() > max_name_bytes) {
    return too_long();
  }
  if (group.empty() || group.find(':') != std::string::npos) {
    return tl::unexpected(malformed_request("'" + group + "' is no group's name"));
  }
  return located(call, snapshot, {group, ""});
}

Problem no_such_supervisor(const std::string& name, const monitor::Snapshot& snapshot) {
  return {.status = 404, .type = "not_found", .detail = guards::no_such_supervisor(name, snapshot)};
}

Problem unknown_process(const guards::Target& target,
                        const monitor::SupervisorSnapshot& supervisor) {
  if (!supervisor.up) {
    return {
        .status = 503,
        .type = "unreachable",
        .detail = "supervisord at " + supervisor.url + " cannot be read: " + supervisor.last_error,
        .process = target.name.full()};
  }
  return {.status = 404,
          .type = "not_found",
          .detail = guards::no_such_process(target),
          .process = target.name.full()};
}

}  // namespace reeve::api
