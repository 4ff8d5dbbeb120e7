#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/parse.h"

namespace reeve::cli {
namespace {

using Words = std::vector<std::string>;

/// A word at which the shell's script completes file names.
constexpr const char* file_names = ":files";
constexpr std::chrono::seconds max_wait{2};

const Words log_streams = {"stdout", "stderr"};
const Words shell_names = {"bash", "zsh", "fish"};
const Words signal_names = {"HUP",  "INT",  "QUIT", "KILL",  "TERM", "USR1",
                            "USR2", "CONT", "STOP", "WINCH", "ALRM"};

const Words supervisorctl_actions = {"add",      "avail",   "clear",    "fg",     "help",
                                     "maintail", "open",    "pid",      "reload", "remove",
                                     "reread",   "restart", "shutdown", "signal", "start",
                                     "status",   "stop",    "tail",     "update", "version"};

/// A typed word as the shell would pass it on, without expansions.
std::string unquoted(const std::string& word) {
  std::string plain;
  char quote = '\0';
  for (std::size_t at = 0; at < word.size(); ++at) {
    const char letter = word[at];
    if (quote == '\0' && (letter == '\'' || letter == '"')) {
      quote = letter;
    } else if (letter == quote) {
      quote = '\0';
    } else if (letter == '\\' && quote != '\'' && at + 1 < word.size()) {
      plain += word[++at];
    } else {
      plain += letter;
    }
  }
  return plain;
}

/// The words before the one that is typed, sorted out.
struct Typed {
  std::string command;  ///< empty: none yet
  Words arguments;      ///< that follow the command and are no options
  config::SettingsOptions settings;
  const OptionInfo* open_option = nullptr;  ///< the typed word is its value
};

const CommandInfo& info_of(const std::vector<CommandInfo>& infos, const std::string& command) {
  const auto found = std::find_if(infos.begin(), infos.end(),
                                  [&](const CommandInfo& info) { return info.name == command; });
  return found == infos.end() ? infos.front() : *found;
}

const OptionInfo* find_option(const CommandInfo& command, const std::string& name) {
  const auto found =
      std::find_if(command.options.begin(), command.options.end(), [&](const OptionInfo& option) {
        return std::find(option.names.begin(), option.names.end(), name) != option.names.end();
      });
  return found == command.options.end() ? nullptr : &*found;
}

/// A `~` that the shell would have expanded.
std::string expanded(const std::string& value, const config::SettingsSources& sources) {
  return value.starts_with("~/") ? sources.variable("HOME").value_or("~") + value.substr(1) : value;
}

void set_option(config::SettingsOptions& settings, const std::string& name,
                const std::string& value) {
  if (name == "--config") {
    settings.config_file = value;
  } else if (name == "--url") {
    settings.url = value;
  } else if (name == "--username") {
    settings.username = value;
  } else if (name == "--password-file") {
    settings.password_file = value;
  } else if (name == "--supervisor") {
    settings.supervisor = value;
  }
}

Typed sort_out(const Words& before, const std::vector<CommandInfo>& infos,
               const config::SettingsSources& sources) {
  Typed typed;
  for (std::size_t at = 0; at < before.size(); ++at) {
    const std::string word = unquoted(before[at]);
    const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const std::string name = word.substr(0, equals);
    const OptionInfo* const option =
        word.starts_with('-') ? find_option(info_of(infos, typed.command), name) : nullptr;
    if (option != nullptr && !option->value.empty()) {
      if (equals != std::string::npos) {
        set_option(typed.settings, name, expanded(word.substr(equals + 1), sources));
      } else if (at + 1 < before.size()) {
        set_option(typed.settings, name, expanded(unquoted(before[++at]), sources));
      } else {
        typed.open_option = option;
      }
    } else if (word.starts_with('-')) {
      continue;
    } else if (typed.command.empty()) {
      typed.command = word;
    } else {
      typed.arguments.push_back(word);
    }
  }
  return typed;
}

/// Names as the command line takes them.
struct NameLists {
  Words processes;
  Words groups;
};

/// Nothing if the user has named no supervisord, or it does not answer at once.
class NameSource {
 public:
  NameSource(const Typed& typed, const Environment& environment, const std::stop_token& stop)
      : environment_(environment), stop_(stop) {
    auto loaded =
        config::load_settings(typed.settings, config::Purpose::completion, environment.sources);
    if (loaded && !loaded->url_is_default) {
      settings_ = *std::move(loaded);
    }
  }

  [[nodiscard]] Words supervisors() const {
    Words names;
    if (settings_) {
      for (const supervisor::Options& each : settings_->config.supervisors) {
        names.push_back(each.name);
      }
    }
    return names;
  }

  [[nodiscard]] NameLists names() const {
    NameLists known;
    if (!settings_) {
      return known;
    }
    const auto deadline = base::Deadline::after(*environment_.clock, max_wait, stop_);
    const auto& supervisors = settings_->config.supervisors;
    for (const supervisor::Options& each : supervisors) {
      const auto listing = environment_.connect(each).substrate->list_instances(deadline);
      if (listing) {
        add(*listing, supervisors.size() > 1 ? each.name + "/" : "", known);
      }
    }
    return known;
  }

 private:
  static void add(const substrate::Listing& listing, const std::string& prefix, NameLists& known) {
    for (const substrate::InstanceDetail& detail : listing.instances) {
      known.processes.push_back(prefix + detail.name.text());
      const std::string group = prefix + detail.name.group;
      const bool more_than_a_name = detail.name.group != detail.name.name;
      if (more_than_a_name && (known.groups.empty() || known.groups.back() != group)) {
        known.groups.push_back(group);
      }
    }
  }

  const Environment& environment_;
  const std::stop_token& stop_;
  std::optional<config::Settings> settings_;
};

void append(Words& words, const Words& more, const std::string& suffix = "") {
  std::transform(more.begin(), more.end(), std::back_inserter(words),
                 [&](const std::string& word) { return word + suffix; });
}

/// Processes, whole groups, and `everything`.
Words targets(const NameSource& source, const std::string& everything) {
  const NameLists known = source.names();
  Words words = {everything};
  append(words, known.processes);
  append(words, known.groups, ":*");
  return words;
}

/// supervisord's configuration names groups; a program alone is a group of its own name.
Words groups(const NameSource& source) {
  const NameLists known = source.names();
  Words words = known.groups;
  for (const std::string& process : known.processes) {
    if (process.find(':') == std::string::npos) {
      words.push_back(process);
    }
  }
  return words;
}

Words command_words(const std::vector<CommandInfo>& infos) {
  Words words;
  std::transform(infos.begin() + 1, infos.end(), std::back_inserter(words),
                 [](const CommandInfo& info) { return info.name; });
  return words;
}

/// The words of the commands that have subcommands.
Words agent_arguments(const Typed& typed, const NameSource& source) {
  const std::size_t position = typed.arguments.size();
  const bool maintenance = typed.command == "maintenance";
  if (position == 0) {
    return maintenance ? Words{"list", "set", "clear"} : Words{"list", "reset"};
  }
  return position == 1 && typed.arguments.front() != "list" ? targets(source, "*") : Words{};
}

Words arguments(const Typed& typed, const std::vector<CommandInfo>& infos,
                const NameSource& source) {
  static const Words takes_targets = {"list",    "status", "start", "stop",
                                      "restart", "pid",    "clear", "healthcheck"};
  const std::string& command = typed.command;
  const std::size_t position = typed.arguments.size();
  if (command.empty() || (command == "help" && position == 0)) {
    return command_words(infos);
  }
  if (std::find(takes_targets.begin(), takes_targets.end(), command) != takes_targets.end()) {
    return targets(source, "all");
  }
  if (command == "signal") {
    return position == 0 ? signal_names : targets(source, "all");
  }
  if (command == "tail") {
    return position == 0 ? source.names().processes : position == 1 ? log_streams : Words{};
  }
  if (command == "update") {
    return groups(source);
  }
  if (command == "maintenance" || command == "guards") {
    return agent_arguments(typed, source);
  }
  if (command == "fleet") {
    return position == 0 ? Words{"list",    "start",  "stop",   "restart", "members",
                                 "targets", "forget", "limits", "limit",   "release"}
                         : targets(source, "all");
  }
  if (command == "audit") {
    return targets(source, "*");
  }
  if (command == "supervisorctl") {
    return position == 0 ? supervisorctl_actions : Words{};
  }
  if (command == "check-config") {
    return {file_names};
  }
  return command == "completion" && position == 0 ? shell_names : Words{};
}

Words values(const OptionInfo& option, const NameSource& source) {
  if (option.value == "FILE" || option.value == "PATH") {
    return {file_names};
  }
  if (option.names.front() == "--supervisor") {
    return source.supervisors();
  }
  Words choices;
  for (std::size_t begin = 0; option.value.find('|') != std::string::npos;) {
    const std::size_t end = option.value.find('|', begin);
    choices.push_back(option.value.substr(begin, end - begin));
    if (end == std::string::npos) {
      break;
    }
    begin = end + 1;
  }
  return choices;
}

Words candidates(const Typed& typed, const std::string& word, const std::vector<CommandInfo>& infos,
                 const NameSource& source) {
  if (typed.open_option != nullptr) {
    return values(*typed.open_option, source);
  }
  if (!word.starts_with('-')) {
    return arguments(typed, infos, source);
  }
  if (typed.command == "supervisorctl") {  // has options of its own alone
    return {"-c", "-h", "-i", "-p", "-r", "-s", "-u"};
  }
  const CommandInfo& command = info_of(infos, typed.command);
  const std::size_t equals = word.find('=');
  Words words;
  if (equals != std::string::npos) {
    const OptionInfo* const option = find_option(command, word.substr(0, equals));
    for (const std::string& value : option == nullptr ? Words{} : values(*option, source)) {
      words.push_back(value == file_names ? value : word.substr(0, equals + 1) + value);
    }
    return words;
  }
  for (const OptionInfo& option : command.options) {
    append(words, option.names);
  }
  return words;
}

}  // namespace

int run(const Complete& command, const Environment& environment, const std::stop_token& stop) {
  const auto infos = command_infos();
  const Words before(command.words.begin(),
                     command.words.empty() ? command.words.end() : command.words.end() - 1);
  const std::string word = command.words.empty() ? "" : unquoted(command.words.back());
  const Typed typed = sort_out(before, infos, environment.sources);
  const NameSource source(typed, environment, stop);
  for (const std::string& each : candidates(typed, word, infos, source)) {
    const bool one_line = each.find_first_of("\r\n") == std::string::npos;
    if (one_line && (each == file_names || each.starts_with(word))) {
      *environment.console.out << each << '\n';
    }
  }
  return exit_success;
}

}  // namespace reeve::cli
