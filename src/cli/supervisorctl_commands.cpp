// supervisorctl's commands. Where its behaviour surprises, it is meant: scripts read these words.
#include <algorithm>
#include <array>
#include <cctype>
#include <span>

#include "base/text.h"
#include "cli/supervisorctl.h"
#include "cli/supervisorctl_values.h"
#include "cli/supervisord_conf.h"
#include "cli/terminal_text.h"

namespace reeve::cli {
namespace {

using Cause = CallError::Cause;
using Words = CtlWords;
using supervisor::FaultCode;
using xmlrpc::Value;

// supervisorctl's exit codes that are not in output.h.
constexpr int exit_invalid_arguments = 2;
constexpr int exit_unimplemented = 3;
constexpr int exit_refused = 4;
constexpr int exit_not_installed = 5;
constexpr int exit_dead_program = 7;  ///< also: the socket's file is missing

constexpr std::int64_t default_tail_bytes = 1600;

/// Python's int(text), within what XML-RPC can carry.
std::optional<std::int64_t> parse_int(std::string text) {
  const bool negative = text.starts_with('-');
  text.erase(0, text.starts_with('+') || negative ? 1 : 0);
  const auto number = base::parse_number<std::int32_t>(text);
  return number && *number >= 0 ? std::optional<std::int64_t>(negative ? -*number : *number)
                                : std::nullopt;
}

/// STOPPED, EXITED, FATAL, UNKNOWN
bool is_stopped(std::int64_t state) {
  return state == 0 || state == 100 || state == 200 || state == 1000;
}

using ResultWords = std::span<const std::pair<FaultCode, std::string_view>>;
constexpr std::array<std::pair<FaultCode, std::string_view>, 6> start_errors = {
    {{FaultCode::bad_name, "no such process"},
     {FaultCode::no_file, "no such file"},
     {FaultCode::not_executable, "file is not executable"},
     {FaultCode::already_started, "already started"},
     {FaultCode::spawn_error, "spawn error"},
     {FaultCode::abnormal_termination, "abnormal termination"}}};
constexpr std::array<std::pair<FaultCode, std::string_view>, 3> signal_errors = {
    {{FaultCode::bad_name, "no such process"},
     {FaultCode::bad_signal, "bad signal name"},
     {FaultCode::not_running, "not running"}}};
constexpr std::array<std::pair<FaultCode, std::string_view>, 2> clear_errors = {
    {{FaultCode::bad_name, "no such process"}, {FaultCode::failed, "failed"}}};
constexpr std::array<std::pair<FaultCode, std::string_view>, 3> log_errors = {
    {{FaultCode::no_file, "no log file"},
     {FaultCode::failed, "unknown error reading log"},
     {FaultCode::bad_name, "no such process name"}}};

/// Null if the fault has no words.
const std::string_view* find_words(ResultWords words, int code) {
  const auto found = std::find_if(words.begin(), words.end(), [&](const auto& each) {
    return static_cast<int>(each.first) == code;
  });
  return found == words.end() ? nullptr : &found->second;
}

}  // namespace

struct CtlSession::Action {
  std::string all;
  std::string group;
  std::string one;
  std::vector<Value> extra = {};  ///< parameters behind the name
  std::string success;
  ResultWords errors;
  std::optional<int> ignored;  ///< the fault that does not make the exit status
  int unknown_group_status = 1;
  bool tells_failure = false;  ///< FAILED is said in supervisord's words
};

constexpr std::array<CtlSession::Command, 23> CtlSession::all_commands = {{
    {"add", &CtlSession::add,
     "add <name> [...]\tActivates any updates in config for process/group"},
    {"avail", &CtlSession::avail, "avail\t\t\tDisplay all configured processes"},
    {"clear", &CtlSession::clear,
     "clear <name>\t\tClear a process' log files.\n"
     "clear <name> <name>\tClear multiple process' log files\n"
     "clear all\t\tClear all process' log files"},
    {"exit", &CtlSession::leave, "exit\tExit the supervisor shell."},
    {"fg", &CtlSession::fg,
     "fg <process>\tConnect to a process in foreground mode\n\t\tCtrl-C to exit"},
    {"maintail", &CtlSession::maintail,
     "maintail -f \tContinuous tail of supervisor main log file (Ctrl-C to exit)\n"
     "maintail -100\tlast 100 *bytes* of supervisord main log file\n"
     "maintail\tlast 1600 *bytes* of supervisor main log file\n"},
    {"open", &CtlSession::open,
     "open <url>\tConnect to a remote supervisord process.\n"
     "\t\t(for UNIX domain socket, use unix:///socket/path)"},
    {"pid", &CtlSession::pid,
     "pid\t\t\tGet the PID of supervisord.\n"
     "pid <name>\t\tGet the PID of a single child process by name.\n"
     "pid all\t\t\tGet the PID of every child process, one per line."},
    {"quit", &CtlSession::leave, "quit\tExit the supervisor shell."},
    {"reload", &CtlSession::reload, "reload \t\tRestart the remote supervisord."},
    {"remove", &CtlSession::remove,
     "remove <name> [...]\tRemoves process/group from active config"},
    {"reread", &CtlSession::reread,
     "reread \t\t\tReload the daemon's configuration files without add/remove"},
    {"restart", &CtlSession::restart,
     "restart <name>\t\tRestart a process\n"
     "restart <gname>:*\tRestart all processes in a group\n"
     "restart <name> <name>\tRestart multiple processes or groups\n"
     "restart all\t\tRestart all processes\n"
     "Note: restart does not reread config files. For that, see reread and update."},
    {"shutdown", &CtlSession::shutdown, "shutdown \tShut the remote supervisord down."},
    {"signal", &CtlSession::signal,
     "signal <signal name> <name>\t\tSignal a process\n"
     "signal <signal name> <gname>:*\t\tSignal all processes in a group\n"
     "signal <signal name> <name> <name>\tSignal multiple processes or groups\n"
     "signal <signal name> all\t\tSignal all processes"},
    {"start", &CtlSession::start,
     "start <name>\t\tStart a process\n"
     "start <gname>:*\t\tStart all processes in a group\n"
     "start <name> <name>\tStart multiple processes or groups\n"
     "start all\t\tStart all processes"},
    {"status", &CtlSession::status,
     "status <name>\t\tGet status for a single process\n"
     "status <gname>:*\tGet status for all processes in a group\n"
     "status <name> <name>\tGet status for multiple named processes\n"
     "status\t\t\tGet all process status info"},
    {"stop", &CtlSession::stop,
     "stop <name>\t\tStop a process\n"
     "stop <gname>:*\t\tStop all processes in a group\n"
     "stop <name> <name>\tStop multiple processes or groups\n"
     "stop all\t\tStop all processes"},
    {"tail", &CtlSession::tail,
     "tail [-f] <name> [stdout|stderr] (default stdout)\n"
     "Ex:\n"
     "tail -f <name>\t\tContinuous tail of named process stdout\n"
     "\t\t\tCtrl-C to exit.\n"
     "tail -100 <name>\tlast 100 *bytes* of process stdout\n"
     "tail <name> stderr\tlast 1600 *bytes* of process stderr"},
    {"update", &CtlSession::update,
     "update\t\t\tReload config and add/remove as necessary, and will restart affected programs\n"
     "update all\t\tReload config and add/remove as necessary, and will restart affected "
     "programs\n"
     "update <gname> [...]\tUpdate specific groups"},
    {"version", &CtlSession::version,
     "version\t\t\tShow the version of the remote supervisord process"},
    {"help", &CtlSession::help,
     "help\t\tPrint a list of available actions\nhelp <action>\tPrint help for <action>"},
    {"EOF", &CtlSession::leave, ""},
}};

const CtlSession::Command* CtlSession::find_command(std::string_view name) {
  const auto found = std::find_if(all_commands.begin(), all_commands.end(),
                                  [&](const Command& each) { return each.name == name; });
  return found == all_commands.end() ? nullptr : &*found;
}

CallResult<Value> CtlSession::call(std::string_view method, std::vector<Value> parameters) {
  return client_.call(server_, method, std::move(parameters));
}

CallResult<bool> CtlSession::is_up() {
  const auto version = call("getVersion");
  if (version) {
    const std::string* const text = version->as_string();
    if (text != nullptr && *text == "3.0") {
      return true;
    }
    print_error(
        "Sorry, this version of supervisorctl expects to talk to a server with API version 3.0, "
        "but the remote version is " +
            (text == nullptr ? std::string() : *text) + ".",
        exit_not_installed);
    return false;
  }
  const CallError& error = version.error();
  if (is_fault(error, FaultCode::unknown_method)) {
    print_error(
        "Sorry, supervisord responded but did not recognize the supervisor namespace commands that "
        "supervisorctl uses to control it.  Please check that the [rpcinterface:supervisor] "
        "section "
        "is enabled in the configuration file (see sample.conf).",
        exit_unimplemented);
    return false;
  }
  if (error.cause == Cause::refused) {
    print_error(server_.url + " refused connection", exit_refused);
    return false;
  }
  if (error.cause == Cause::missing) {
    print_error(server_.url + " no such file", exit_dead_program);
    return false;
  }
  return tl::unexpected(error);
}

void CtlSession::set_exit_status(int fault, std::optional<int> ignored) {
  const auto code = static_cast<FaultCode>(fault);
  if (code == FaultCode::success || fault == ignored) {
    return;
  }
  const bool dead = code == FaultCode::spawn_error || code == FaultCode::abnormal_termination ||
                    code == FaultCode::not_running;
  exit_status_ = dead ? exit_dead_program : 1;
}

bool CtlSession::accepts_no_arguments(std::string_view command, const std::string& argument) {
  if (!argument.empty()) {
    complain(command, "Error: " + std::string(command) + " accepts no arguments");
  }
  return argument.empty();
}

CtlOutcome CtlSession::print_result(const Action& action, const ProcessResult& result) {
  const std::string name = make_namespec(result.group, result.name);
  const auto code = static_cast<FaultCode>(result.status);
  const std::string_view* const error = find_words(action.errors, result.status);
  if (code == FaultCode::success) {
    print(name + ": " + action.success);
  } else if (error != nullptr) {
    print(name + ": ERROR (" + std::string(*error) + ")");
  } else if (code == FaultCode::failed && action.tells_failure) {
    print(result.description);
  } else {
    return python_error("ValueError",
                        "Unknown result code " + std::to_string(result.status) + " for " + name);
  }
  set_exit_status(result.status, action.ignored);
  return false;
}

CtlOutcome CtlSession::print_results(const Action& action, const Value& results) {
  for (const Value& each : items_of(results)) {
    auto printed = print_result(
        action, {text_of(each, "group"), text_of(each, "name"),
                 static_cast<int>(number_of(each, "status")), text_of(each, "description")});
    if (!printed) {
      return printed;
    }
  }
  return false;
}

CtlOutcome CtlSession::act_on_one(const Action& action, const std::string& name) {
  const Namespec spec = split_namespec(name);
  std::vector<Value> parameters = {spec.process ? name : spec.group};
  parameters.insert(parameters.end(), action.extra.begin(), action.extra.end());
  const auto done = call(spec.process ? action.one : action.group, std::move(parameters));
  if (!done && done.error().cause != Cause::fault) {
    return tl::unexpected(done.error());
  }
  if (spec.process) {
    const int status = done ? static_cast<int>(FaultCode::success) : done.error().code;
    const std::string words = done ? "" : done.error().fault_text;
    return print_result(action, {spec.group, *spec.process, status, words});
  }
  if (done) {
    return print_results(action, *done);
  }
  if (!is_fault(done.error(), FaultCode::bad_name)) {
    return tl::unexpected(done.error());
  }
  print_error(spec.group + ": ERROR (no such group)", action.unknown_group_status);
  return false;
}

CtlOutcome CtlSession::act(const Action& action, const Words& names) {
  if (has_word(names, "all")) {
    return call(action.all, action.extra).and_then([&](const Value& results) {
      return print_results(action, results);
    });
  }
  for (const std::string& name : names) {
    if (auto done = act_on_one(action, name); !done) {
      return done;
    }
  }
  return false;
}

CtlOutcome CtlSession::start(const std::string& argument) {
  return is_up().and_then([&](bool up) -> CtlOutcome {
    const Words names = split_words_at_blanks(argument);
    if (up && names.empty()) {
      complain("start", "Error: start requires a process name", exit_invalid_arguments);
    }
    const Action action{.all = "startAllProcesses",
                        .group = "startProcessGroup",
                        .one = "startProcess",
                        .success = "started",
                        .errors = start_errors,
                        .ignored = static_cast<int>(FaultCode::already_started),
                        .unknown_group_status = exit_invalid_arguments};
    return up ? act(action, names) : CtlOutcome(false);
  });
}

CtlOutcome CtlSession::stop(const std::string& argument) {
  return is_up().and_then([&](bool up) -> CtlOutcome {
    const Words names = split_words_at_blanks(argument);
    if (up && names.empty()) {
      complain("stop", "Error: stop requires a process name");
    }
    const Action action{.all = "stopAllProcesses",
                        .group = "stopProcessGroup",
                        .one = "stopProcess",
                        .success = "stopped",
                        .errors = signal_errors,
                        .ignored = static_cast<int>(FaultCode::not_running),
                        .tells_failure = true};
    return up ? act(action, names) : CtlOutcome(false);
  });
}

CtlOutcome CtlSession::signal(const std::string& argument) {
  return is_up().and_then([&](bool up) -> CtlOutcome {
    Words names = split_words_at_blanks(argument);
    if (up && names.size() < 2) {
      complain("signal", "Error: signal requires a signal name and a process name");
    }
    if (!up || names.size() < 2) {
      return false;
    }
    const std::string sent = names.front();
    names.erase(names.begin());
    return act({.all = "signalAllProcesses",
                .group = "signalProcessGroup",
                .one = "signalProcess",
                .extra = {Value(sent)},
                .success = "signalled",
                .errors = signal_errors,
                .ignored = std::nullopt,
                .tells_failure = true},
               names);
  });
}

CtlOutcome CtlSession::restart(const std::string& argument) {
  return is_up().and_then([&](bool up) -> CtlOutcome {
    if (up && argument.empty()) {
      complain("restart", "Error: restart requires a process name");
    }
    if (!up || argument.empty()) {
      return false;
    }
    return stop(argument).and_then([&](bool) { return start(argument); });
  });
}

void CtlSession::show_statuses(const std::vector<const Value*>& processes) {
  std::size_t longest = 30;
  for (const Value* each : processes) {
    longest = std::max(longest, letters_in(process_of(*each)));
  }
  for (const Value* each : processes) {
    print(column(process_of(*each), longest + 3) + column(text_of(*each, "statename"), 10) +
          text_of(*each, "description"));
  }
}

CtlOutcome CtlSession::status(const std::string& argument) {
  auto up = is_up();
  if (!up) {
    return up;
  }
  if (!*up) {
    exit_status_ = 4;
    return false;
  }
  const auto all = call("getAllProcessInfo");
  if (!all) {
    return tl::unexpected(all.error());
  }
  Words names = split_words_at_blanks(argument);
  if (names.empty() || has_word(names, "all")) {
    names = {""};
  }
  std::vector<const Value*> matching;
  for (const std::string& name : names) {
    const Namespec spec = split_namespec(name);
    const std::size_t before = matching.size();
    for (const Value& each : items_of(*all)) {
      const bool matches = text_of(each, "group") == spec.group &&
                           (!spec.process || text_of(each, "name") == *spec.process);
      if (name.empty() || matches) {
        matching.push_back(&each);
      }
    }
    if (matching.size() == before && !name.empty()) {
      print_error(spec.process ? name + ": ERROR (no such process)"
                               : spec.group + ": ERROR (no such group)",
                  4);
    }
  }
  show_statuses(matching);
  if (std::any_of(matching.begin(), matching.end(),
                  [](const Value* each) { return is_stopped(number_of(*each, "state")); })) {
    exit_status_ = 3;
  }
  return false;
}

CtlOutcome CtlSession::pid(const std::string& argument) {
  const auto up = is_up();
  if (!up || !*up) {
    return up ? CtlOutcome(false) : up;
  }
  const Words names = split_words_at_blanks(argument);
  if (names.empty() || has_word(names, "all")) {
    const auto answer = call(names.empty() ? "getPID" : "getAllProcessInfo");
    if (!answer) {
      return tl::unexpected(answer.error());
    }
    if (const auto* const own = answer->as_integer()) {
      print(std::to_string(*own));
    }
    for (const Value& each : items_of(*answer)) {
      print(text_of(each, "pid"));
    }
    return false;
  }
  for (const std::string& name : names) {
    const auto info = call("getProcessInfo", {name});
    if (info) {
      print(text_of(*info, "pid"));
      exit_status_ = number_of(*info, "pid") == 0 ? exit_dead_program : exit_status_;
    } else if (is_fault(info.error(), FaultCode::bad_name)) {
      print_error("No such process " + name);
    } else {
      return tl::unexpected(info.error());
    }
  }
  return false;
}

CtlOutcome CtlSession::print_log(std::string_view label, CallResult<Value> text) {
  if (text) {
    const std::string log = text->as_string() == nullptr ? std::string() : *text->as_string();
    const bool is_terminal = environment_.console.out_is_terminal;
    TerminalText shown(Colors::kept);
    const std::string begin = is_terminal ? shown.take(log) : log;
    out_.with([&](std::ostream* out) { *out << begin << shown.end() << '\n' << std::flush; });
    return false;
  }
  const std::string_view* const known = find_words(log_errors, text.error().code);
  if (text.error().cause != Cause::fault || known == nullptr) {
    return tl::unexpected(text.error());
  }
  print_error(std::string(label) + ": ERROR (" + std::string(*known) + ")");
  return false;
}

void CtlSession::stream_log(const std::string& path, const std::stop_token& stop) {
  const bool is_terminal = environment_.console.out_is_terminal;
  TerminalText shown(Colors::kept);
  const auto write = [&](std::string_view bytes) {
    return out_.with([&](std::ostream* out) {
      *out << bytes << std::flush;
      return out->good();
    });
  };
  const auto status = client_.stream(
      server_, path,
      [&](std::string_view bytes) { return write(is_terminal ? shown.take(bytes) : bytes); }, stop);
  write(shown.end());
  const std::string url = server_.url + path;
  if (status && *status != 200) {
    *environment_.console.err << url << " Cannot read, status code " << *status << '\n';
  } else if (!status && status.error().cause != Cause::interrupted) {
    *environment_.console.err << url << " Cannot connect, error: <class '" << status.error().type
                              << "'> (" << status.error().text << ")\n";
  }
}

CtlOutcome CtlSession::follow(const std::string& path) {
  print("==> Press Ctrl-C to exit <==");
  stream_log(path, client_.stop());
  if (client_.stop().stop_requested()) {
    print("");
  }
  return false;
}

CtlOutcome CtlSession::tail(const std::string& argument) {
  const auto up = is_up();
  if (!up || !*up) {
    return up ? CtlOutcome(false) : up;
  }
  Words words = split_words_at_blanks(argument);
  if (words.empty() || words.size() > 3) {
    complain("tail", words.empty() ? "Error: too few arguments" : "Error: too many arguments");
    return false;
  }
  std::optional<std::string> modifier;
  if (words.front().starts_with('-')) {
    modifier = words.front().substr(1);
    words.erase(words.begin());
  }
  if (words.empty()) {
    print_error("Error: tail requires process name");
    return false;
  }
  std::string channel = words.size() == 1 ? "stdout" : words.back();
  std::transform(channel.begin(), channel.end(), channel.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  if (channel != "stdout" && channel != "stderr") {
    print_error("Error: bad channel " + python_repr(channel));
    return false;
  }
  const std::string& name = words.front();
  if (modifier == "f") {
    return follow("/logtail/" + name + "/" + channel);
  }
  const auto bytes = modifier ? parse_int(*modifier) : default_tail_bytes;
  if (!bytes) {
    print_error("Error: bad argument -" + *modifier);
    return false;
  }
  return print_log(name, call(channel == "stdout" ? "readProcessStdoutLog" : "readProcessStderrLog",
                              {name, -*bytes, 0}));
}

CtlOutcome CtlSession::maintail(const std::string& argument) {
  const auto up = is_up();
  if (!up || !*up) {
    return up ? CtlOutcome(false) : up;
  }
  const Words words = split_words_at_blanks(argument);
  if (words.size() > 1) {
    complain("maintail", "Error: too many arguments");
    return false;
  }
  std::optional<std::int64_t> bytes = default_tail_bytes;
  if (!words.empty()) {
    if (words.front() == "-f") {
      return follow("/mainlogtail");
    }
    bytes = words.front().starts_with('-') ? parse_int(words.front().substr(1)) : std::nullopt;
  }
  if (!bytes) {
    print_error("Error: bad argument " + words.front());
    return false;
  }
  return print_log("supervisord", call("readLog", {-*bytes, 0}));
}

CtlOutcome CtlSession::clear(const std::string& argument) {
  const auto up = is_up();
  if (!up || !*up) {
    return up ? CtlOutcome(false) : up;
  }
  const Words names = split_words_at_blanks(argument);
  if (names.empty()) {
    complain("clear", "Error: clear requires a process name");
    return false;
  }
  const Action action{.all = "clearAllProcessLogs",
                      .group = "",
                      .one = "clearProcessLogs",
                      .success = "cleared",
                      .errors = clear_errors,
                      .ignored = std::nullopt};
  if (has_word(names, "all")) {
    return act(action, names);
  }
  for (const std::string& name : names) {
    const auto done = call(action.one, {name});
    if (!done && done.error().cause != Cause::fault) {
      return tl::unexpected(done.error());
    }
    const Namespec spec = split_namespec(name);
    const int status = done ? static_cast<int>(FaultCode::success) : done.error().code;
    if (auto printed = print_result(action, {spec.group, spec.process.value_or("None"), status});
        !printed) {
      return printed;
    }
  }
  return false;
}

CtlOutcome CtlSession::open(const std::string& argument) {
  std::string scheme = argument.substr(0, std::min(argument.find(':'), argument.size()));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  if (scheme.size() == argument.size() || (scheme != "unix" && scheme != "http")) {
    print_error("ERROR: url must be http:// or unix://");
    return false;
  }
  server_.url = argument;
  const int before = exit_status_;
  auto shown = status("");
  if (shown) {
    exit_status_ = before;
  }
  return shown;
}

CtlOutcome CtlSession::version(const std::string& argument) {
  if (!accepts_no_arguments("version", argument)) {
    return false;
  }
  const auto up = is_up();
  if (!up || !*up) {
    return up ? CtlOutcome(false) : up;
  }
  return call("getSupervisorVersion").map([&](const Value& text) {
    print(text.as_string() == nullptr ? std::string_view() : *text.as_string());
    return false;
  });
}

CtlOutcome CtlSession::leave(const std::string&) {
  print("");
  return true;
}

CtlOutcome CtlSession::help(const std::string& argument) {
  if (argument.empty()) {
    print(
        "\ndefault commands (type help <topic>):\n"
        "=====================================\n"
        "add    exit      open  reload  restart   start   tail   \n"
        "avail  fg        pid   remove  shutdown  status  update \n"
        "clear  maintail  quit  reread  signal    stop    version\n");
    return false;
  }
  const Command* const command = find_command(argument);
  print(command == nullptr || command->help.empty() ? "*** No help on " + argument
                                                    : std::string(command->help));
  return false;
}

}  // namespace reeve::cli
