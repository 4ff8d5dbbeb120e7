#include "reeve/supervisor/supervisor_substrate.h"

#include "supervisor/lifecycle.h"
#include "supervisor/lister.h"
#include "supervisor/peer.h"

namespace reeve::supervisor {

using base::Deadline;
using base::ErrorKind;
using base::failure;
using base::Result;
using substrate::InstanceName;

namespace {

constexpr const char* programs_are_configured =
    "supervisord runs what its configuration says: change the program's section there, then"
    " reread and update";

}  // namespace

SupervisorSubstrate::SupervisorSubstrate(std::shared_ptr<xmlrpc::Caller> caller)
    : peer_(std::make_shared<Peer>(std::move(caller))), lister_(std::make_shared<Lister>(*peer_)) {}

SupervisorSubstrate::~SupervisorSubstrate() = default;

Result<substrate::Pid> SupervisorSubstrate::connect(const Deadline& deadline) {
  const auto answer = peer_->call(supervisor_call("getPID"), "asking for its pid", deadline);
  const std::int64_t* const number = answer ? answer->as_integer() : nullptr;
  if (number == nullptr || *number <= 0) {
    lister_->heard_from(std::nullopt);
    return answer ? unexpected_answer("asking for its pid") : failure(answer.error());
  }
  const substrate::Pid pid{*number};
  lister_->heard_from(pid);
  return pid;
}

Result<substrate::Listing> SupervisorSubstrate::list_instances(const Deadline& deadline) {
  return lister_->list(deadline);
}

Result<substrate::InstanceDetail> SupervisorSubstrate::get_instance(const InstanceName& name,
                                                                    const Deadline& deadline) {
  return peer_->look(name, deadline);
}

Result<substrate::Outcome> SupervisorSubstrate::start_instance(const InstanceName& name,
                                                               const Deadline& deadline) {
  return start(*peer_, name, deadline);
}

Result<substrate::Outcome> SupervisorSubstrate::stop_instance(const InstanceName& name,
                                                              substrate::StopMode mode,
                                                              const Deadline& deadline) {
  return stop(*peer_, name, mode, deadline);
}

Result<void> SupervisorSubstrate::create_instance(const substrate::InstanceConfig& /*config*/,
                                                  const Deadline& /*deadline*/) {
  return failure(ErrorKind::not_implemented, programs_are_configured);
}

Result<void> SupervisorSubstrate::delete_instance(const InstanceName& /*name*/,
                                                  substrate::StopMode /*mode*/,
                                                  const Deadline& /*deadline*/) {
  return failure(ErrorKind::not_implemented, programs_are_configured);
}

Result<substrate::CommandOutput> SupervisorSubstrate::execute_command(
    const InstanceName& /*name*/, const std::string& /*command*/, const Deadline& /*deadline*/) {
  return failure(ErrorKind::not_implemented,
                 "supervisord cannot run a command inside a process: configure it as a program"
                 " of its own, or run it on the host");
}

}  // namespace reeve::supervisor
