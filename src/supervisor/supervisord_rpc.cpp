#include "supervisor/supervisord_rpc.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "supervisor/answers.h"

namespace reeve::supervisor {

using base::Deadline;
using base::ErrorKind;
using base::failure;
using base::Result;
using substrate::InstanceName;
using xmlrpc::Answer;
using xmlrpc::Array;
using xmlrpc::Call;
using xmlrpc::Value;

namespace {

/// A multicall's results are bare values; a struct with these keys is a refusal.
Result<Value> multicall_result(Value result, std::string_view doing) {
  const Value* const code = result.member("faultCode");
  if (code == nullptr || code->as_integer() == nullptr) {
    return result;
  }
  const Value* const text = result.member("faultString");
  const bool has_text = text != nullptr && text->as_string() != nullptr;
  return failure(
      to_error({static_cast<int>(*code->as_integer()), has_text ? *text->as_string() : ""}, doing));
}

Result<Value> value_of(Result<Answer> answer, std::string_view doing) {
  if (!answer) {
    return failure(std::move(answer.error()));
  }
  if (const xmlrpc::Fault* const fault = answer->fault()) {
    return failure(to_error(*fault, doing));
  }
  return std::get<Value>(std::move(answer->content));
}

/// Methods that some supervisord lacks, for which a plain HTTP 500 may mean just that.
bool is_optional(std::string_view method) {
  constexpr std::array optional = {"system.multicall", "supervisor.getAllConfigInfo",
                                   "supervisor.sendRemoteCommEvent", "supervisor.signalProcess"};
  return std::find(optional.begin(), optional.end(), method) != optional.end();
}

bool reached_no_server(const Result<Answer>& answer) {
  return !answer && (answer.error().kind == ErrorKind::unreachable ||
                     answer.error().kind == ErrorKind::socket_missing);
}

}  // namespace

Call supervisor_call(std::string_view method, std::vector<Value> parameters) {
  return {"supervisor." + std::string(method), std::move(parameters)};
}

Call multicall_of(const std::vector<Call>& calls) {
  Array items;
  items.reserve(calls.size());
  for (const Call& call : calls) {
    items.emplace_back(xmlrpc::Struct{{"methodName", call.method}, {"params", call.parameters}});
  }
  Call multicall{"system.multicall", {}};
  multicall.parameters.emplace_back(std::move(items));  // in braces it is, to clang, all of them
  return multicall;
}

Result<Results> multicall_results(Value answer, std::size_t calls, std::string_view doing) {
  Array* const items = answer.as_array();
  if (items == nullptr || items->size() != calls) {
    return unexpected_answer(doing);
  }
  Results results;
  results.reserve(calls);
  for (Value& item : *items) {
    results.push_back(multicall_result(std::move(item), doing));
  }
  return results;
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

Result<Array> SupervisordRpc::call_for_array(const Call& call, std::string_view doing,
                                             const Deadline& deadline) const {
  auto answer = request(call, deadline);
  Array further = answer ? std::move(answer->further_parameters) : Array{};
  auto value = value_of(std::move(answer), doing);
  if (!value) {
    return failure(std::move(value.error()));
  }
  if (further.empty()) {
    Array* const items = value->as_array();
    return items == nullptr ? Result<Array>(unexpected_answer(doing)) : std::move(*items);
  }
  further.insert(further.begin(), *std::move(value));
  return further;
}

Result<Value> SupervisordRpc::call(const Call& call, std::string_view doing,
                                   const Deadline& deadline) const {
  return value_of(request(call, deadline), doing);
}

Result<Answer> SupervisordRpc::request(const Call& call, const Deadline& deadline) const {
  auto answer = caller_->call(call, deadline);
  if (!answer && lacks_method(call, answer.error(), deadline)) {
    return Answer{
        xmlrpc::Fault{static_cast<int>(FaultCode::unknown_method), call.method}, true, {}};
  }
  return answer;
}

/// A server that answers `call` with an HTTP status either does not speak XML-RPC at this path or
/// has no such method: a call that every supervisord knows tells which.
bool SupervisordRpc::lacks_method(const Call& call, const base::Error& error,
                                  const Deadline& deadline) const {
  const bool by_status =
      !error.fault && (error.kind == ErrorKind::not_found ||
                       (error.kind == ErrorKind::fault && is_optional(call.method)));
  const Call known = supervisor_call("getPID");
  if (!by_status || call.method == known.method) {
    return false;
  }
  const Call smallest_multicall = multicall_of({known});
  if (call.method == smallest_multicall.method && caller_->call(smallest_multicall, deadline)) {
    return false;  // an exception in one of its calls
  }
  return caller_->call(known, deadline).has_value();
}

Results SupervisordRpc::call_parallel(const std::vector<Call>& calls, std::string_view doing,
                                      const Deadline& deadline) const {
  Results values;
  for (Result<Answer>& answer : caller_->call_parallel(calls, deadline)) {
    values.push_back(value_of(std::move(answer), doing));
  }
  return values;
}

Result<Results> SupervisordRpc::multicall(const std::vector<Call>& calls, std::string_view doing,
                                          const Deadline& deadline) const {
  auto at_once = multicall_at_once(calls, doing, deadline);
  if (at_once || at_once.error().kind != ErrorKind::not_implemented) {
    return at_once;
  }
  Results results;
  results.reserve(calls.size());
  for (const Call& each : calls) {
    results.push_back(call(each, doing, deadline));
  }
  return results;
}

Result<Results> SupervisordRpc::multicall_at_once(const std::vector<Call>& calls,
                                                  std::string_view doing,
                                                  const Deadline& deadline) const {
  if (has_multicall()) {
    auto answer = call(multicall_of(calls), doing, deadline);
    if (answer) {
      return multicall_results(*std::move(answer), calls.size(), doing);
    }
    if (!is_fault(answer.error(), FaultCode::unknown_method) && !is_unspecific(answer.error())) {
      return failure(std::move(answer.error()));
    }
    set_has_multicall(false);
  }
  return failure(ErrorKind::not_implemented,
                 std::string(doing) + ": this supervisord has no system.multicall");
}

Result<substrate::Listing> SupervisordRpc::list(const Deadline& deadline) const {
  auto answer = call_for_array(supervisor_call("getAllProcessInfo"), "listing", deadline);
  if (!answer) {
    return failure(std::move(answer.error()));
  }
  return to_listing(*std::move(answer));
}

Result<substrate::InstanceDetail> SupervisordRpc::get(const InstanceName& name,
                                                      const Deadline& deadline) const {
  const auto address = namespec(name);
  if (!address) {
    return failure(address.error());
  }
  const std::string doing = "looking at " + *address;
  auto info = call(supervisor_call("getProcessInfo", {*address}), doing, deadline);
  if (!info) {
    return failure(with_cause(std::move(info.error()), name, deadline));
  }
  auto instance = to_instance(*std::move(info));
  return instance ? Result<substrate::InstanceDetail>(*std::move(instance))
                  : unexpected_answer(doing);
}

base::Error SupervisordRpc::with_cause(base::Error refusal, const InstanceName& name,
                                       const Deadline& deadline) const {
  if (!is_unspecific(refusal)) {
    return refusal;
  }
  const auto listing = list(deadline);
  const bool missing =
      listing && std::none_of(listing->instances.begin(), listing->instances.end(),
                              [&](const auto& instance) { return instance.name == name; });
  return missing ? base::Error{ErrorKind::not_found,
                               name.text() + ": supervisord knows no such process"}
                 : refusal;
}

Result<bool> SupervisordRpc::is_go_reimplementation(const Deadline& deadline) const {
  return caller_->call(supervisor_call("getSupervisorVersion"), deadline)
      .map([](const Answer& answer) { return !answer.has_declaration; });
}

xmlrpc::Caller& FallbackCaller::current() const {
  const auto reached = reached_.copy();
  return reached ? *reached : *callers_.front();
}

Result<Answer> FallbackCaller::call(const Call& call, const Deadline& deadline) {
  if (const auto reached = reached_.copy()) {
    return reached->call(call, deadline);
  }
  std::optional<Result<Answer>> first;
  for (const auto& caller : callers_) {
    auto answer = caller->call(call, deadline);
    if (!reached_no_server(answer)) {
      if (answer) {
        reached_.with([&](auto& reached) { reached = caller; });
      }
      return answer;
    }
    if (!first) {
      first = std::move(answer);
    }
  }
  return *std::move(first);
}

std::vector<Result<Answer>> FallbackCaller::call_parallel(const std::vector<Call>& calls,
                                                          const Deadline& deadline) {
  return current().call_parallel(calls, deadline);
}

Result<void> FallbackCaller::stream(const std::string& path,
                                    const std::function<bool(std::string_view)>& consumer,
                                    const Deadline& deadline) {
  return current().stream(path, consumer, deadline);
}

}  // namespace reeve::supervisor
