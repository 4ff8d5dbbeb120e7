// The commands of supervisorctl that change supervisord's configuration or supervisord itself, and
// fg.
#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "base/text.h"
#include "cli/supervisorctl.h"
#include "cli/supervisorctl_values.h"
#include "substrate/own_program.h"

namespace reeve::cli {
namespace {

using Cause = CallError::Cause;
using Words = CtlWords;
using supervisor::FaultCode;
using xmlrpc::Value;

constexpr std::int64_t state_running = 20;

constexpr std::string_view force_word = "--force";

/// Words without `--force`, which supervisorctl does not have.
struct Forceable {
  Words names;
  bool forced = false;
};

Forceable without_force(const std::string& argument) {
  Forceable parts{split_words_at_blanks(argument), false};
  parts.forced = std::erase(parts.names, force_word) > 0;
  return parts;
}

}  // namespace

CallResult<bool> CtlSession::confirm(const std::string& question) {
  if (!interactive_) {
    return true;
  }
  return ask(question).map(
      [](const std::string& answer) { return answer.starts_with('y') || answer.starts_with('Y'); });
}

bool CtlSession::spares_reeve(std::string_view command, const std::optional<std::string>& group) {
  const auto endpoint = ctl_endpoint(server_.url);
  if (!endpoint) {
    return false;
  }
  supervisor::Options options;
  options.endpoint = *endpoint;
  if (server_.sends_credentials()) {
    options.username = *server_.username;
    options.password = *server_.password;
  }
  const Supervisord supervisord = environment_.connect(options);
  const auto deadline = base::Deadline::after(*environment_.clock, options.timeout, client_.stop());
  const auto programs = supervisord.administration->programs(deadline);
  const auto listing = supervisord.substrate->list_instances(deadline);
  if (!programs || !listing) {
    return false;
  }
  for (const substrate::ProgramConfig& program : *programs) {
    const bool active = std::any_of(
        listing->instances.begin(), listing->instances.end(), [&](const auto& instance) {
          return instance.name == program.name && (group || substrate::is_active(instance.state));
        });
    if (active && (!group || program.name.group == *group) && substrate::runs_reeve(program)) {
      print_error("ERROR: " + std::string(command) + " would end " + program.name.text() +
                  ", which runs Reeve itself: " + std::string(command) + " --force does it");
      return true;
    }
  }
  return false;
}

CtlOutcome CtlSession::shutdown(const std::string& argument) {
  const auto [names, forced] = without_force(argument);
  if (!accepts_no_arguments("shutdown", base::join(names, " "))) {
    return false;
  }
  const auto really = confirm("Really shut the remote supervisord process down y/N? ");
  if (!really || !*really || (!forced && spares_reeve("shutdown", std::nullopt))) {
    return really ? CtlOutcome(false) : really;
  }
  const auto done = call("shutdown");
  if (done) {
    print("Shut down");
  } else if (is_fault(done.error(), FaultCode::shutdown_state)) {
    print("ERROR: already shutting down");
  } else if (done.error().cause == Cause::refused || done.error().cause == Cause::missing) {
    print_error("ERROR: " + server_.url +
                (done.error().cause == Cause::refused ? " refused connection" : " no such file") +
                " (already shut down?)");
  } else {
    return tl::unexpected(done.error());
  }
  return false;
}

CtlOutcome CtlSession::reload(const std::string& argument) {
  const auto [names, forced] = without_force(argument);
  if (!accepts_no_arguments("reload", base::join(names, " "))) {
    return false;
  }
  const auto really = confirm("Really restart the remote supervisord process y/N? ");
  if (!really || !*really || (!forced && spares_reeve("reload", std::nullopt))) {
    return really ? CtlOutcome(false) : really;
  }
  const auto done = call("restart");
  if (done) {
    print("Restarted supervisord");
  } else if (is_fault(done.error(), FaultCode::shutdown_state)) {
    print_error("ERROR: already shutting down");
  } else {
    return tl::unexpected(done.error());
  }
  return false;
}

CtlOutcome CtlSession::avail(const std::string& argument) {
  if (!accepts_no_arguments("avail", argument)) {
    return false;
  }
  const auto programs = call("getAllConfigInfo");
  if (!programs && is_fault(programs.error(), FaultCode::shutdown_state)) {
    print_error("ERROR: supervisor shutting down");
    return false;
  }
  if (!programs) {
    return tl::unexpected(programs.error());
  }
  for (const Value& each : items_of(*programs)) {
    print(column(process_of(each), 32) + ' ' +
          column(flag_of(each, "inuse") ? "in use" : "avail", 9) + ' ' +
          column(flag_of(each, "autostart") ? "auto" : "manual", 9) + ' ' +
          text_of(each, "group_prio") + ":" + text_of(each, "process_prio"));
  }
  return false;
}

CtlOutcome CtlSession::reread(const std::string& argument) {
  if (!accepts_no_arguments("reread", argument)) {
    return false;
  }
  const auto changes = call("reloadConfig");
  if (!changes) {
    if (is_fault(changes.error(), FaultCode::shutdown_state)) {
      print_error("ERROR: supervisor shutting down");
      return false;
    }
    if (is_fault(changes.error(), FaultCode::cant_reread)) {
      print_error("ERROR: " + changes.error().fault_text);
      return false;
    }
    return tl::unexpected(changes.error());
  }
  const xmlrpc::Array& answer = items_of(*changes);
  std::map<std::string, std::string_view> words;
  std::size_t kind = 0;
  for (const Value& names : answer.empty() ? answer : items_of(answer.front())) {
    for (const std::string& name : words_of(names)) {
      words[name] = kind == 0 ? "available" : kind == 1 ? "changed" : "disappeared";
    }
    ++kind;
  }
  for (const auto& [name, word] : words) {
    print(name + ": " + std::string(word));
  }
  if (words.empty()) {
    print("No config updates to processes");
  }
  return false;
}

CtlOutcome CtlSession::add(const std::string& argument) {
  for (const std::string& name : split_words_at_blanks(argument)) {
    const auto done = call("addProcessGroup", {name});
    if (done) {
      print(name + ": added process group");
    } else if (is_fault(done.error(), FaultCode::shutdown_state)) {
      print_error("ERROR: shutting down");
    } else if (is_fault(done.error(), FaultCode::already_added)) {
      print("ERROR: process group already active");
    } else if (is_fault(done.error(), FaultCode::bad_name)) {
      print_error("ERROR: no such process/group: " + name);
    } else {
      return tl::unexpected(done.error());
    }
  }
  return false;
}

CtlOutcome CtlSession::remove(const std::string& argument) {
  const auto [names, forced] = without_force(argument);
  for (const std::string& name : names) {
    if (!forced && spares_reeve("remove", name)) {
      continue;
    }
    const auto done = call("removeProcessGroup", {name});
    if (done) {
      print(name + ": removed process group");
    } else if (is_fault(done.error(), FaultCode::still_running)) {
      print_error("ERROR: process/group still running: " + name);
    } else if (is_fault(done.error(), FaultCode::bad_name)) {
      print_error("ERROR: no such process/group: " + name);
    } else {
      return tl::unexpected(done.error());
    }
  }
  return false;
}

CallResult<void> CtlSession::report_unknown_groups(const Words& wanted, const Words& added) {
  if (wanted.empty()) {
    return {};
  }
  const auto all = call("getAllProcessInfo");
  if (!all) {
    return tl::unexpected(all.error());
  }
  Words known = added;
  for (const Value& each : items_of(*all)) {
    known.push_back(text_of(each, "group"));
  }
  for (const std::string& group : std::set<std::string>(wanted.begin(), wanted.end())) {
    if (!has_word(known, group)) {
      print_error("ERROR: no such group: " + group);
    }
  }
  return {};
}

/// Stops and removes a group that has changed or is no longer configured.
CtlOutcome CtlSession::replace_group(const std::string& group, bool back) {
  const auto results = call("stopProcessGroup", {group});
  if (!results) {
    return tl::unexpected(results.error());
  }
  print(group + ": stopped");
  const xmlrpc::Array& stopped = items_of(*results);
  const bool failed = std::any_of(stopped.begin(), stopped.end(), [](const Value& each) {
    return number_of(each, "status") == static_cast<int>(FaultCode::failed);
  });
  if (!back && failed) {
    print_error(group + ": has problems; not removing");
    return false;
  }
  auto done = call("removeProcessGroup", {group});
  if (done && back) {
    done = call("addProcessGroup", {group});
  }
  if (!done) {
    return tl::unexpected(done.error());
  }
  print(group + (back ? ": updated process group" : ": removed process group"));
  return false;
}

CtlOutcome CtlSession::update_groups(const Value& changes, Words wanted) {
  const xmlrpc::Array& kinds = items_of(changes);
  if (kinds.size() < 3) {
    return python_error("ValueError", "not enough values to unpack (expected 3, got " +
                                          std::to_string(kinds.size()) + ")");
  }
  if (has_word(wanted, "all")) {
    wanted.clear();
  }
  if (const auto known = report_unknown_groups(wanted, words_of(kinds[0])); !known) {
    return tl::unexpected(known.error());
  }
  const auto is_wanted = [&](const std::string& group) {
    return wanted.empty() || has_word(wanted, group);
  };
  for (const bool back : {false, true}) {
    for (const std::string& group : words_of(kinds[back ? 1 : 2])) {
      if (auto done = is_wanted(group) ? replace_group(group, back) : CtlOutcome(false); !done) {
        return done;
      }
    }
  }
  for (const std::string& group : words_of(kinds[0])) {
    if (!is_wanted(group)) {
      continue;
    }
    if (const auto done = call("addProcessGroup", {group}); !done) {
      return tl::unexpected(done.error());
    }
    print(group + ": added process group");
  }
  return false;
}

CtlOutcome CtlSession::update(const std::string& argument) {
  const auto changes = call("reloadConfig");
  if (changes) {
    const xmlrpc::Array& answer = items_of(*changes);
    return update_groups(answer.empty() ? Value() : answer.front(),
                         split_words_at_blanks(argument));
  }
  if (is_fault(changes.error(), FaultCode::shutdown_state)) {
    print_error("ERROR: already shutting down");
    return false;
  }
  return tl::unexpected(changes.error());
}

CtlOutcome CtlSession::fg(const std::string& argument) {
  const auto up = is_up();
  if (!up || !*up) {
    return up ? CtlOutcome(false) : up;
  }
  const Words names = split_words_at_blanks(argument);
  if (names.empty()) {
    complain("fg", "ERROR: no process name supplied");
    return false;
  }
  if (names.size() > 1) {
    print_error("ERROR: too many process names supplied");
    return false;
  }
  const auto info = call("getProcessInfo", {names.front()});
  if (!info && info.error().cause != Cause::fault) {
    return tl::unexpected(info.error());
  }
  if (!info && is_fault(info.error(), FaultCode::bad_name)) {
    print_error("ERROR: bad process name supplied");
  } else if (!info) {
    print("ERROR: " + info.error().text);
  } else if (number_of(*info, "state") != state_running) {
    print_error("ERROR: process not running");
  } else {
    print("==> Press Ctrl-C to exit <==");
    return talk(names.front());
  }
  return false;
}

/// Hands lines to the process' standard input while both of its logs are shown.
CtlOutcome CtlSession::talk(const std::string& name) {
  std::vector<std::jthread> logs;
  for (const std::string& path : {"/logtail/" + name + "/stdout", "/logtail/" + name + "/stderr"}) {
    logs.emplace_back([this, path](const std::stop_token& stop) { stream_log(path, stop); });
  }
  const auto leave_it = [&](std::string_view why) {
    if (!why.empty()) {
      print(why);
    }
    print("Exiting foreground");
    return false;
  };
  while (true) {
    const auto line = input_.next();
    if (!line || !*line) {
      return leave_it("");
    }
    const auto sent = call("sendProcessStdin", {name, **line + "\n"});
    if (!sent && sent.error().cause == Cause::fault) {
      const bool gone = is_fault(sent.error(), FaultCode::not_running);
      return leave_it(gone ? "Process got killed" : "ERROR: " + sent.error().text);
    }
    const auto info = sent ? call("getProcessInfo", {name}) : sent;
    if (!info) {
      return tl::unexpected(info.error());
    }
    if (number_of(*info, "state") != state_running) {
      return leave_it("Process got killed");
    }
  }
}

}  // namespace reeve::cli
