#pragma once

// The command line as a value: one struct for each command with its arguments, and the options that
// every command takes. Made by parse(), run by run_command().

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

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
  friend bool operator==(const List&, const List&) = default;
};
struct Status {
  Names names;
  friend bool operator==(const Status&, const Status&) = default;
};
struct Start {
  Names names;
  friend bool operator==(const Start&, const Start&) = default;
};
struct Stop {
  Names names;
  substrate::StopMode mode = substrate::StopMode::graceful;
  friend bool operator==(const Stop&, const Stop&) = default;
};
struct Restart {
  Names names;
  friend bool operator==(const Restart&, const Restart&) = default;
};
struct Signal {
  std::string signal;
  Names names;
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

/// The running agent that a command is sent to, and the token sent with it.
struct AgentOptions {
  std::optional<std::string> url;  ///< none: $REEVE_AGENT, else the configuration's control.listen
  std::optional<std::string> token_file;
  friend bool operator==(const AgentOptions&, const AgentOptions&) = default;
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
  friend bool operator==(const SetMaintenance&, const SetMaintenance&) = default;
};
struct ClearMaintenance {
  AgentOptions agent;
  std::string scope;
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
struct ShowAudit {
  AgentOptions agent;
  std::optional<std::string> since;
  std::optional<std::string> limit;
  friend bool operator==(const ShowAudit&, const ShowAudit&) = default;
};

using Command = std::variant<Serve, RelayEvents, List, Status, Start, Stop, Restart, Signal,
                             ShowPid, Tail, Clear, Reread, Update, Healthcheck, CheckConfig,
                             ShowVersion, Completion, ShowMaintenance, SetMaintenance,
                             ClearMaintenance, ShowGuards, ResetGuards, ShowAudit>;

struct Invocation {
  CommonOptions options;
  Command command;
  friend bool operator==(const Invocation&, const Invocation&) = default;
};

}  // namespace reeve::cli
