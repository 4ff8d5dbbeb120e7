#pragma once

// What a person asked for on the command line, as values: no command knows how it was spelled.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cli/agent_command.h"
#include "reeve/base/clock.h"
#include "reeve/substrate/logs.h"
#include "reeve/substrate/substrate.h"

namespace reeve::cli {

enum class OutputForm { table, json };
enum class ColorMode { automatic, always, never };
enum class Shell { bash, zsh, fish };

/// The options that every command takes.
struct CommonOptions {
  std::optional<std::string> config_file;
  std::optional<std::string> url;
  std::optional<std::string> username;
  std::optional<std::string> password_file;
  std::optional<std::string> supervisor;  ///< one of the configured supervisords, by name
  std::optional<base::Duration> timeout;
  OutputForm output = OutputForm::table;
  ColorMode color = ColorMode::automatic;
  bool quiet = false;
  friend bool operator==(const CommonOptions&, const CommonOptions&) = default;
};

/// Process names and patterns as typed; `all` and none at all are told apart by the command.
using Names = std::vector<std::string>;

struct Serve {
  friend bool operator==(const Serve&, const Serve&) = default;
};
/// Run by supervisord: passes its events on to an agent.
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
  Names names;  ///< none: supervisord's own
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
  std::optional<std::string> file;  ///< none: the one that would be used
  friend bool operator==(const CheckConfig&, const CheckConfig&) = default;
};
struct ShowVersion {
  friend bool operator==(const ShowVersion&, const ShowVersion&) = default;
};
struct Completion {
  Shell shell = Shell::bash;
  friend bool operator==(const Completion&, const Completion&) = default;
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
