#include "supervisor/answers.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

namespace reeve::supervisor {

namespace {

using substrate::InstanceState;
using substrate::ManagerTime;
using xmlrpc::Value;

/// The year 2242: later times would overflow a count of nanoseconds.
constexpr std::int64_t latest_seconds = std::int64_t{1} << 33U;

/// Takes members out of a struct and remembers whether one was missing or of another type.
class Members {
 public:
  explicit Members(Value& record) : record_(record) {}

  std::string text(std::string_view name) {
    Value* const member = record_.member(name);
    std::string* const found = member == nullptr ? nullptr : member->as_string();
    whole_ = whole_ && found != nullptr;
    return found == nullptr ? std::string() : std::move(*found);
  }
  std::int64_t integer(std::string_view name) {
    const Value* const member = record_.member(name);
    return take(member == nullptr ? nullptr : member->as_integer());
  }
  std::int64_t seconds(std::string_view name) {
    const std::int64_t time = integer(name);
    whole_ = whole_ && time <= latest_seconds;
    return time;
  }
  bool flag(std::string_view name) {
    const Value* const member = record_.member(name);
    return take(member == nullptr ? nullptr : member->as_boolean());
  }
  [[nodiscard]] bool whole() const { return whole_; }

 private:
  template <class T>
  T take(const T* found) {
    whole_ = whole_ && found != nullptr;
    return found == nullptr ? T{} : *found;
  }

  Value& record_;
  bool whole_ = true;
};

/// For "never" supervisord sends 0, its Go reimplementation -62135596800 (the year 1).
std::optional<ManagerTime> to_time(std::int64_t seconds) {
  return seconds > 0 ? std::optional(ManagerTime(std::chrono::seconds(seconds))) : std::nullopt;
}

/// In every other state `exitstatus` is 0 and means nothing; a program stopped out of BACKOFF keeps
/// its spawn error.
bool has_exit_status(const substrate::InstanceDetail& detail) {
  return detail.state == InstanceState::exited ||
         (detail.state == InstanceState::stopped && detail.stop_time && detail.spawn_error.empty());
}

std::optional<std::chrono::seconds> seconds_of(const Value& record, std::string_view name) {
  const Value* const member = record.member(name);
  const std::int64_t* const seconds = member == nullptr ? nullptr : member->as_integer();
  const bool sound = seconds != nullptr && *seconds >= 0 && *seconds <= latest_seconds;
  return sound ? std::optional(std::chrono::seconds(*seconds)) : std::nullopt;
}

}  // namespace

std::optional<substrate::InstanceDetail> to_instance(Value info) {
  Members members(info);
  substrate::InstanceDetail detail;
  detail.name = {members.text("group"), members.text("name")};
  detail.description = members.text("description");
  const std::int64_t now = members.seconds("now");
  detail.now = ManagerTime(std::chrono::seconds(now));
  detail.start_time = to_time(members.seconds("start"));
  detail.stop_time = to_time(members.seconds("stop"));
  detail.spawn_error = members.text("spawnerr");
  detail.stdout_log = members.text("stdout_logfile");
  detail.stderr_log = members.text("stderr_logfile");
  const auto state = substrate::state_from_code(members.integer("state"));
  const std::int64_t pid = members.integer("pid");
  const std::int64_t exit_status = members.integer("exitstatus");
  const bool sound = now >= 0 && pid >= 0 && exit_status >= std::numeric_limits<int>::min() &&
                     exit_status <= std::numeric_limits<int>::max();
  if (!members.whole() || !state || !sound || detail.name.group.empty() ||
      detail.name.name.empty()) {
    return std::nullopt;
  }
  detail.state = *state;
  if (pid > 0) {
    detail.pid = substrate::Pid{pid};
  }
  if (has_exit_status(detail)) {
    detail.exit_status = static_cast<int>(exit_status);
  }
  return detail;
}

substrate::Listing to_listing(xmlrpc::Array infos) {
  substrate::Listing listing;
  listing.instances.reserve(infos.size());
  for (Value& info : infos) {
    if (auto instance = to_instance(std::move(info))) {
      listing.instances.push_back(std::move(*instance));
    } else {
      ++listing.rejected;
    }
  }
  std::sort(listing.instances.begin(), listing.instances.end(),
            [](const auto& left, const auto& right) { return left.name < right.name; });
  return listing;
}

std::optional<substrate::ProgramConfig> to_program(Value config) {
  Members members(config);
  substrate::ProgramConfig program;
  program.name = {members.text("group"), members.text("name")};
  program.in_use = members.flag("inuse");
  program.autostart = members.flag("autostart");
  if (!members.whole()) {
    return std::nullopt;
  }
  program.start_seconds = seconds_of(config, "startsecs");
  program.stop_wait_seconds = seconds_of(config, "stopwaitsecs");
  Value* const group_priority = config.member("group_prio");
  Value* const own_priority = config.member("process_prio");
  if (group_priority != nullptr && group_priority->as_integer() != nullptr &&
      own_priority != nullptr && own_priority->as_integer() != nullptr) {
    program.priority = {*group_priority->as_integer(), *own_priority->as_integer()};
  }
  Value* const command = config.member("command");
  if (command != nullptr && command->as_string() != nullptr) {
    program.command = std::move(*command->as_string());
  }
  return program;
}

namespace {

using base::ErrorKind;

struct Meaning {
  FaultCode code;
  ErrorKind kind;
  std::string_view sentence;
};

using enum FaultCode;

constexpr std::array meanings = {
    Meaning{unknown_method, ErrorKind::not_implemented,
            "this version of supervisord has no such method"},
    Meaning{incorrect_parameters, ErrorKind::fault, "supervisord does not take these parameters"},
    Meaning{bad_arguments, ErrorKind::invalid_argument, "this range makes no sense"},
    Meaning{signature_unsupported, ErrorKind::fault, "no such method to describe"},
    Meaning{shutdown_state, ErrorKind::shutting_down, "supervisord is shutting down or restarting"},
    Meaning{bad_name, ErrorKind::not_found, "supervisord knows no such name"},
    Meaning{bad_signal, ErrorKind::invalid_argument,
            "no such signal: give a name like HUP or a number"},
    Meaning{no_file, ErrorKind::no_file, "the file does not exist"},
    Meaning{not_executable, ErrorKind::no_file, "the program's command cannot be executed"},
    Meaning{failed, ErrorKind::fault, "supervisord could not do it"},
    Meaning{abnormal_termination, ErrorKind::spawn_failed,
            "it was stopped or ended while it was starting"},
    Meaning{spawn_error, ErrorKind::spawn_failed, "it did not stay up"},
    Meaning{already_started, ErrorKind::conflict, "it is started already"},
    Meaning{not_running, ErrorKind::conflict, "it is not running"},
    Meaning{success, ErrorKind::fault, "supervisord calls a success a fault"},
    Meaning{already_added, ErrorKind::conflict, "the group is active already"},
    Meaning{still_running, ErrorKind::conflict,
            "a process of the group still runs: stop the group first"},
    Meaning{cant_reread, ErrorKind::invalid_argument,
            "supervisord cannot read its configuration; the old one stays in force"},
};

const Meaning* meaning_of(int code) {
  const auto* const found =
      std::find_if(meanings.begin(), meanings.end(),
                   [&](const Meaning& meaning) { return static_cast<int>(meaning.code) == code; });
  return found == meanings.end() ? nullptr : found;
}

}  // namespace

ErrorKind kind_of_fault(int code) {
  const Meaning* const meaning = meaning_of(code);
  return meaning == nullptr ? ErrorKind::fault : meaning->kind;
}

namespace {

/// FAILED carries a whole Python traceback: its first line is enough for a person. What is wrong
/// with a configuration has its file and line in the lines after the first.
std::string text_for_people(const xmlrpc::Fault& fault) {
  if (fault.code != static_cast<int>(cant_reread)) {
    return fault.text.substr(0, fault.text.find('\n'));
  }
  std::string text = fault.text.substr(0, fault.text.find_last_not_of(" \t\r\n") + 1);
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at)) {
    const std::size_t next = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
    text.replace(at, next - at, "; ");
  }
  return text;
}

}  // namespace

base::Error to_error(const xmlrpc::Fault& fault, std::string_view doing) {
  const Meaning* const meaning = meaning_of(fault.code);
  std::string message(doing);
  message += ": ";
  message += meaning == nullptr ? "supervisord refused" : meaning->sentence;
  message += " (" + text_for_people(fault) + ")";
  return {kind_of_fault(fault.code), std::move(message), base::PeerFault{fault.code, fault.text}};
}

bool is_fault(const base::Error& error, FaultCode code) {
  return error.fault && error.fault->code == static_cast<int>(code);
}

bool is_answer(const base::Error& error) {
  return error.kind != ErrorKind::unreachable && error.kind != ErrorKind::socket_missing &&
         error.kind != ErrorKind::timeout && error.kind != ErrorKind::cancelled &&
         error.kind != ErrorKind::internal;
}

bool is_unspecific(const base::Error& error) {
  return error.fault && meaning_of(error.fault->code) == nullptr;
}

}  // namespace reeve::supervisor
