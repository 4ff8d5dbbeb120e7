// The Administration half of SupervisorSubstrate.

#include "reeve/supervisor/supervisor_substrate.h"
#include "supervisor/faults.h"
#include "supervisor/lister.h"
#include "supervisor/peer.h"
#include "supervisor/records.h"

namespace reeve::supervisor {

using base::Deadline;
using base::ErrorKind;
using base::failure;
using base::Result;
using substrate::InstanceName;
using xmlrpc::Value;

namespace {

/// All strings of an array; nothing if it is none, or holds something else.
std::optional<std::vector<std::string>> to_texts(const Value& value) {
  const xmlrpc::Array* const items = value.as_array();
  std::vector<std::string> texts;
  for (const Value& item : items == nullptr ? xmlrpc::Array{} : *items) {
    if (item.as_string() == nullptr) {
      return std::nullopt;
    }
    texts.push_back(*item.as_string());
  }
  return items == nullptr ? std::nullopt : std::optional(std::move(texts));
}

/// Where the method itself is missing: nothing but another supervisord helps.
base::Error without_method(base::Error error, std::string sentence) {
  if (is_fault(error, FaultCode::unknown_method) || is_vague(error)) {
    return {ErrorKind::not_implemented, std::move(sentence), std::move(error.fault)};
  }
  return error;
}

/// The Go reimplementation answers false to what it does not do.
Result<void> to_success(const Result<Value>& answer, const std::string& doing) {
  if (!answer) {
    return failure(answer.error());
  }
  const bool* const done = answer->as_boolean();
  if (done == nullptr) {
    return unexpected_answer(doing);
  }
  if (!*done) {
    return failure(ErrorKind::not_implemented, doing + ": this supervisord says it did nothing");
  }
  return {};
}

}  // namespace

Result<substrate::ManagerDescription> SupervisorSubstrate::describe(const Deadline& deadline) {
  const std::string doing = "asking supervisord about itself";
  const auto answers =
      peer_->multicall({supervisor_call("getSupervisorVersion"), supervisor_call("getAPIVersion"),
                        supervisor_call("getIdentification")},
                       doing, deadline);
  if (!answers) {
    return failure(answers.error());
  }
  std::vector<std::string> texts;
  for (const auto& answer : *answers) {
    if (!answer) {
      return failure(answer.error());
    }
    if (answer->as_string() == nullptr) {
      return unexpected_answer(doing);
    }
    texts.push_back(*answer->as_string());
  }
  return substrate::ManagerDescription{texts[0], texts[1], texts[2]};
}

Result<std::vector<substrate::ProgramConfig>> SupervisorSubstrate::programs(
    const Deadline& deadline) {
  const std::string doing = "asking for the configured programs";
  const auto answer = peer_->call_for_array(supervisor_call("getAllConfigInfo"), doing, deadline);
  if (!answer) {
    const bool failed_inside = answer.error().kind == ErrorKind::fault && !answer.error().fault;
    const std::string sentence = "this supervisord cannot tell how its programs are configured";
    return failure(failed_inside ? base::Error{ErrorKind::not_implemented, sentence}
                                 : without_method(answer.error(), sentence));
  }
  std::vector<substrate::ProgramConfig> programs;
  for (const Value& config : *answer) {
    auto program = to_program(config);
    if (!program) {
      return unexpected_answer(doing);
    }
    programs.push_back(std::move(*program));
  }
  return programs;
}

Result<void> SupervisorSubstrate::signal(const InstanceName& name, const std::string& signal,
                                         const Deadline& deadline) {
  const auto address = namespec(name);
  if (!address) {
    return failure(address.error());
  }
  const auto sent = peer_->call(supervisor_call("signalProcess", {*address, signal}),
                                "sending " + signal + " to " + *address, deadline);
  if (!sent && is_fault(sent.error(), FaultCode::unknown_method)) {
    return failure(without_method(
        sent.error(), "this supervisord cannot send signals: supervisord 3.2 and later can"));
  }
  if (!sent) {
    return failure(peer_->explain(sent.error(), name, deadline));
  }
  return {};
}

Result<substrate::ConfigChanges> SupervisorSubstrate::reread(const Deadline& deadline) {
  const auto reimplementation = peer_->is_reimplementation(deadline);
  if (!reimplementation) {
    return failure(reimplementation.error());
  }
  if (*reimplementation) {
    return failure(ErrorKind::not_implemented,
                   "this reimplementation of supervisord applies its changed configuration when"
                   " asked to reread it: use its own client for that");
  }
  const std::string doing = "rereading the configuration";
  const auto answer = peer_->call_for_array(supervisor_call("reloadConfig"), doing, deadline);
  if (!answer) {
    return failure(answer.error());
  }
  const xmlrpc::Array* const lists = answer->size() == 1 ? answer->front().as_array() : nullptr;
  if (lists == nullptr || lists->size() != 3) {
    return unexpected_answer(doing);
  }
  auto added = to_texts(lists->at(0));
  auto changed = to_texts(lists->at(1));
  auto removed = to_texts(lists->at(2));
  if (!added || !changed || !removed) {
    return unexpected_answer(doing);
  }
  return substrate::ConfigChanges{std::move(*added), std::move(*changed), std::move(*removed)};
}

Result<void> SupervisorSubstrate::add_group(const std::string& group, const Deadline& deadline) {
  const std::string doing = "adding the group " + group;
  const auto added = peer_->call(supervisor_call("addProcessGroup", {group}), doing, deadline);
  lister_->forget();
  if (!added && is_fault(added.error(), FaultCode::already_added)) {
    return {};
  }
  return to_success(added, doing);
}

Result<void> SupervisorSubstrate::remove_group(const std::string& group, const Deadline& deadline) {
  const std::string doing = "removing the group " + group;
  const auto removed = peer_->call(supervisor_call("removeProcessGroup", {group}), doing, deadline);
  lister_->forget();
  return to_success(removed, doing);
}

}  // namespace reeve::supervisor
