#include "app/cluster_member.h"

#include <array>
#include <cstdint>

#include <unistd.h>

#include "base/build_info.h"
#include "base/file.h"
#include "guards/command.h"

namespace reeve::app {
namespace {

std::string host_name() {
  std::array<char, coordination::max_member_name_bytes + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

/// Why the process needs a look; empty if it does not.
std::string problem_of(const monitor::ProcessSnapshot& process) {
  const substrate::InstanceState state = process.detail.state;
  if (state == substrate::InstanceState::fatal || state == substrate::InstanceState::backoff) {
    return std::string(to_string(state));
  }
  const bool failed = state == substrate::InstanceState::exited &&
                      process.last_exit_expected == std::optional(false);
  return failed ? "unexpected exit" : "";
}

}  // namespace

base::Result<coordination::Options> member_options(const config::Config& config) {
  coordination::Options options = *config.coordination;
  coordination::MemberInfo& member = options.member;
  member.version = base::build_info().version;
  if (member.name.empty()) {
    member.name = host_name();
  }
  if (!coordination::is_name(member.name, coordination::max_member_name_bytes)) {
    return base::failure(base::ErrorKind::invalid_argument,
                         "the host's name cannot be a member's: set coordination.member.name");
  }
  const base::ListenAddress& listen = config.metrics_listener.address;
  if (member.metrics.empty() && listen.socket_path.empty()) {
    member.metrics = member.name + ":" + std::to_string(listen.port);
  }
  return options;
}

coordination::MemberReport report_of(const monitor::Snapshot& snapshot, std::size_t guards,
                                     const std::string& configuration_revision) {
  coordination::MemberReport report;
  for (const monitor::SupervisorSnapshot& supervisor : snapshot.supervisors) {
    for (const monitor::ProcessSnapshot& process : supervisor.processes) {
      const substrate::InstanceName& name = process.detail.name;
      const std::string group = substrate::qualified(supervisor.name, name.group);
      ++report.groups[group][std::string(to_string(process.detail.state))];
      const std::string problem = problem_of(process);
      if (!problem.empty() && report.problems.size() < coordination::MemberReport::max_problems) {
        report.problems.push_back({guards::Target{supervisor.name, name}.text(), problem});
      }
    }
  }
  report.guards = static_cast<unsigned>(guards);
  report.configuration_revision = configuration_revision;
  return report;
}

std::string configuration_revision(const std::string& file) {
  constexpr std::size_t max_bytes = std::size_t{1024} * 1024;
  const auto text = file.empty() ? base::Result<std::string>() : base::read_file(file, max_bytes);
  if (!text || text->empty()) {
    return "";
  }
  // FNV-1a: the same on each host.
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  for (const char c : *text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  }
  constexpr std::string_view digits = "0123456789abcdef";
  std::string revision;
  for (int shift = 60; shift >= 0; shift -= 4) {
    revision += digits[(hash >> static_cast<unsigned>(shift)) & 0xFU];
  }
  return revision;
}

}  // namespace reeve::app
