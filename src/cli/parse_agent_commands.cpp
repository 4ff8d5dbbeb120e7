#include "cli/parse_agent_commands.h"

#include <algorithm>
#include <utility>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "base/text.h"

namespace reeve::cli {

std::string strip_prefix(const std::string& word) {
  return word.starts_with(literal_prefix) ? word.substr(1) : word;
}

CLI::Option* add_text(CLI::App& app, const std::string& option, std::optional<std::string>& value,
                      const std::string& type, const std::string& description) {
  return app
      .add_option_function<std::string>(
          option, [&value](const std::string& word) { value = strip_prefix(word); }, description)
      ->type_name(type);
}

void add_agent_options(CLI::App& command, AgentOptions& agent) {
  add_text(command, "--agent", agent.url, "URL",
           "A running agent: http://, https:// or unix:///path");
  add_text(command, "--token-file", agent.token_file, "FILE",
           "File with one of the agent's tokens");
}

namespace {

void add_words(CLI::App& command, AgentArguments& arguments, const std::string& description) {
  const auto keep = [&arguments](const CLI::results_t& results) {
    for (const std::string& word : results) {
      arguments.words.push_back(strip_prefix(word));
    }
    return true;
  };
  command.add_option("WORDS", CLI::callback_t(keep), description)
      ->expected(0, CLI::detail::expected_max_vector_size)
      ->allow_extra_args()
      ->type_name("");
}

/// The words of a command that has subcommands; `list` is the default.
struct SubcommandWords {
  std::string subcommand;
  std::string object;
  std::size_t surplus = 0;  ///< further words
};

SubcommandWords split_words(const std::vector<std::string>& words) {
  return {words.empty() ? "list" : words[0], words.size() > 1 ? words[1] : "",
          words.size() > 2 ? words.size() - 2 : 0};
}

void add_maintenance_options(CLI::App& command, AgentArguments& arguments) {
  add_agent_options(command, arguments.agent);
  add_words(command, arguments, "list (default), set SCOPE or clear SCOPE");
  add_text(command, "--ttl", arguments.ttl, "DURATION", "set: for how long, like 2h");
  add_text(command, "--reason", arguments.reason, "TEXT", "set: the reason, shown in the audit");
  command.add_flag("--fleet", arguments.all_hosts, "set and clear: on all hosts of the cluster");
}

void add_guards_options(CLI::App& command, AgentArguments& arguments) {
  add_agent_options(command, arguments.agent);
  add_words(command, arguments, "list (default), or reset NAME");
}

void add_audit_options(CLI::App& command, AgentArguments& arguments) {
  add_agent_options(command, arguments.agent);
  add_words(command, arguments, "Processes and groups, or patterns (default: everything)");
  add_text(command, "--since", arguments.since, "TIME",
           "Nothing older: like 1h, RFC 3339 or Unix seconds");
  add_text(command, "--limit", arguments.limit, "N", "The newest N (default 100)");
  add_text(command, "--actor", arguments.actor, "NAME", "Of this token, client or rule alone");
  add_text(command, "--decision", arguments.decision, "WORD",
           "With this outcome alone, like cooldown or failed, or waiting for it to pass");
  command.add_flag("-f,--follow", arguments.follow, "Go on with what is recorded from now on");
}

tl::expected<Command, std::string> maintenance_command(const AgentArguments& arguments) {
  const SubcommandWords words = split_words(arguments.words);
  const bool set = words.subcommand == "set";
  if (!set && (arguments.ttl || arguments.reason)) {
    return tl::unexpected(std::string("--ttl and --reason go with maintenance set"));
  }
  if (words.subcommand == "list" && words.object.empty()) {
    return ShowMaintenance{arguments.agent};
  }
  if ((!set && words.subcommand != "clear") || words.object.empty() || words.surplus > 0) {
    return tl::unexpected(std::string("expected maintenance list, set SCOPE or clear SCOPE"));
  }
  if (!set) {
    return ClearMaintenance{arguments.agent, words.object, arguments.all_hosts};
  }
  const auto ttl = base::parse_duration(arguments.ttl.value_or(""));
  if (!ttl) {
    return tl::unexpected("maintenance set needs --ttl, a duration like 30m or 2h" +
                          (arguments.ttl ? ", found '" + *arguments.ttl + "'" : ""));
  }
  return SetMaintenance{arguments.agent, words.object, *ttl, arguments.reason.value_or(""),
                        arguments.all_hosts};
}

tl::expected<Command, std::string> guards_command(const AgentArguments& arguments) {
  const SubcommandWords words = split_words(arguments.words);
  if (words.subcommand == "list" && words.object.empty()) {
    return ShowGuards{arguments.agent};
  }
  if (words.subcommand != "reset" || words.object.empty() || words.surplus > 0) {
    return tl::unexpected(std::string("expected guards list, or reset NAME ('*' for all)"));
  }
  return ResetGuards{arguments.agent, words.object};
}

tl::expected<Command, std::string> audit_command(const AgentArguments& arguments) {
  ShowAudit audit{arguments.agent, arguments.since};
  if (arguments.limit) {
    audit.limit = base::parse_number<std::size_t>(*arguments.limit);
    if (!audit.limit) {
      return tl::unexpected("--limit is a number, found '" + *arguments.limit + "'");
    }
  }
  audit.names = arguments.words;
  audit.actor = arguments.actor;
  audit.decision = arguments.decision;
  audit.follow = arguments.follow;
  return audit;
}

void add_fleet_options(CLI::App& command, AgentArguments& arguments) {
  FleetOptions& fleet = arguments.fleet;
  add_agent_options(command, arguments.agent);
  add_words(
      command, arguments,
      "list [NAME...]; start, stop or restart NAME...; members, targets, forget MEMBER; limits,"
      " limit set NAME, limit delete NAME, release LIMIT HOLDER");
  add_text(command, "--agents", fleet.agents, "URLS",
           "These agents, separated by commas, in place of the members that the agent knows");
  add_text(command, "--agents-file", fleet.agents_file, "FILE", "The same, a URL in each line");
  command
      .add_option_function<std::vector<std::string>>(
          "--trusted-host",
          [&fleet](const std::vector<std::string>& hosts) {
            fleet.trusted_hosts.insert(fleet.trusted_hosts.end(), hosts.begin(), hosts.end());
          },
          "A member's host that the token may be sent to, or '*.DOMAIN'; may be repeated")
      ->type_name("HOST")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  command.add_flag("--plaintext", fleet.plaintext, "Send the token over http beyond loopback, too");
  add_text(
      command, "--at-once", arguments.at_once, "N",
      "start, stop, restart: so many at a time over all hosts (default 1); limit set: of a limit");
  add_text(command, "--stop-after-failures", arguments.stop_after_failures, "N",
           "start, stop, restart: begin no more after so many (default 1)");
  add_text(command, "--reason", arguments.reason, "TEXT",
           "The reason, shown in the agents' audits");
  command.add_flag("--dry-run", arguments.dry_run, "Print the order, and do nothing");
  add_text(command, "--budget", arguments.budget, "N/DURATION", "limit set: so many, like 5/1h");
  add_text(command, "--hold-failed", arguments.hold_failed, "DURATION",
           "limit set: how long a failed action keeps its slot (default 15m)");
}

/// From 1 on; `fallback` if the option is absent, nothing if it is no such number.
std::optional<std::size_t> count_of(const std::optional<std::string>& text, std::size_t fallback) {
  const auto number = text ? base::parse_number<std::size_t>(*text) : std::optional(fallback);
  return number && *number > 0 ? number : std::nullopt;
}

tl::expected<FleetAction, std::string> fleet_action(const AgentArguments& arguments,
                                                    const std::string& subcommand) {
  FleetAction action;
  if (subcommand == "start" || subcommand == "stop") {
    action.verb = subcommand == "start" ? FleetVerb::start : FleetVerb::stop;
  } else if (subcommand != "restart") {
    return tl::unexpected(std::string(
        "expected fleet list, start, stop, restart, members, targets, forget NAME, limits,"
        " limit set NAME, limit delete NAME or release LIMIT HOLDER"));
  }
  const auto at_once = count_of(arguments.at_once, action.at_once);
  const auto failures = count_of(arguments.stop_after_failures, action.stop_after_failures);
  if (!at_once || !failures) {
    return tl::unexpected(std::string("--at-once and --stop-after-failures are numbers from 1 on"));
  }
  action.at_once = *at_once;
  action.stop_after_failures = *failures;
  action.reason = arguments.reason.value_or("");
  action.dry_run = arguments.dry_run;
  return action;
}

tl::expected<Command, std::string> limit_command(const AgentArguments& arguments) {
  const auto& words = arguments.words;
  if (words.size() == 3 && words[1] == "delete") {
    return DeleteLimit{arguments.agent, words[2]};
  }
  if (words.size() != 3 || words[1] != "set") {
    return tl::unexpected(std::string("expected fleet limit set NAME or limit delete NAME"));
  }
  const auto at_once = arguments.at_once ? count_of(arguments.at_once, 1) : std::nullopt;
  if (!at_once) {
    return tl::unexpected(std::string("fleet limit set needs --at-once, a number from 1 on"));
  }
  return SetLimit{arguments.agent, words[2], *at_once, arguments.budget, arguments.hold_failed};
}

/// What the cluster shares; nothing if the words say another command.
std::optional<tl::expected<Command, std::string>> cluster_command(const AgentArguments& arguments) {
  const auto& words = arguments.words;
  const std::string first = words.empty() ? "" : words.front();
  const auto takes = [&](std::size_t count) { return words.size() == count + 1; };
  if (first == "limit") {
    return limit_command(arguments);
  }
  if (first == "members" && takes(0)) {
    return ShowMembers{arguments.agent};
  }
  if (first == "targets" && takes(0)) {
    return ShowTargets{arguments.agent};
  }
  if (first == "limits" && takes(0)) {
    return ShowLimits{arguments.agent};
  }
  if (first == "forget" && takes(1)) {
    return ForgetMember{arguments.agent, words[1]};
  }
  if (first == "release" && takes(2)) {
    return ReleaseSlot{arguments.agent, words[1], words[2]};
  }
  return std::nullopt;
}

tl::expected<Command, std::string> fleet_command(const AgentArguments& arguments) {
  if (auto shared = cluster_command(arguments)) {
    return *std::move(shared);
  }
  FleetOptions fleet = arguments.fleet;
  fleet.agent = arguments.agent;
  if (fleet.agent.url && (fleet.agents || fleet.agents_file)) {
    return tl::unexpected(std::string("--agent and --agents exclude each other"));
  }
  const std::string subcommand = split_words(arguments.words).subcommand;
  const std::ptrdiff_t begin = arguments.words.empty() ? 0 : 1;
  const Names names(arguments.words.begin() + begin, arguments.words.end());
  if (subcommand == "list") {
    return FleetList{std::move(fleet), names};
  }
  auto action = fleet_action(arguments, subcommand);
  if (!action) {
    return tl::unexpected(std::move(action.error()));
  }
  if (names.empty()) {
    return tl::unexpected("fleet " + subcommand + " needs a process name, a pattern or all");
  }
  action->fleet = std::move(fleet);
  action->names = names;
  return *std::move(action);
}

}  // namespace

const std::vector<AgentCommandSpec>& agent_command_specs() {
  static const std::vector<AgentCommandSpec> specs = {
      {"maintenance", "List, set and clear maintenance: alerts start no action there",
       "Examples:\n  reeve maintenance\n"
       "  reeve maintenance set 'web:*' --ttl 2h --reason 'new disk'\n"
       "  reeve maintenance clear 'web:*'\nSends a request to a running agent.",
       add_maintenance_options, maintenance_command},
      {"guards", "List and reset the cooldowns, budgets and latches of alerts' actions",
       "Examples:\n  reeve guards\n  reeve guards reset web:front\nSends a request to a running "
       "agent.",
       add_guards_options, guards_command},
      {"audit", "The audit: decisions and actions, with actor and reason",
       "Examples:\n  reeve audit --since 1h 'web:*' --decision cooldown\n"
       "  reeve audit --actor ops --follow\nSends a request to a running agent.",
       add_audit_options, audit_command},
      {"fleet", "Processes of many hosts, each asked of its own agent; what they share",
       "Examples:\n  reeve fleet list 'web:*' --trusted-host '*.example.org'\n"
       "  reeve fleet members\n  reeve fleet limit set web --at-once 1 --budget 5/1h\n"
       "  reeve fleet restart 'web:*' --agents https://a:19002,https://b:19002 --at-once 2\n"
       "Without --agents the hosts are the members that the caller's own agent knows. A member's\n"
       "host gets the token only if --trusted-host or agent.trusted_hosts names it. Exit code 4:\n"
       "a host or its supervisord did not answer. An interrupt finishes what is under way, and "
       "begins no more.",
       add_fleet_options, fleet_command},
  };
  return specs;
}

}  // namespace reeve::cli
