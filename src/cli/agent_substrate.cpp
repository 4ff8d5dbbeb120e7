#include "cli/agent_substrate.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <utility>

#include <nlohmann/json.hpp>

#include "http/grammar.h"
#include "json/json.h"

namespace reeve::cli {

namespace {

using base::Deadline;
using base::ErrorKind;
using base::failure;
using base::Result;
using http::percent_encode;
using nlohmann::ordered_json;
using substrate::InstanceName;
using substrate::Outcome;
using Method = AgentRequest::Method;

/// The agent's own limit of a wait.
constexpr std::chrono::seconds longest_wait{300};
/// Beyond what the agent waits: the way there and back, and the snapshot that it waits for.
constexpr std::chrono::seconds margin{5};
constexpr std::chrono::seconds busy_pause{1};
/// How often in a row a request may be lost on its way.
constexpr int max_lost = 3;

std::string random_key() {
  constexpr std::string_view digits = "0123456789abcdef";
  std::random_device source;
  std::string key;
  while (key.size() < 32) {
    const std::uint32_t word = source();
    for (unsigned shift = 0; shift < 32; shift += 4) {
      key += digits[(word >> shift) & 15U];
    }
  }
  return key;
}

/// Whole seconds, at least one.
std::chrono::seconds wait_within(const Deadline& deadline) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(deadline.remaining());
  return std::clamp(left, std::chrono::seconds(1), longest_wait);
}

tl::unexpected<base::Error> not_here(const std::string& what) {
  return failure(ErrorKind::not_implemented,
                 "an agent cannot " + what + ": ask supervisord itself, with --url");
}

}  // namespace

AgentSubstrate::AgentSubstrate(AgentTarget target, const Environment& environment)
    : target_(std::move(target)), environment_(environment) {}

tl::expected<ordered_json, AgentRefusal> AgentSubstrate::call(const AgentRequest& request,
                                                              const Deadline& deadline,
                                                              base::Duration server_waits) const {
  AgentAddress address = target_.address;
  address.timeout = server_waits > base::Duration::zero()
                        ? server_waits + margin
                        : std::min<base::Duration>(address.timeout, deadline.remaining());
  return call_agent(environment_, address, request, deadline.stop());
}

base::Error AgentSubstrate::error_of(AgentRefusal refusal) const {
  if (refusal.status != 0 && !refusal.is_of_supervisord()) {
    refusal.error.message =
        "the agent at " + target_.address.endpoint.url() + " refused: " + refusal.error.message;
  }
  return std::move(refusal.error);
}

Result<ordered_json> AgentSubstrate::get(const std::string& target,
                                         const Deadline& deadline) const {
  return call({Method::get, target}, deadline).map_error([this](AgentRefusal refusal) {
    return error_of(std::move(refusal));
  });
}

Result<ordered_json> AgentSubstrate::supervisor_entry(const Deadline& deadline) const {
  const auto list = get("/api/v1/supervisors", deadline);
  if (!list) {
    return failure(list.error());
  }
  for (const ordered_json& each : *list) {
    if (text_of(each, "name") == target_.supervisor) {
      return each;
    }
  }
  return failure(ErrorKind::not_found,
                 "the agent has no supervisord of the name '" + target_.supervisor + "'");
}

Result<substrate::Pid> AgentSubstrate::connect(const Deadline& deadline) {
  return supervisor_entry(deadline).and_then([](const ordered_json& entry) {
    const auto pid = entry.find("pid");
    return is_true(entry, "up") && pid != entry.end() && pid->is_number_integer()
               ? Result<substrate::Pid>(substrate::Pid{pid->get<std::int64_t>()})
               : failure(unanswered(entry));
  });
}

Result<substrate::Listing> AgentSubstrate::list_instances(const Deadline& deadline) {
  const auto list = get("/api/v1/processes" + supervisor_query(target_.supervisor), deadline);
  if (!list) {
    return failure(list.error());
  }
  const bool is_known =
      !list->empty() && std::none_of(list->begin(), list->end(), [](const ordered_json& each) {
        return text_of(each, "state").empty();
      });
  if (!is_known) {
    if (const auto pid = connect(deadline); !pid) {
      return failure(pid.error());
    }
  }
  substrate::Listing listing;
  for (const ordered_json& each : *list) {
    if (auto detail = process_from(each)) {
      listing.instances.push_back(*std::move(detail));
    } else {
      ++listing.rejected;
    }
  }
  std::sort(listing.instances.begin(), listing.instances.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return listing;
}

Result<substrate::InstanceDetail> AgentSubstrate::get_instance(const InstanceName& name,
                                                               const Deadline& deadline) {
  const auto process =
      get("/api/v1/processes/" + percent_encode(name.text()) + supervisor_query(target_.supervisor),
          deadline);
  if (!process) {
    return failure(process.error());
  }
  auto detail = process_from(*process);
  return detail ? Result<substrate::InstanceDetail>(*std::move(detail))
                : failure(ErrorKind::malformed, "the agent at " + target_.address.endpoint.url() +
                                                    " did not send a process");
}

Result<Outcome> AgentSubstrate::act(const InstanceName& name, const std::string& action,
                                    ordered_json body, const Deadline& deadline) {
  if (!target_.reason.empty()) {
    body["reason"] = target_.reason;
  }
  AgentRequest request{Method::post, "", json::to_text(body), random_key()};
  for (int lost = 0;;) {
    const auto wait = wait_within(deadline);
    request.target = "/api/v1/processes/" + percent_encode(name.text()) + "/" + action +
                     "?wait=" + std::to_string(wait.count()) + "s" +
                     supervisor_query(target_.supervisor, '&');
    auto operation = call(request, deadline, wait);
    if (!operation) {
      const AgentRefusal& refusal = operation.error();
      const bool is_full = refusal.status == 503 && refusal.word.empty();
      // The key makes it the same operation, whether or not it was accepted.
      const bool may_be_lost = refusal.status == 0 && refusal.error.kind != ErrorKind::cancelled &&
                               refusal.error.kind != ErrorKind::denied && ++lost <= max_lost;
      if ((is_full || may_be_lost) && deadline.wait(busy_pause)) {
        continue;
      }
      if (refusal.word == "own_program") {
        const std::scoped_lock lock(mutex_);
        own_programs_.insert(name);
      }
      return failure(error_of(std::move(operation.error())));
    }
    if (text_of(*operation, "state") == "done") {
      return is_true(*operation, "changed") ? Outcome::changed : Outcome::unchanged;
    }
    lost = 0;
    // Where the agent has no place to wait in, it answers at once.
    if (!deadline.wait(busy_pause)) {
      return failure(ErrorKind::timeout, name.text() + ": the operation " +
                                             text_of(*operation, "id") + " is not done yet");
    }
  }
}

Result<Outcome> AgentSubstrate::start_instance(const InstanceName& name, const Deadline& deadline) {
  return act(name, "start", ordered_json::object(), deadline);
}

Result<Outcome> AgentSubstrate::stop_instance(const InstanceName& name, substrate::StopMode mode,
                                              const Deadline& deadline) {
  ordered_json body = ordered_json::object();
  if (mode == substrate::StopMode::force) {
    body["wait"] = false;
  }
  return act(name, "stop", std::move(body), deadline);
}

Result<Outcome> AgentSubstrate::restart_instance(const InstanceName& name,
                                                 const Deadline& deadline) {
  return act(name, "restart", ordered_json::object(), deadline);
}

Result<void> AgentSubstrate::create_instance(const substrate::InstanceConfig&, const Deadline&) {
  return not_here("create processes");
}

Result<void> AgentSubstrate::delete_instance(const InstanceName&, substrate::StopMode,
                                             const Deadline&) {
  return not_here("delete processes");
}

Result<substrate::CommandOutput> AgentSubstrate::execute_command(const InstanceName&,
                                                                 const std::string&,
                                                                 const Deadline&) {
  return failure(ErrorKind::not_implemented,
                 "an agent runs no commands inside a process: restart or signal it");
}

Result<substrate::ManagerDescription> AgentSubstrate::describe(const Deadline& deadline) {
  return supervisor_entry(deadline).map([](const ordered_json& entry) {
    return substrate::ManagerDescription{text_of(entry, "version"), "",
                                         text_of(entry, "identification")};
  });
}

Result<std::vector<substrate::ProgramConfig>> AgentSubstrate::programs(const Deadline&) {
  return not_here("say what supervisord's programs are");
}

Result<void> AgentSubstrate::signal(const InstanceName& name, const std::string& signal,
                                    const Deadline& deadline) {
  ordered_json body = ordered_json::object();
  body["signal"] = signal;
  return act(name, "signal", std::move(body), deadline).map([](Outcome) {});
}

Result<substrate::ConfigChanges> AgentSubstrate::reread(const Deadline&) {
  return not_here("read supervisord's configuration again");
}

Result<void> AgentSubstrate::add_group(const std::string&, const Deadline&) {
  return not_here("add groups");
}

Result<void> AgentSubstrate::remove_group(const std::string&, const Deadline&) {
  return not_here("remove groups");
}

bool AgentSubstrate::is_own_program(const InstanceName& name) const {
  const std::scoped_lock lock(mutex_);
  return own_programs_.contains(name);
}

}  // namespace reeve::cli
