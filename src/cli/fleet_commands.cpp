// `reeve fleet list`, and start, stop and restart over all hosts, so many at a time.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/side_by_side.h"
#include "base/text.h"
#include "cli/agent_api.h"
#include "cli/agent_substrate.h"
#include "cli/commands.h"
#include "cli/fleet.h"
#include "cli/table.h"
#include "json/json.h"
#include "substrate/selector.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;
using nlohmann::ordered_json;
using substrate::InstanceDetail;
using substrate::InstanceState;
using substrate::Selector;

constexpr std::chrono::seconds listing_timeout{5};
constexpr std::chrono::minutes action_timeout{10};
constexpr std::size_t most_at_once = 64;

struct FleetProcess {
  const FleetHost* host = nullptr;
  std::string supervisor;
  InstanceDetail detail;
  ordered_json object;  ///< as the agent shows it

  [[nodiscard]] std::string text() const {
    return substrate::qualified(supervisor, detail.name.text());
  }
  /// Not while its supervisord does not answer the agent.
  [[nodiscard]] bool has_known_state() const { return !text_of(object, "state").empty(); }
};

/// What a host answered.
struct HostListing {
  std::vector<FleetProcess> processes = {};
  std::vector<Problem> problems = {};  ///< none: it answered, and so did all its supervisords
};

/// It does not answer its agent, or did not when the processes were listed, a moment before.
void note_if_down(HostListing& listing, const ordered_json& supervisor, const FleetHost& host) {
  const std::string name = text_of(supervisor, "name");
  if (!is_true(supervisor, "up") ||
      std::any_of(listing.processes.begin(), listing.processes.end(), [&](const auto& each) {
        return each.supervisor == name && !each.has_known_state();
      })) {
    listing.problems.push_back({unanswered(supervisor), name, "", host.name});
  }
}

HostListing list_host(const FleetHost& host, const AgentSession& own) {
  if (host.problem) {
    return {.problems = {{*host.problem, "", "", host.name}}};
  }
  AgentAddress address = host.address;
  address.timeout = own.options.settings.timeout.value_or(listing_timeout);
  const auto get = [&](const char* target) {
    return call_agent(own.environment, address, {AgentRequest::Method::get, target}, own.stop);
  };
  auto processes = get("/api/v1/processes");
  const auto supervisors = processes ? get("/api/v1/supervisors") : processes;
  if (!supervisors) {
    return {.problems = {{supervisors.error().error, "", "", host.name}}};
  }
  HostListing listing;
  for (ordered_json& each : *processes) {
    if (auto detail = process_from(each)) {
      listing.processes.push_back(
          {&host, text_of(each, "supervisor"), *std::move(detail), std::move(each)});
    }
  }
  for (const ordered_json& each : *supervisors) {
    note_if_down(listing, each, host);
  }
  return listing;
}

/// All hosts at once, and which of their processes the names select.
class FleetSelection {
 public:
  FleetSelection(const std::vector<FleetHost>& hosts, const AgentSession& own, const Names& names)
      : own_(own) {
    std::vector<HostListing> listings(hosts.size());
    base::side_by_side(hosts.size(),
                       [&](std::size_t at) { listings[at] = list_host(hosts[at], own); });
    for (const HostListing& listing : listings) {
      for (const Problem& problem : listing.problems) {
        own.output.problem(problem);
        code_ = exit_unknown;
      }
    }
    for (const std::string& name : names.empty() ? Names{"all"} : names) {
      select(name, listings);
    }
  }

  /// Host by host, each process once.
  [[nodiscard]] std::vector<FleetProcess>& processes() { return selected_; }
  /// exit_unknown if a host or a supervisord did not answer, exit_failure if a name selected
  /// nothing.
  [[nodiscard]] int code() const { return code_; }

 private:
  void select(const std::string& name, const std::vector<HostListing>& listings) {
    const auto selector = Selector::parse(name == "all" ? "*" : name);
    bool any = name == "all" || code_ == exit_unknown;  // what did not answer may have it
    for (const HostListing& listing : listings) {
      for (const FleetProcess& each : listing.processes) {
        if (selector && selects(*selector, each, listing)) {
          any = true;
          add(each);
        }
      }
    }
    if (!any) {
      own_.output.problem({{ErrorKind::not_found, selector ? "no process matches '" + name + "'"
                                                           : selector.error().message},
                           {},
                           name});
      code_ = exit_failure;
    }
  }

  [[nodiscard]] static bool selects(const Selector& selector, const FleetProcess& process,
                                    const HostListing& listing) {
    const auto any = [&](const auto& predicate) {
      return std::any_of(listing.processes.begin(), listing.processes.end(), predicate);
    };
    const substrate::KnownNames known{
        .has_supervisor =
            [&](std::string_view name) {
              return any([&](const FleetProcess& each) { return each.supervisor == name; });
            },
        .has_process =
            [&](std::string_view supervisor, const substrate::InstanceName& name) {
              return any([&](const FleetProcess& each) {
                return each.supervisor == supervisor && each.detail.name == name;
              });
            }};
    return selector.matches(process.supervisor, process.detail.name, known);
  }

  void add(const FleetProcess& process) {
    if (seen_.insert({process.host, process.text()}).second) {
      selected_.push_back(process);
    }
  }

  const AgentSession& own_;
  std::vector<FleetProcess> selected_;
  std::set<std::pair<const FleetHost*, std::string>> seen_;
  int code_ = exit_success;
};

std::string fleet_table(const std::vector<FleetProcess>& processes, bool colored) {
  std::vector<Row> rows = {{{"HOST"}, {"NAME"}, {"STATUS"}, {"PID"}, {"DESCRIPTION"}}};
  for (const FleetProcess& each : processes) {
    const InstanceDetail& detail = each.detail;
    rows.push_back({{each.host->name},
                    {each.text()},
                    {std::string(to_string(detail.state)), style_of(detail.state)},
                    {detail.pid ? std::to_string(detail.pid->value) : ""},
                    {detail.description}});
  }
  return render_table(rows, colored);
}

std::string fleet_json(const std::vector<FleetProcess>& processes) {
  ordered_json list = ordered_json::array();
  for (const FleetProcess& each : processes) {
    ordered_json object;
    object["host"] = base::to_utf8(each.host->name);
    object.update(each.object);
    list.push_back(std::move(object));
  }
  return json::to_indented_text(list) + '\n';
}

/// The words of an action.
struct ActionWords {
  Verb verb;
  const char* doing;
  const char* done;
  const char* unchanged;
};

ActionWords action_words(FleetVerb verb) {
  switch (verb) {
    case FleetVerb::start:
      return {Verb::start, "starting", "started", "already running"};
    case FleetVerb::stop:
      return {Verb::stop, "stopping", "stopped", "not running"};
    case FleetVerb::restart:
      return {Verb::restart, "restarting", "restarted", "restarted"};
  }
  return {Verb::restart, "restarting", "restarted", "restarted"};
}

bool needs_fleet_action(FleetVerb verb, InstanceState state) {
  const bool started = state == InstanceState::starting || state == InstanceState::running ||
                       state == InstanceState::backoff;
  return verb == FleetVerb::restart || started == (verb == FleetVerb::stop);
}

std::string counted(std::size_t count, const char* one, const char* several) {
  return std::to_string(count) + " " + (count == 1 ? one : several);
}

std::size_t hosts_of(const std::vector<FleetProcess>& processes) {
  std::set<const FleetHost*> hosts;
  for (const FleetProcess& each : processes) {
    hosts.insert(each.host);
  }
  return hosts.size();
}

/// So many at a time over all hosts; each is done, and verified by its agent, before the next
/// begins. A failure too many and an interrupt begin no more, and what is under way is finished.
class RollingAction {
 public:
  RollingAction(const FleetAction& command, const AgentSession& own,
                std::vector<FleetProcess> processes)
      : command_(command),
        own_(own),
        words_(action_words(command.verb)),
        all_(std::move(processes)) {}

  /// The exit code of the last failure, or of an interrupt.
  [[nodiscard]] int run() {
    base::side_by_side(std::min({command_.at_once, all_.size(), most_at_once}),
                       [this](std::size_t) { work(); });
    print_summary();
    const bool interrupted = next_ < all_.size() && code_ == exit_success;
    return interrupted ? exit_failure : code_.load();
  }

 private:
  void work() {
    while (const FleetProcess* const process = take()) {
      AgentSubstrate agent({process->host->address, process->supervisor, command_.reason},
                           own_.environment);
      const auto outcome = act(agent, process->detail.name);
      if (!outcome && agent.is_own_program(process->detail.name)) {
        own_.output.notice("leaving out " + process->text() + " of " + process->host->name +
                           ": it runs Reeve itself");
      } else {
        report(*process, outcome);
      }
    }
  }

  [[nodiscard]] const FleetProcess* take() {
    const std::scoped_lock lock(mutex_);
    const bool ends = failed_ >= command_.stop_after_failures || own_.stop.stop_requested();
    return ends || next_ == all_.size() ? nullptr : &all_[next_++];
  }

  [[nodiscard]] base::Result<substrate::Outcome> act(AgentSubstrate& agent,
                                                     const substrate::InstanceName& name) const {
    // Not ended by an interrupt: what is under way is finished.
    const auto deadline = base::Deadline::after(
        *own_.environment.clock, own_.options.settings.timeout.value_or(action_timeout));
    switch (command_.verb) {
      case FleetVerb::start:
        return agent.start_instance(name, deadline);
      case FleetVerb::stop:
        return agent.stop_instance(name, substrate::StopMode::graceful, deadline);
      case FleetVerb::restart:
        break;
    }
    return agent.restart_instance(name, deadline);
  }

  void report(const FleetProcess& process, const base::Result<substrate::Outcome>& outcome) {
    if (outcome) {
      ++done_;
      print_result(own_, process,
                   *outcome == substrate::Outcome::changed ? words_.done : words_.unchanged);
      return;
    }
    own_.output.problem({outcome.error(), "", process.text(), process.host->name});
    code_ = exit_code(words_.verb, outcome.error().kind);
    const std::scoped_lock lock(mutex_);
    ++failed_;
  }

  void print_summary() const {
    const std::size_t left = all_.size() - next_;
    if (own_.output.json()) {
      ordered_json summary;
      summary["done"] = done_.load();
      summary["failed"] = failed_;
      summary["left"] = left;
      own_.output.write(json::to_text({{"summary", summary}}) + '\n');
      return;
    }
    std::string text =
        std::to_string(done_) + " of " + std::to_string(all_.size()) + " processes " + words_.done;
    text += failed_ > 0 ? ", " + std::to_string(failed_) + " failed" : "";
    text += left > 0 ? ", " + std::to_string(left) + " left as they are" : "";
    own_.output.notice((own_.stop.stop_requested() ? "interrupted: " : "") + text);
  }

 public:
  static void print_result(const AgentSession& own, const FleetProcess& process,
                           const std::string& result) {
    if (!own.output.json()) {
      own.output.message(escaped(process.host->name) + ": " + escaped(process.text()) + ": " +
                         result);
      return;
    }
    ordered_json object;
    object["host"] = base::to_utf8(process.host->name);
    object["supervisor"] = json::null_if_empty(process.supervisor);
    object["group"] = base::to_utf8(process.detail.name.group);
    object["name"] = base::to_utf8(process.detail.name.name);
    object["result"] = result;
    own.output.write(json::to_text(object) + '\n');
  }

 private:
  const FleetAction& command_;
  const AgentSession& own_;
  const ActionWords words_;
  const std::vector<FleetProcess> all_;
  std::mutex mutex_;
  std::size_t next_ = 0;    ///< under mutex_ while the work goes on
  std::size_t failed_ = 0;  ///< the same
  std::atomic<std::size_t> done_ = 0;
  std::atomic<int> code_ = exit_success;
};

}  // namespace

int run(AgentSession& own, const FleetList& command) {
  const auto hosts = find_hosts(command.fleet, own);
  if (!hosts) {
    return hosts.error();
  }
  FleetSelection selection(*hosts, own, command.names);
  own.output.write(own.output.json() ? fleet_json(selection.processes())
                                     : fleet_table(selection.processes(), own.output.colored()));
  return selection.code();
}

int run(AgentSession& own, const FleetAction& command) {
  const auto hosts = find_hosts(command.fleet, own);
  if (!hosts) {
    return hosts.error();
  }
  FleetSelection selection(*hosts, own, command.names);
  std::vector<FleetProcess> processes = std::move(selection.processes());
  std::erase_if(processes, [&](const FleetProcess& each) {
    return !each.has_known_state() || !needs_fleet_action(command.verb, each.detail.state);
  });
  if (command.dry_run) {
    for (const FleetProcess& each : processes) {
      RollingAction::print_result(own, each,
                                  std::string("would be ") + action_words(command.verb).done);
    }
    return selection.code();
  }
  own.output.notice(std::string(action_words(command.verb).doing) + " " +
                    counted(processes.size(), "process", "processes") + " on " +
                    counted(hosts_of(processes), "host", "hosts") + ", " +
                    std::to_string(command.at_once) + " at a time");
  const int code = RollingAction(command, own, std::move(processes)).run();
  return code == exit_success ? selection.code() : code;
}

}  // namespace reeve::cli
