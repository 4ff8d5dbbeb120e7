#pragma once

// The command line as a value: one struct for each command with its arguments, and the options that
// every command takes. Made by parse(), run by run_command().

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "cli/cluster_command.h"
#include "config/settings.h"
#include "reeve/base/clock.h"
#include "reeve/substrate/logs.h"
#include "reeve/substrate/substrate.h"

namespace reeve::cli {

enum class OutputForm { table, json };
enum class ColorMode { automatic, always, never };
enum class Shell { bash, zsh, fish };

/// The options that every command takes.
struct CommonOptions {
  config::SettingsOptions settings;
  OutputForm output = OutputForm::table;
  ColorMode color = ColorMode::automatic;
  bool quiet = false;
  friend bool operator==(const CommonOptions&, const CommonOptions&) = default;
};

/// Process names and patterns as typed; empty if none was given.
using Names = std::vector<std::string>;

/// Of an action that a running agent may carry out in supervisord's place.
struct ActionOptions {
  AgentOptions agent;
  std::optional<std::string> reason;  ///< for the agent's audit
  friend bool operator==(const ActionOptions&, const ActionOptions&) = default;
};

template <class Command, class = void>
inline constexpr bool is_action = false;
/// A command with ActionOptions.
template <class Command>
inline constexpr bool is_action<Command, std::void_t<decltype(Command::action)>> = true;

struct Serve {
  friend bool operator==(const Serve&, const Serve&) = default;
};
/// Run by supervisord as an event listener: passes its events on to an agent.
struct RelayEvents {
  std::optional<std::string> socket;  ///< none: the configuration's events.socket
  friend bool operator==(const RelayEvents&, const RelayEvents&) = default;
};
struct List {
  Names names;
  std::vector<substrate::InstanceState> states = {};  ///< none: all
  bool watch = false;
  friend bool operator==(const List&, const List&) = default;
};
struct Status {
  Names names;
  friend bool operator==(const Status&, const Status&) = default;
};
struct Start {
  Names names;
  ActionOptions action = {};
  friend bool operator==(const Start&, const Start&) = default;
};
struct Stop {
  Names names;
  substrate::StopMode mode = substrate::StopMode::graceful;
  ActionOptions action = {};
  friend bool operator==(const Stop&, const Stop&) = default;
};
struct Restart {
  Names names;
  ActionOptions action = {};
  friend bool operator==(const Restart&, const Restart&) = default;
};
struct Signal {
  std::string signal;
  Names names;
  ActionOptions action = {};
  friend bool operator==(const Signal&, const Signal&) = default;
};
struct ShowPid {
  Names names;  ///< none: supervisord's own pid
  friend bool operator==(const ShowPid&, const ShowPid&) = default;
};
struct Tail {
  std::string name;
  substrate::LogStream stream = substrate::LogStream::standard_output;
  std::uint64_t bytes = 1600;
  bool follow = false;
  friend bool operator==(const Tail&, const Tail&) = default;
};
struct Clear {
  Names names;
  friend bool operator==(const Clear&, const Clear&) = default;
};
struct Reread {
  friend bool operator==(const Reread&, const Reread&) = default;
};
struct Update {
  Names groups;  ///< none: all
  friend bool operator==(const Update&, const Update&) = default;
};
struct Healthcheck {
  Names names;
  friend bool operator==(const Healthcheck&, const Healthcheck&) = default;
};
struct CheckConfig {
  std::optional<std::string> file;  ///< none: the file that `serve` would read
  friend bool operator==(const CheckConfig&, const CheckConfig&) = default;
};
struct ShowVersion {
  friend bool operator==(const ShowVersion&, const ShowVersion&) = default;
};
struct Completion {
  Shell shell = Shell::bash;
  friend bool operator==(const Completion&, const Completion&) = default;
};
/// What the shells' completion scripts run. Not in the help.
struct Complete {
  /// The words after `reeve`; the last one is being typed and may be empty.
  std::vector<std::string> words;
  friend bool operator==(const Complete&, const Complete&) = default;
};

/// Speaks supervisorctl's language.
struct Supervisorctl {
  /// The name by which it was called; empty: as a command of `reeve`.
  std::string program = {};
  std::vector<std::string> words = {};  ///< as typed behind the name
  friend bool operator==(const Supervisorctl&, const Supervisorctl&) = default;
};

struct ShowMaintenance {
  AgentOptions agent;
  friend bool operator==(const ShowMaintenance&, const ShowMaintenance&) = default;
};
struct SetMaintenance {
  AgentOptions agent;
  std::string scope;
  base::Duration ttl{0};
  std::string reason;
  bool all_hosts = false;  ///< of the agent's cluster
  friend bool operator==(const SetMaintenance&, const SetMaintenance&) = default;
};
struct ClearMaintenance {
  AgentOptions agent;
  std::string scope;
  bool all_hosts = false;
  friend bool operator==(const ClearMaintenance&, const ClearMaintenance&) = default;
};
struct ShowGuards {
  AgentOptions agent;
  friend bool operator==(const ShowGuards&, const ShowGuards&) = default;
};
struct ResetGuards {
  AgentOptions agent;
  std::string name;  ///< of a process, or `*`
  friend bool operator==(const ResetGuards&, const ResetGuards&) = default;
};
struct CheckAgent {
  AgentOptions agent;
  friend bool operator==(const CheckAgent&, const CheckAgent&) = default;
};
struct ShowAudit {
  AgentOptions agent;
  std::optional<std::string> since = {};  ///< a time for the agent, or a span back from now
  std::optional<std::size_t> limit = {};
  Names names = {};                          ///< of processes and groups, or patterns; none: all
  std::optional<std::string> actor = {};     ///< of a token or client, or a rule
  std::optional<std::string> decision = {};  ///< the word of a decision or result
  bool follow = false;
  friend bool operator==(const ShowAudit&, const ShowAudit&) = default;
};

/// Which agents `reeve fleet` asks; none are named: the members that the caller's own agent knows.
struct FleetOptions {
  AgentOptions agent;                 ///< the caller's own
  std::optional<std::string> agents;  ///< URLs
  std::optional<std::string> agents_file;
  Names trusted_hosts = {};  ///< hosts of members to which the token may be sent
  bool plaintext = false;    ///< also unencrypted
  friend bool operator==(const FleetOptions&, const FleetOptions&) = default;
};
struct FleetList {
  FleetOptions fleet;
  Names names;  ///< none: all
  friend bool operator==(const FleetList&, const FleetList&) = default;
};
enum class FleetVerb { start, stop, restart };
struct FleetAction {
  FleetOptions fleet;
  FleetVerb verb = FleetVerb::restart;
  Names names;
  std::size_t at_once = 1;
  std::size_t stop_after_failures = 1;
  std::string reason = {};
  bool dry_run = false;
  friend bool operator==(const FleetAction&, const FleetAction&) = default;
};

using Command =
    std::variant<Serve, RelayEvents, List, Status, Start, Stop, Restart, Signal, ShowPid, Tail,
                 Clear, Reread, Update, Healthcheck, CheckConfig, ShowVersion, Completion, Complete,
                 Supervisorctl, ShowMaintenance, SetMaintenance, ClearMaintenance, ShowGuards,
                 ResetGuards, ShowAudit, CheckAgent, FleetList, FleetAction, ShowMembers,
                 ShowTargets, ForgetMember, ShowLimits, SetLimit, DeleteLimit, ReleaseSlot>;

struct Invocation {
  CommonOptions options;
  Command command;
  friend bool operator==(const Invocation&, const Invocation&) = default;
};

}  // namespace reeve::cli
