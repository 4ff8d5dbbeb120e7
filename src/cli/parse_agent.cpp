#include "cli/parse_agent.h"

#include <utility>

namespace reeve::cli {
namespace {

void add_words(CLI::App& command, AgentWords& words, const std::string& description) {
  const auto keep = [&words](const CLI::results_t& given) {
    for (const std::string& word : given) {
      words.words.push_back(unguarded(word));
    }
    return true;
  };
  command.add_option("WORDS", CLI::callback_t(keep), description)
      ->expected(0, CLI::detail::expected_max_vector_size)
      ->allow_extra_args()
      ->type_name("");
}

/// The words of a command that has a few verbs, of which `list` is meant by none at all.
struct Verbs {
  std::string verb;
  std::string object;
  std::size_t more = 0;  ///< words behind these
};

Verbs verbs_of(const std::vector<std::string>& words) {
  return {words.empty() ? "list" : words[0], words.size() > 1 ? words[1] : "",
          words.size() > 2 ? words.size() - 2 : 0};
}

void add_agent_options(CLI::App& command, AgentWords& words) {
  add_text(command, "--agent", words.agent.url, "URL",
           "The agent: http://, https:// or unix:///path (default: control.listen)");
  add_text(command, "--token-file", words.agent.token_file, "FILE",
           "File with one of the agent's tokens");
}

void add_maintenance_options(CLI::App& command, AgentWords& words) {
  add_agent_options(command, words);
  add_words(command, words, "list (default), set SCOPE or clear SCOPE");
  add_text(command, "--ttl", words.ttl, "DURATION", "set: for how long, like 2h");
  add_text(command, "--reason", words.reason, "TEXT", "set: why, for the record");
}

void add_guards_options(CLI::App& command, AgentWords& words) {
  add_agent_options(command, words);
  add_words(command, words, "list (default), or reset NAME");
}

void add_audit_options(CLI::App& command, AgentWords& words) {
  add_agent_options(command, words);
  add_text(command, "--since", words.since, "TIME", "Nothing older: RFC 3339 or Unix seconds");
  add_text(command, "--limit", words.limit, "N", "The newest N (default 100)");
}

tl::expected<Command, std::string> maintenance_command(const AgentWords& given) {
  const Verbs words = verbs_of(given.words);
  const bool set = words.verb == "set";
  if (!set && (given.ttl || given.reason)) {
    return tl::unexpected(std::string("--ttl and --reason go with maintenance set"));
  }
  if (words.verb == "list" && words.object.empty()) {
    return ShowMaintenance{given.agent};
  }
  if ((!set && words.verb != "clear") || words.object.empty() || words.more > 0) {
    return tl::unexpected(std::string("expected maintenance list, set SCOPE or clear SCOPE"));
  }
  if (!set) {
    return ClearMaintenance{given.agent, words.object};
  }
  const auto ttl = base::parse_duration(given.ttl.value_or(""));
  if (!ttl) {
    return tl::unexpected("maintenance set needs --ttl, a duration like 30m or 2h" +
                          (given.ttl ? ", found '" + *given.ttl + "'" : ""));
  }
  return SetMaintenance{given.agent, words.object, *ttl, given.reason.value_or("")};
}

tl::expected<Command, std::string> guards_command(const AgentWords& given) {
  const Verbs words = verbs_of(given.words);
  if (words.verb == "list" && words.object.empty()) {
    return ShowGuards{given.agent};
  }
  if (words.verb != "reset" || words.object.empty() || words.more > 0) {
    return tl::unexpected(std::string("expected guards list, or reset NAME ('*' for all)"));
  }
  return ResetGuards{given.agent, words.object};
}

tl::expected<Command, std::string> audit_command(const AgentWords& given) {
  if (given.limit && !base::parse_number<std::size_t>(*given.limit)) {
    return tl::unexpected("--limit is a number, found '" + *given.limit + "'");
  }
  return ShowAudit{given.agent, given.since, given.limit};
}

}  // namespace

const std::vector<AgentCommand>& agent_commands() {
  static const std::vector<AgentCommand> commands = {
      {"maintenance", "Where alerts do not act for a while; set it, clear it",
       "Examples:\n  reeve maintenance\n"
       "  reeve maintenance set 'web:*' --ttl 2h --reason 'new disk'\n"
       "  reeve maintenance clear 'web:*'\nAsks a running agent.",
       add_maintenance_options, maintenance_command},
      {"guards", "Cooldowns, budgets and latches of alerts' actions; reset them",
       "Examples:\n  reeve guards\n  reeve guards reset web:front\nAsks a running agent.",
       add_guards_options, guards_command},
      {"audit", "What was decided and done, by whom and why",
       "Example:\n  reeve audit --since 2026-01-31T12:00:00Z\nAsks a running agent.",
       add_audit_options, audit_command},
  };
  return commands;
}

}  // namespace reeve::cli
