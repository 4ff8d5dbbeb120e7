#include "reeve/supervisor/supervisor_substrate.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "http/grammar.h"
#include "supervisor/answers.h"
#include "supervisor/lister.h"
#include "supervisor/log_reader.h"
#include "supervisor/supervisord_rpc.h"
#include "xmlrpc/client.h"

namespace reeve::supervisor {

using base::Deadline;
using base::Error;
using base::ErrorKind;
using base::failure;
using base::Result;
using substrate::InstanceDetail;
using substrate::InstanceName;
using substrate::InstanceState;
using substrate::LogStream;
using substrate::Outcome;
using xmlrpc::Value;

namespace {

constexpr const char* programs_are_configured =
    "supervisord runs what its configuration says: change the program's section there, then"
    " reread and update";

std::shared_ptr<xmlrpc::Caller> client_at(const Options& options, base::Endpoint endpoint) {
  return std::make_shared<xmlrpc::Client>(
      xmlrpc::ClientOptions{.endpoint = std::move(endpoint),
                            .username = options.username,
                            .password = options.password,
                            .max_answer_bytes = options.max_answer_bytes});
}

/// The pauses between two calls that look whether a process has changed its state: most are done
/// within milliseconds, some take minutes.
class GrowingPause {
 public:
  [[nodiscard]] base::Duration next() {
    const base::Duration pause = next_;
    next_ = std::min<base::Duration>(next_ * 2, std::chrono::milliseconds(200));
    return pause;
  }

 private:
  base::Duration next_ = std::chrono::milliseconds(4);
};

Error spawn_failure(const InstanceDetail& detail, std::optional<base::PeerFault> fault) {
  const std::string why = detail.spawn_error.empty()
                              ? "it did not stay up; its log may say why (it is " +
                                    std::string(to_string(detail.state)) + " now)"
                              : detail.spawn_error;
  return {ErrorKind::spawn_failed, "starting " + detail.name.text() + ": " + why, std::move(fault)};
}

/// The deadline has passed or a stop was requested while the process was in `state`.
Error wait_ended(const InstanceName& name, const Deadline& deadline, InstanceState state) {
  const ErrorKind kind = deadline.cancelled() ? ErrorKind::cancelled : ErrorKind::timeout;
  return {kind, name.text() + " is still " + std::string(to_string(state)) +
                    "; supervisord goes on with it"};
}

/// Waits for a start that another client had asked for already.
Result<Outcome> await_start(const SupervisordRpc& rpc, const InstanceName& name,
                            const Deadline& deadline) {
  for (GrowingPause pause;;) {
    const auto detail = rpc.get(name, deadline);
    if (!detail) {
      return failure(detail.error());
    }
    switch (detail->state) {
      case InstanceState::running:
      case InstanceState::exited:  // reached through RUNNING alone
        return Outcome::unchanged;
      case InstanceState::starting:
      case InstanceState::backoff:
        break;
      case InstanceState::stopped:
      case InstanceState::stopping:
      case InstanceState::fatal:
      case InstanceState::unknown:
        return failure(spawn_failure(*detail, std::nullopt));
    }
    if (!deadline.wait(pause.next())) {
      return failure(wait_ended(name, deadline, detail->state));
    }
  }
}

/// The result of a start that supervisord refused, given the process as it is now.
Result<Outcome> refused_start(const SupervisordRpc& rpc, const Error& refusal,
                              const InstanceDetail& detail, const Deadline& deadline) {
  // A process whose command has vanished since it was started is refused with NO_FILE.
  const bool was_spawned = refusal.kind == ErrorKind::spawn_failed;
  if (detail.state == InstanceState::running && !was_spawned) {
    return Outcome::unchanged;
  }
  if (detail.state == InstanceState::stopping) {
    return failure({ErrorKind::conflict,
                    "starting " + detail.name.text() +
                        ": it is being stopped; start it again once it has stopped",
                    refusal.fault});
  }
  if (is_fault(refusal, FaultCode::spawn_error)) {
    return failure(spawn_failure(detail, refusal.fault));
  }
  if (is_fault(refusal, FaultCode::already_started) ||
      (is_unspecific(refusal) && substrate::is_active(detail.state))) {
    return await_start(rpc, detail.name, deadline);
  }
  return failure(is_unspecific(refusal) ? spawn_failure(detail, refusal.fault) : refusal);
}

Error unmanageable(const InstanceDetail& detail) {
  return {ErrorKind::conflict, "stopping " + detail.name.text() +
                                   ": supervisord lost hold of it (UNKNOWN) and cannot stop it;"
                                   " end the process by hand"};
}

Result<Outcome> await_stop(const SupervisordRpc& rpc, const InstanceName& name,
                           const Deadline& deadline) {
  for (GrowingPause pause;;) {
    if (!deadline.wait(pause.next())) {
      return failure(wait_ended(name, deadline, InstanceState::stopping));
    }
    const auto detail = rpc.get(name, deadline);
    if (!detail && detail.error().kind == ErrorKind::not_found) {
      return Outcome::changed;  // its group was removed, which takes a stopped process
    }
    if (!detail) {
      return failure(detail.error());
    }
    if (detail->state == InstanceState::unknown) {
      return failure(unmanageable(*detail));
    }
    // Any other state: it has stopped, and another client may have started it again.
    if (detail->state != InstanceState::stopping) {
      return Outcome::changed;
    }
  }
}

/// supervisord decodes the path of /logtail, splits it at these characters, and decodes it again.
std::string logtail_path(std::string_view address, LogStream stream) {
  constexpr std::string_view split_at = "%#?;";
  std::string path = "/logtail/";
  for (const char letter : address) {
    std::string encoded = http::percent_encode(std::string_view(&letter, 1));
    path +=
        split_at.find(letter) == std::string_view::npos ? encoded : http::percent_encode(encoded);
  }
  return path + (stream == LogStream::standard_output ? "/stdout" : "/stderr");
}

bool is_stdout(LogStream stream) {
  return stream == LogStream::standard_output;
}

/// The log that this process has or has not: why there is no file.
Error no_log(const InstanceDetail& detail, LogStream stream, std::optional<base::PeerFault> fault) {
  const std::string who = detail.name.text();
  const std::string& file = is_stdout(stream) ? detail.stdout_log : detail.stderr_log;
  return {ErrorKind::no_file,
          file.empty() ? who + " has no such log: none is configured"
                       : who + " has no log there: " + file +
                             " does not exist; nothing was written yet, or it was removed",
          std::move(fault)};
}

/// supervisord answers 404 to whatever keeps it from following a log: this is not for want of it.
Error no_logtail(const InstanceName& name, LogStream stream) {
  return {ErrorKind::not_implemented,
          name.full().find('/') == std::string::npos
              ? name.text() + " has a log, but the server has no " +
                    logtail_path(name.text(), stream) +
                    " that follows it: a proxy in front of supervisord must pass on /logtail, too"
              : "supervisord cannot follow the log of a process with '/' in its name: read it"
                " without following"};
}

LogSource process_log(const SupervisordRpc& rpc, const std::string& address, LogStream stream) {
  const char* const method = is_stdout(stream) ? "readProcessStdoutLog" : "readProcessStderrLog";
  return {rpc,
          [=](std::int64_t offset, std::int64_t length) {
            return supervisor_call(method, {address, offset, length});
          },
          "reading the log of " + address};
}

/// All strings of an array; nothing if it is no array, or holds something else.
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

/// `sentence` as not_implemented if the method itself is missing.
Error without_method(Error error, std::string sentence) {
  if (is_fault(error, FaultCode::unknown_method) || is_unspecific(error)) {
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

Result<Options> options_for(std::string_view url) {
  return base::Endpoint::parse(url, "/RPC2").map([](base::Endpoint endpoint) {
    Options options;
    options.endpoint = std::move(endpoint);
    return options;
  });
}

std::shared_ptr<SupervisorSubstrate> connect_to(const Options& options) {
  auto first = client_at(options, options.endpoint);
  if (options.usual_sockets.empty()) {
    return std::make_shared<SupervisorSubstrate>(std::move(first));
  }
  std::vector<std::shared_ptr<xmlrpc::Caller>> callers = {std::move(first)};
  for (const std::string& socket : options.usual_sockets) {
    base::Endpoint endpoint = options.endpoint;
    endpoint.scheme = base::Endpoint::Scheme::unix_socket;
    endpoint.socket_path = socket;
    callers.push_back(client_at(options, std::move(endpoint)));
  }
  return std::make_shared<SupervisorSubstrate>(
      std::make_shared<FallbackCaller>(std::move(callers)));
}

SupervisorSubstrate::SupervisorSubstrate(std::shared_ptr<xmlrpc::Caller> caller)
    : rpc_(std::make_shared<SupervisordRpc>(std::move(caller))),
      lister_(std::make_shared<Lister>(*rpc_)) {}

SupervisorSubstrate::~SupervisorSubstrate() = default;

Result<substrate::Pid> SupervisorSubstrate::connect(const Deadline& deadline) {
  const std::string doing = "asking for its pid";
  const auto answer = rpc_->call(supervisor_call("getPID"), doing, deadline);
  const std::int64_t* const number = answer ? answer->as_integer() : nullptr;
  if (number == nullptr || *number <= 0) {
    lister_->observe_pid(std::nullopt);
    return answer ? unexpected_answer(doing) : failure(answer.error());
  }
  const substrate::Pid pid{*number};
  lister_->observe_pid(pid);
  return pid;
}

Result<substrate::Listing> SupervisorSubstrate::list_instances(const Deadline& deadline) {
  return lister_->list(deadline);
}

Result<InstanceDetail> SupervisorSubstrate::get_instance(const InstanceName& name,
                                                         const Deadline& deadline) {
  return rpc_->get(name, deadline);
}

/// Lets supervisord wait for the start, which costs it nothing.
Result<Outcome> SupervisorSubstrate::start_instance(const InstanceName& name,
                                                    const Deadline& deadline) {
  const auto address = namespec(name);
  if (!address) {
    return failure(address.error());
  }
  const auto started = rpc_->call(supervisor_call("startProcess", {*address, true}),
                                  "starting " + *address, deadline);
  if (started) {
    return Outcome::changed;
  }
  const Error& refusal = started.error();
  if (!refusal.fault || refusal.kind == ErrorKind::not_found ||
      refusal.kind == ErrorKind::shutting_down) {
    return failure(refusal);
  }
  const auto detail = rpc_->get(name, deadline);
  if (!detail) {
    return failure(detail.error().kind == ErrorKind::not_found ? detail.error() : refusal);
  }
  return refused_start(*rpc_, refusal, *detail, deadline);
}

/// Asks without waiting and then looks until the process has stopped: supervisord would use a whole
/// core while it waits for a stop.
Result<Outcome> SupervisorSubstrate::stop_instance(const InstanceName& name,
                                                   substrate::StopMode mode,
                                                   const Deadline& deadline) {
  const auto address = namespec(name);
  if (!address) {
    return failure(address.error());
  }
  const bool force = mode == substrate::StopMode::force;
  // A program that crashes in a loop may be EXITED, hence "not running", and up again at the
  // next moment: then the stop is repeated.
  constexpr int attempts = 3;
  Error refusal;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const auto asked = rpc_->call(supervisor_call("stopProcess", {*address, false}),
                                  "stopping " + *address, deadline);
    if (asked) {
      return force ? Outcome::changed : await_stop(*rpc_, name, deadline);
    }
    refusal = asked.error();
    if (!is_fault(refusal, FaultCode::not_running) && !is_unspecific(refusal)) {
      break;
    }
    const auto detail = rpc_->get(name, deadline);
    if (!detail) {
      return failure(detail.error());
    }
    if (detail->state == InstanceState::unknown) {
      return failure(unmanageable(*detail));
    }
    if (detail->state == InstanceState::stopping) {
      return force ? Outcome::unchanged : await_stop(*rpc_, name, deadline);
    }
    if (!substrate::is_active(detail->state)) {
      return Outcome::unchanged;
    }
  }
  return failure(refusal);
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

Result<std::string> SupervisorSubstrate::read_log(const InstanceName& name, LogStream stream,
                                                  const substrate::LogRange& range,
                                                  const Deadline& deadline) {
  const auto address = namespec(name);
  if (!address) {
    return failure(address.error());
  }
  const auto size = [&] { return log_size(name, stream, deadline); };
  return read_range(process_log(*rpc_, *address, stream), range, size, deadline)
      .map_error([&](Error error) {
        if (error.kind != ErrorKind::no_file) {
          return rpc_->with_cause(std::move(error), name, deadline);
        }
        const auto detail = rpc_->get(name, deadline);
        return detail ? no_log(*detail, stream, error.fault) : error;
      });
}

Result<std::uint64_t> SupervisorSubstrate::log_size(const InstanceName& name, LogStream stream,
                                                    const Deadline& deadline) {
  const auto address = namespec(name);
  if (!address) {
    return failure(address.error());
  }
  const char* const method = is_stdout(stream) ? "tailProcessStdoutLog" : "tailProcessStderrLog";
  const std::string doing = "asking for the size of a log of " + *address;
  const auto answer =
      rpc_->call_for_array(supervisor_call(method, {*address, 0, 0}), doing, deadline);
  if (!answer && answer.error().kind == ErrorKind::fault && !answer.error().fault) {
    // A plain HTTP 500: beyond 2 GiB supervisord cannot put the size into its answer.
    return probe_size(process_log(*rpc_, *address, stream), deadline);
  }
  if (!answer) {
    return failure(rpc_->with_cause(answer.error(), name, deadline));
  }
  const std::int64_t* const size = answer->size() == 3 ? answer->at(1).as_integer() : nullptr;
  if (size == nullptr || *size < 0) {
    return unexpected_answer(doing);
  }
  return static_cast<std::uint64_t>(*size);
}

Result<void> SupervisorSubstrate::follow_log(const InstanceName& name, LogStream stream,
                                             const substrate::LogConsumer& consumer,
                                             const Deadline& deadline) {
  const auto address = namespec(name);
  if (!address) {
    return failure(address.error());
  }
  bool consumer_is_done = false;
  auto followed = rpc_->stream(
      logtail_path(*address, stream),
      [&](std::string_view bytes) {
        consumer_is_done = !consumer(bytes);
        return !consumer_is_done;
      },
      deadline);
  if (!followed && followed.error().kind == ErrorKind::not_found) {
    return read_log(name, stream, {.length = 1}, deadline)
        .and_then([&](const auto&) -> Result<void> { return failure(no_logtail(name, stream)); });
  }
  if (followed && !consumer_is_done) {
    return failure(ErrorKind::unreachable,
                   "following the log of " + *address +
                       ": supervisord closed the connection, because it ended or the log is gone");
  }
  return followed;
}

Result<void> SupervisorSubstrate::clear_logs(const InstanceName& name, const Deadline& deadline) {
  const auto address = namespec(name);
  if (!address) {
    return failure(address.error());
  }
  const auto cleared = rpc_->call(supervisor_call("clearProcessLogs", {*address}),
                                  "clearing the logs of " + *address, deadline);
  if (!cleared) {
    return failure(rpc_->with_cause(cleared.error(), name, deadline));
  }
  return {};
}

Result<std::string> SupervisorSubstrate::read_manager_log(const substrate::LogRange& range,
                                                          const Deadline& deadline) {
  const LogSource source{*rpc_,
                         [](std::int64_t offset, std::int64_t length) {
                           return supervisor_call("readLog", {offset, length});
                         },
                         "reading supervisord's log"};
  return read_range(
      source, range, [&] { return probe_size(source, deadline); }, deadline);
}

Result<substrate::ManagerDescription> SupervisorSubstrate::describe(const Deadline& deadline) {
  const std::string doing = "asking supervisord about itself";
  const auto answers =
      rpc_->multicall({supervisor_call("getSupervisorVersion"), supervisor_call("getAPIVersion"),
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
  auto answer = rpc_->call_for_array(supervisor_call("getAllConfigInfo"), doing, deadline);
  if (!answer) {
    return failure(without_method(answer.error(),
                                  "this supervisord cannot tell how its programs are configured"));
  }
  std::vector<substrate::ProgramConfig> programs;
  for (Value& config : *answer) {
    auto program = to_program(std::move(config));
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
  const auto sent = rpc_->call(supervisor_call("signalProcess", {*address, signal}),
                               "sending " + signal + " to " + *address, deadline);
  if (!sent && is_fault(sent.error(), FaultCode::unknown_method)) {
    return failure(without_method(
        sent.error(), "this supervisord cannot send signals: supervisord 3.2 and later can"));
  }
  if (!sent) {
    return failure(rpc_->with_cause(sent.error(), name, deadline));
  }
  return {};
}

Result<substrate::ConfigChanges> SupervisorSubstrate::reread(const Deadline& deadline) {
  const auto is_go = rpc_->is_go_reimplementation(deadline);
  if (!is_go) {
    return failure(is_go.error());
  }
  if (*is_go) {
    return failure(ErrorKind::not_implemented,
                   "this reimplementation of supervisord applies its changed configuration when"
                   " asked to reread it: use its own client for that");
  }
  const std::string doing = "rereading the configuration";
  const auto answer = rpc_->call_for_array(supervisor_call("reloadConfig"), doing, deadline);
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
  const auto added = rpc_->call(supervisor_call("addProcessGroup", {group}), doing, deadline);
  lister_->forget_names();
  if (!added && is_fault(added.error(), FaultCode::already_added)) {
    return {};
  }
  return to_success(added, doing);
}

Result<void> SupervisorSubstrate::remove_group(const std::string& group, const Deadline& deadline) {
  const std::string doing = "removing the group " + group;
  const auto removed = rpc_->call(supervisor_call("removeProcessGroup", {group}), doing, deadline);
  lister_->forget_names();
  return to_success(removed, doing);
}

}  // namespace reeve::supervisor
