#include <algorithm>
#include <array>
#include <ctime>

#include "cli/commands.h"
#include "cli/session.h"
#include "cli/table.h"

namespace reeve::cli {
namespace {

using substrate::InstanceDetail;
using substrate::InstanceState;

/// A process that was stopped on purpose is healthy.
bool is_unhealthy(const InstanceDetail& detail) {
  return detail.state == InstanceState::fatal || detail.state == InstanceState::backoff ||
         detail.state == InstanceState::unknown || detail.exit_expected() == false;
}

/// As supervisorctl counts it for its exit code.
bool is_not_running(const InstanceDetail& detail) {
  return !substrate::is_active(detail.state);
}

Style style_of(const InstanceDetail& detail) {
  if (is_unhealthy(detail)) {
    return Style::bad;
  }
  return cli::style_of(detail.state);
}

std::string uptime_text(const InstanceDetail& detail) {
  const auto uptime = detail.uptime();
  if (!uptime) {
    return {};
  }
  const auto days = uptime->count() / 86'400;
  const auto rest = uptime->count() % 86'400;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%d:%02d:%02d", static_cast<int>(rest / 3600),
                static_cast<int>(rest / 60 % 60), static_cast<int>(rest % 60));
  return (days > 0 ? std::to_string(days) + "d " : "") + text.data();
}

std::string pid_text(const InstanceDetail& detail) {
  return detail.pid ? std::to_string(detail.pid->value) : "";
}

/// In the local time zone.
std::string time_text(const std::optional<substrate::ManagerTime>& time) {
  if (!time) {
    return {};
  }
  const std::time_t seconds = time->time_since_epoch().count();
  std::tm local{};
  std::array<char, 64> text{};
  if (::localtime_r(&seconds, &local) == nullptr ||
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S %z", &local) == 0) {
    return std::to_string(seconds);
  }
  return text.data();
}

std::vector<ListedProcess> to_list(const Selection& selection) {
  std::vector<ListedProcess> all;
  for (const Target& target : selection.targets) {
    all.push_back({target.supervisord, *target.detail});
  }
  return all;
}

Row list_row(const Session& session, const ListedProcess& each) {
  const InstanceDetail& detail = each.detail;
  Row row = {
      {detail.name.text()},
      {detail.name.group},
      {std::string(to_string(detail.state)), style_of(detail)},
      {pid_text(detail)},
      {uptime_text(detail)},
      {detail.description},
  };
  if (session.supervisords.size() > 1) {
    row.insert(row.begin(), Cell{each.supervisord->options.name});
  }
  return row;
}

std::string list_table(const Session& session, const std::vector<ListedProcess>& all) {
  Row head = {{"NAME"}, {"GROUP"}, {"STATUS"}, {"PID"}, {"UPTIME"}, {"DESCRIPTION"}};
  if (session.supervisords.size() > 1) {
    head.insert(head.begin(), Cell{"SUPERVISOR"});
  }
  std::vector<Row> rows = {head};
  std::transform(all.begin(), all.end(), std::back_inserter(rows),
                 [&](const ListedProcess& each) { return list_row(session, each); });
  return render_table(rows, session.output.colored());
}

/// supervisorctl's line for each process.
std::string status_lines(const Session& session, const std::vector<ListedProcess>& all) {
  constexpr std::size_t min_width = 30;
  constexpr std::size_t state_width = 10;
  std::vector<std::string> names;
  std::size_t width = min_width;
  for (const ListedProcess& each : all) {
    names.push_back(escaped(session.label(*each.supervisord, each.detail.name.text())));
    width = std::max(width, display_width(names.back()));
  }
  std::string lines;
  for (std::size_t at = 0; at < all.size(); ++at) {
    const InstanceDetail& detail = all[at].detail;
    const std::string state(to_string(detail.state));
    lines += padded(names[at], width + 3) +
             styled(state, style_of(detail), session.output.colored()) +
             std::string(state_width - state.size(), ' ') + escaped(detail.description) + '\n';
  }
  return lines;
}

/// Everything that supervisord reports of one process.
std::string status_block(const Session& session, const ListedProcess& each) {
  const InstanceDetail& detail = each.detail;
  std::vector<Row> rows = {
      {{"  state"}, {std::string(to_string(detail.state)), style_of(detail)}},
      {{"  pid"}, {pid_text(detail)}},
      {{"  started"}, {time_text(detail.start_time)}},
      {{"  uptime"}, {uptime_text(detail)}},
      {{"  stopped"}, {time_text(detail.stop_time)}},
      {{"  exit status"}, {detail.exit_status ? std::to_string(*detail.exit_status) : ""}},
      {{"  spawn error"}, {detail.spawn_error}},
      {{"  description"}, {detail.description}},
      {{"  stdout log"}, {detail.stdout_log}},
      {{"  stderr log"}, {detail.stderr_log}},
  };
  rows.erase(std::remove_if(rows.begin(), rows.end(),
                            [](const Row& row) { return row.back().text.empty(); }),
             rows.end());
  return escaped(session.label(*each.supervisord, detail.name.text())) + '\n' +
         render_table(rows, session.output.colored());
}

std::string status_text(const Session& session, const Names& names,
                        const std::vector<ListedProcess>& all) {
  const bool everything =
      names.empty() || std::find(names.begin(), names.end(), "all") != names.end();
  if (everything) {
    return status_lines(session, all);
  }
  std::string blocks;
  for (const ListedProcess& each : all) {
    blocks += (blocks.empty() ? "" : "\n") + status_block(session, each);
  }
  return blocks;
}

int show_supervisor_pids(Session& session) {
  int code = exit_success;
  for (const Supervisord& supervisord : session.supervisords) {
    const auto pid = call_supervisord(session, supervisord, [&] {
      return supervisord.substrate->connect(session.call_deadline(supervisord));
    });
    if (!pid) {
      code = session.report(Verb::pid, pid.error(), supervisord);
    } else if (session.output.json()) {
      session.output.write(pid_json(supervisord.options.name, std::nullopt, *pid) + '\n');
    } else {
      session.output.write(std::to_string(pid->value) + '\n');
    }
  }
  return code;
}

/// `before` clears the screen of a list that is watched.
int show_list(Session& session, const List& command, const std::string& before) {
  const Selection selection = select_for_query(session, Verb::list, command.names);
  std::vector<ListedProcess> all = to_list(selection);
  const auto& states = command.states;
  std::erase_if(all, [&](const ListedProcess& each) {
    return !states.empty() &&
           std::find(states.begin(), states.end(), each.detail.state) == states.end();
  });
  if (!selection.targets.empty() || selection.code == exit_success) {
    session.output.write(
        before + (session.output.json() ? processes_json(all) + '\n' : list_table(session, all)));
  }
  return selection.code;
}

}  // namespace

int run(Session& session, const List& command) {
  constexpr std::chrono::seconds pause{2};
  const base::Clock& clock = *session.environment.clock;
  const bool clears = command.watch && session.output.console().out_is_terminal;
  for (;;) {
    const int code = show_list(session, command, clears ? "\x1B[H\x1B[2J" : "");
    if (!command.watch) {
      return code;
    }
    if (!session.output.flush() || !clock.wait_until(clock.steady_now() + pause, session.stop)) {
      return exit_success;
    }
    session.looks_begin(clock.steady_now());
  }
}

int run(Session& session, const Status& command) {
  const Selection selection = select_for_query(session, Verb::status, command.names);
  const std::vector<ListedProcess> all = to_list(selection);
  if (session.output.json()) {
    session.output.write(processes_json(all) + '\n');
  } else {
    session.output.write(status_text(session, command.names, all));
  }
  const bool some_stopped = std::any_of(all.begin(), all.end(), [](const ListedProcess& each) {
    return is_not_running(each.detail);
  });
  return some_stopped ? exit_not_running : selection.code;
}

int run(Session& session, const ShowPid& command) {
  if (command.names.empty()) {
    return show_supervisor_pids(session);
  }
  const Selection selection = select_for_query(session, Verb::pid, command.names);
  int code = selection.code;
  for (const Target& target : selection.targets) {
    const auto& pid = target.detail->pid;
    session.output.write((session.output.json()
                              ? pid_json(target.supervisord->options.name, target.name, pid)
                              : std::to_string(pid ? pid->value : 0)) +
                         '\n');
    if (!pid && target.by_name) {
      code = exit_spawn_failed;
    }
  }
  return code;
}

int run(Session& session, const Healthcheck& command) {
  const Selection selection = select_for_query(session, Verb::healthcheck, command.names);
  std::vector<ListedProcess> unhealthy = to_list(selection);
  const std::size_t count = unhealthy.size();
  unhealthy.erase(
      std::remove_if(unhealthy.begin(), unhealthy.end(),
                     [](const ListedProcess& each) { return !is_unhealthy(each.detail); }),
      unhealthy.end());
  const bool healthy = unhealthy.empty() && selection.code == exit_success;
  if (session.output.json()) {
    session.output.write(health_json(healthy, unhealthy) + '\n');
  } else if (!unhealthy.empty()) {
    session.output.message("unhealthy: " + std::to_string(unhealthy.size()) + " of " +
                           std::to_string(count));
    session.output.write(session.output.quiet() ? "" : status_lines(session, unhealthy));
  } else if (healthy) {
    session.output.message("healthy: " + std::to_string(count) + " of " + std::to_string(count));
  }
  return unhealthy.empty() ? selection.code : exit_failure;
}

}  // namespace reeve::cli
