#include "supervisor/peer.h"

#include <algorithm>

#include "supervisor/faults.h"
#include "supervisor/records.h"

namespace reeve::supervisor {

using base::Deadline;
using base::ErrorKind;
using base::failure;
using base::Result;
using substrate::InstanceName;
using xmlrpc::Array;
using xmlrpc::Call;
using xmlrpc::Value;

namespace {

tl::unexpected<base::Error> no_such_process(const InstanceName& name) {
  return failure(ErrorKind::not_found, name.text() + ": supervisord knows no such process");
}

/// A multicall's results are bare values; a struct with these keys is a refusal.
Result<Value> multicall_result(const Value& result, std::string_view doing) {
  const Value* const code = result.member("faultCode");
  const Value* const text = result.member("faultString");
  if (code == nullptr || code->as_integer() == nullptr) {
    return result;
  }
  const bool has_text = text != nullptr && text->as_string() != nullptr;
  return failure(
      to_error({static_cast<int>(*code->as_integer()), has_text ? *text->as_string() : ""}, doing));
}

Result<Value> value_of(Result<xmlrpc::Answer> answer, std::string_view doing) {
  if (!answer) {
    return failure(std::move(answer.error()));
  }
  if (const xmlrpc::Fault* const fault = answer->fault()) {
    return failure(to_error(*fault, doing));
  }
  return std::get<Value>(std::move(answer->content));
}

}  // namespace

Call supervisor_call(std::string_view method, std::vector<Value> parameters) {
  return {"supervisor." + std::string(method), std::move(parameters)};
}

Call multicall_of(const std::vector<Call>& calls) {
  Array items;
  for (const Call& call : calls) {
    items.emplace_back(xmlrpc::Struct{{"methodName", call.method}, {"params", call.parameters}});
  }
  Call multicall{"system.multicall", {}};
  multicall.parameters.emplace_back(std::move(items));  // in braces it is, to clang, all of them
  return multicall;
}

Result<std::string> namespec(const InstanceName& name) {
  const bool addresses_group = name.name == "*" && name.group != "*";
  if (name.group.empty() || name.name.empty() || addresses_group ||
      name.group.find(':') != std::string::npos) {
    return failure(ErrorKind::not_found,
                   "'" + name.full() + "' names no single process of supervisord");
  }
  return name.text();
}

tl::unexpected<base::Error> unexpected_answer(std::string_view doing) {
  return failure(ErrorKind::malformed,
                 std::string(doing) + ": the answer is not what supervisord is known to answer");
}

Result<Array> Peer::call_for_array(const Call& call, std::string_view doing,
                                   const Deadline& deadline) const {
  auto answer = caller_->call(call, deadline);
  const Array further = answer ? std::move(answer->further_parameters) : Array{};
  auto value = value_of(std::move(answer), doing);
  if (!value) {
    return failure(std::move(value.error()));
  }
  if (further.empty()) {
    Array* const items = value->as_array();
    return items == nullptr ? Result<Array>(unexpected_answer(doing)) : std::move(*items);
  }
  Array items{*std::move(value)};
  items.insert(items.end(), further.begin(), further.end());
  return items;
}

Result<Value> Peer::call(const Call& call, std::string_view doing, const Deadline& deadline) const {
  return value_of(caller_->call(call, deadline), doing);
}

std::vector<Result<Value>> Peer::call_parallel(const std::vector<Call>& calls,
                                               std::string_view doing,
                                               const Deadline& deadline) const {
  std::vector<Result<Value>> values;
  for (Result<xmlrpc::Answer>& answer : caller_->call_parallel(calls, deadline)) {
    values.push_back(value_of(std::move(answer), doing));
  }
  return values;
}

Result<std::vector<Result<Value>>> Peer::multicall(const std::vector<Call>& calls,
                                                   std::string_view doing,
                                                   const Deadline& deadline) const {
  auto at_once = multicall_at_once(calls, doing, deadline);
  if (at_once || at_once.error().kind != ErrorKind::not_implemented) {
    return at_once;
  }
  std::vector<Result<Value>> results;
  results.reserve(calls.size());
  for (const Call& each : calls) {
    results.push_back(call(each, doing, deadline));
  }
  return results;
}

Result<std::vector<Result<Value>>> Peer::multicall_at_once(const std::vector<Call>& calls,
                                                           std::string_view doing,
                                                           const Deadline& deadline) const {
  const auto all = call(multicall_of(calls), doing, deadline);
  if (!all && (is_fault(all.error(), FaultCode::unknown_method) || is_vague(all.error()))) {
    return failure(ErrorKind::not_implemented,
                   std::string(doing) + ": this supervisord has no system.multicall");
  }
  if (!all) {
    return failure(all.error());
  }
  const Array* const items = all->as_array();
  if (items == nullptr || items->size() != calls.size()) {
    return unexpected_answer(doing);
  }
  std::vector<Result<Value>> results;
  for (const Value& item : *items) {
    results.push_back(multicall_result(item, doing));
  }
  return results;
}

Result<substrate::Listing> Peer::list(const Deadline& deadline) const {
  const auto answer = call_for_array(supervisor_call("getAllProcessInfo"), "listing", deadline);
  if (!answer) {
    return failure(answer.error());
  }
  return to_listing(*answer);
}

Result<substrate::InstanceDetail> Peer::look(const InstanceName& name,
                                             const Deadline& deadline) const {
  const auto address = namespec(name);
  if (!address) {
    return failure(address.error());
  }
  const std::string doing = "looking at " + *address;
  const auto info = call(supervisor_call("getProcessInfo", {*address}), doing, deadline);
  if (!info) {
    return failure(explain(info.error(), name, deadline));
  }
  auto instance = to_instance(*info);
  return instance ? Result<substrate::InstanceDetail>(std::move(*instance))
                  : unexpected_answer(doing);
}

base::Error Peer::explain(base::Error refusal, const InstanceName& name,
                          const Deadline& deadline) const {
  if (!is_vague(refusal)) {
    return refusal;
  }
  const auto listing = list(deadline);
  const bool missing =
      listing && std::none_of(listing->instances.begin(), listing->instances.end(),
                              [&](const auto& instance) { return instance.name == name; });
  return missing ? no_such_process(name).value() : refusal;
}

Result<bool> Peer::is_reimplementation(const Deadline& deadline) const {
  return caller_->call(supervisor_call("getSupervisorVersion"), deadline)
      .map([](const xmlrpc::Answer& answer) { return !answer.has_declaration; });
}

}  // namespace reeve::supervisor
