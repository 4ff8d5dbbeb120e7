#include "cli/parse.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <iterator>
#include <type_traits>
#include <utility>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "base/text.h"
#include "cli/output.h"
#include "cli/parse_agent_commands.h"

namespace reeve::cli {
namespace {

std::vector<std::string> prefix_literals(std::vector<std::string> words) {
  const auto end_of_options = std::find(words.begin(), words.end(), "--");
  for (auto word = words.begin(); word != words.end(); ++word) {
    if (word > end_of_options || (word->starts_with('[') && word->ends_with(']'))) {
      word->insert(word->begin(), literal_prefix);
    }
  }
  if (end_of_options != words.end()) {
    words.erase(end_of_options);
  }
  return words;
}

/// Accepts supervisorctl's `tail -100 NAME`.
std::vector<std::string> with_tail_bytes(std::vector<std::string> arguments) {
  const auto tail = std::find(arguments.begin(), arguments.end(), "tail");
  for (auto word = tail; word != arguments.end(); ++word) {
    const bool count = word->size() > 1 && word->front() == '-' &&
                       word->find_first_not_of("0123456789", 1) == std::string::npos;
    if (count) {
      *word = "--bytes=" + word->substr(1);
    }
  }
  return arguments;
}

/// Found before parsing, since errors of parsing are JSON too.
bool wants_json(const std::vector<std::string>& arguments) {
  const auto option = std::find(arguments.begin(), arguments.end(), "--output");
  return (option != arguments.end() && option + 1 != arguments.end() && option[1] == "json") ||
         std::find(arguments.begin(), arguments.end(), "--output=json") != arguments.end();
}

/// An option whose value is one of `choices`, for a T or an optional one.
template <class T, class Value>
CLI::Option* add_choice(CLI::App& app, const std::string& option, Value& value,
                        const std::vector<std::pair<std::string, T>>& choices,
                        const std::string& description) {
  const std::string names = base::join(choices, "|", &std::pair<std::string, T>::first);
  const auto set = [&value, choices, names, option](const std::string& word) {
    for (const auto& [name, meaning] : choices) {
      if (name == word) {
        value = meaning;
        return;
      }
    }
    throw CLI::ValidationError(option, "expected " + names + ", found '" + word + "'");
  };
  return app.add_option_function<std::string>(option, set, description)->type_name(names);
}

std::vector<OptionInfo> options_of(const CLI::App& app) {
  std::vector<OptionInfo> options;
  for (const CLI::Option* option : app.get_options()) {
    OptionInfo info;
    for (const std::string& name : option->get_lnames()) {
      info.names.push_back("--" + name);
    }
    for (const std::string& name : option->get_snames()) {
      info.names.push_back("-" + name);
    }
    if (info.names.empty() || (option->get_items_expected_max() > 0 && option->get_positional())) {
      continue;
    }
    info.value = option->get_items_expected_max() > 0 ? option->get_type_name() : "";
    options.push_back(std::move(info));
  }
  return options;
}

const std::string query_group = "Query";
const std::string control_group = "Control";
const std::string agent_group = "Agent";

constexpr const char* root_footer =
    R"(NAME is name, group:name, group:*, all, or a pattern with * ? [...]; with several supervisords
SUPERVISOR/NAME. The query and control commands call supervisord directly, past the audit of a
running agent; start, stop, restart and signal are sent to an agent where --agent, REEVE_AGENT or
agent: in the configuration names one.

Environment: REEVE_CONFIG, REEVE_URL, REEVE_USERNAME, REEVE_PASSWORD_FILE, REEVE_AGENT,
REEVE_TOKEN_FILE, NO_COLOR.
`reeve help COMMAND` says more about a command.)";

constexpr const char* direct =
    "\nCalls supervisord directly, past the guards and the audit of a running agent."
    "\nMore options: reeve help.";

constexpr const char* through_agent =
    "\nWith --agent, REEVE_AGENT or agent: in the configuration a running agent does it, checked\n"
    "and recorded; otherwise supervisord is called directly, past the agent's audit."
    "\nMore options: reeve help.";

std::string footer_of(const std::string& command, const std::string& group) {
  static constexpr std::array<std::string_view, 4> actions = {"start", "stop", "restart", "signal"};
  if (std::find(actions.begin(), actions.end(), command) != actions.end()) {
    return through_agent;
  }
  return group == control_group || group == query_group ? direct : "";
}

class Parser {
 public:
  Parser() : app_("Watches and controls the processes of supervisord.", "reeve") {
    app_.set_help_flag("-h,--help", "Print this help and exit");
    app_.set_version_flag("--version", "reeve");
    app_.fallthrough();
    app_.require_subcommand(1);
    app_.footer(root_footer);
    add_common_options();
    add_query_commands();
    add_control_commands();
    add_agent_commands();
    add_other_commands();
  }

  tl::expected<Invocation, EarlyExit> parse(std::vector<std::string> arguments) {
    json_errors_ = wants_json(arguments);
    std::reverse(arguments.begin(), arguments.end());  // CLI11 reads from the end
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
      return tl::unexpected(EarlyExit{exit_success, app_.help()});
    } catch (const CLI::CallForVersion&) {
      return Invocation{common_, ShowVersion{}};
    } catch (const CLI::ExtrasError& error) {
      const auto rest = app_.remaining(true);
      return tl::unexpected(unexpected_argument(rest.empty() ? error.what() : rest.front()));
    } catch (const CLI::RequiredError&) {  // no command, or an unknown one
      return tl::unexpected(app_.remaining().empty()
                                ? EarlyExit{exit_usage, app_.help()}
                                : unexpected_argument(app_.remaining().front()));
    } catch (const CLI::RuntimeError& error) {
      return tl::unexpected(fail(error.get_exit_code(), error.what()));
    } catch (const CLI::Error& error) {
      return tl::unexpected(fail(exit_usage, error.what()));
    }
    return make_invocation_();
  }

  [[nodiscard]] std::vector<CommandInfo> infos() const {
    std::vector<CommandInfo> all = {{"", options_of(app_)}};
    for (const CLI::App* command : commands()) {
      all.push_back({command->get_name(), options_of(*command)});
      all.back().options.insert(all.back().options.end(), all.front().options.begin(),
                                all.front().options.end());
    }
    return all;
  }

 private:
  using MakeInvocation = std::function<tl::expected<Invocation, EarlyExit>()>;

  [[nodiscard]] const CLI::App& chosen() const {
    const auto parsed = app_.get_subcommands();
    return parsed.empty() ? app_ : *parsed.front();
  }

  [[nodiscard]] EarlyExit fail(int code, const std::string& message) const {
    const std::string command = chosen().get_parent() == nullptr ? "" : " " + chosen().get_name();
    const std::string text = message + " (see reeve help" + command + ")";
    return {code, (json_errors_ ? problem_json({{base::ErrorKind::invalid_argument, text}})
                                : "reeve: " + text) +
                      '\n'};
  }

  /// As with supervisorctl, an unknown command or option is exit code 2, a surplus word 1.
  [[nodiscard]] EarlyExit unexpected_argument(const std::string& word) const {
    if (word.starts_with("--password")) {
      return fail(exit_usage, "a password is not taken from the command line: use --password-file");
    }
    if (word.starts_with("-")) {
      return fail(exit_usage, "unknown option '" + word.substr(0, word.find('=')) + "'");
    }
    if (app_.get_subcommands().empty()) {
      return fail(exit_usage, "unknown command '" + word + "'" + instead_of(word));
    }
    return fail(exit_failure, "unexpected argument '" + word + "'");
  }

  [[nodiscard]] std::vector<const CLI::App*> commands() const {
    return app_.get_subcommands([](const CLI::App*) { return true; });
  }

  [[nodiscard]] std::string instead_of(const std::string& word) const {
    static constexpr std::array<std::string_view, 10> of_supervisorctl = {
        "add", "avail", "exit", "fg", "maintail", "open", "quit", "reload", "remove", "shutdown"};
    const bool known =
        std::find(of_supervisorctl.begin(), of_supervisorctl.end(), word) != of_supervisorctl.end();
    return known ? ": use reeve supervisorctl " + word : suggestion(word);
  }

  [[nodiscard]] std::string suggestion(const std::string& word) const {
    std::vector<std::string> names;
    for (const CLI::App* command : commands()) {
      names.push_back(command->get_name());
    }
    const auto near = base::nearest(word, names);
    return near ? ": did you mean '" + *near + "'?" : "";
  }

  void add_common_options() {
    add_text(app_, "--config", common_.settings.config_file, "FILE", "Configuration file");
    add_text(app_, "--url", common_.settings.url, "URL",
             "supervisord: http://, https:// or unix:///path (default http://localhost:9001/RPC2)");
    add_text(app_, "--username", common_.settings.username, "NAME", "User name for supervisord");
    add_text(app_, "--password-file", common_.settings.password_file, "FILE",
             "File whose first line is the password");
    add_text(app_, "--supervisor", common_.settings.supervisor, "NAME",
             "One of the configured supervisords");
    app_.add_option_function<std::string>(
            "--timeout",
            [this](const std::string& text) {
              const auto span = base::parse_duration(text);
              if (!span || *span <= base::Duration::zero()) {
                throw CLI::ValidationError(
                    "--timeout", "expected a duration like 500ms, 5s or 2m, found '" + text + "'");
              }
              common_.settings.timeout = *span;
            },
            "Give up after this long, for a call as for a start or stop")
        ->type_name("DURATION");
    add_choice<OutputForm>(app_, "--output", common_.output,
                           {{"table", OutputForm::table}, {"json", OutputForm::json}},
                           "Form of the output");
    add_choice<ColorMode>(app_, "--color", common_.color,
                          {{"auto", ColorMode::automatic},
                           {"always", ColorMode::always},
                           {"never", ColorMode::never}},
                          "Colors in tables");
    app_.add_flag("-q,--quiet", common_.quiet, "No messages but requested results and errors");
  }

  /// A command; `make` is called once its arguments are read.
  CLI::App& add(const std::string& name, const std::string& group, const std::string& description,
                const std::string& examples, const MakeInvocation& make) {
    CLI::App* const command = app_.add_subcommand(name, description);
    command->group(group);
    command->fallthrough();
    command->set_help_flag("-h,--help", "Print this help and exit");
    command->footer(examples + footer_of(name, group));
    command->callback([this, make] { make_invocation_ = make; });
    return *command;
  }

  /// Without CLI11's conversions, which drop the word "{}".
  void add_names(CLI::App& command, const std::string& type = "NAME") {
    const auto keep = [this](const CLI::results_t& words) {
      std::transform(words.begin(), words.end(), std::back_inserter(names_), strip_prefix);
      return true;
    };
    command.add_option(type, CLI::callback_t(keep), type == "NAME" ? "Processes" : "Groups")
        ->expected(0, CLI::detail::expected_max_vector_size)
        ->allow_extra_args()
        ->type_name("");
  }

  template <class WithNames>
  CLI::App& add_named(const std::string& name, const std::string& group,
                      const std::string& description, const std::string& examples,
                      std::optional<int> code_without_names = std::nullopt) {
    CLI::App& command =
        add(name, group, description, examples,
            [this, name, code_without_names]() -> tl::expected<Invocation, EarlyExit> {
              if (names_.empty() && code_without_names) {
                return tl::unexpected(fail(*code_without_names, name + " needs a process name"));
              }
              WithNames result{names_};
              if constexpr (std::is_same_v<WithNames, Stop>) {
                result.mode = stop_mode_;
              }
              if constexpr (is_action<WithNames>) {
                result.action = action_options();
              }
              if constexpr (std::is_same_v<WithNames, List>) {
                result.states = states_;
                result.watch = watch_;
              }
              return Invocation{common_, std::move(result)};
            });
    add_names(command);
    return command;
  }

  void add_query_commands() {
    CLI::App& list = add_named<List>("list", query_group, "Table of processes",
                                     "Examples:\n  reeve list\n  reeve list 'web:*' --output json\n"
                                     "  reeve list --state FATAL --state BACKOFF --watch");
    add_state(list);
    list.add_flag("--watch", watch_, "Print it again every two seconds until interrupted");
    add_named<Status>("status", query_group,
                      "State of processes: a line for each, or all details of those named",
                      "Examples:\n  reeve status\n  reeve status web:front\n"
                      "Exit code 3 if something selected does not run, 4 if it is unknown.");
    add_named<ShowPid>("pid", query_group, "Process ids; without a name supervisord's own",
                       "Examples:\n  reeve pid\n  reeve pid web:front");
    add_tail();
    add_healthcheck();
  }

  void add_healthcheck() {
    CLI::App& healthcheck = add(
        "healthcheck", query_group, "For containers: fails if a process is unhealthy",
        "Examples, in a Containerfile:\n  HEALTHCHECK CMD reeve healthcheck -q\n"
        "  HEALTHCHECK CMD reeve healthcheck --agent http://localhost:19001\n"
        "Unhealthy is FATAL, BACKOFF, UNKNOWN or an unexpected EXITED; a process stopped\n"
        "on purpose is healthy. With --agent the question is whether the agent works.",
        [this]() -> tl::expected<Invocation, EarlyExit> {
          const AgentOptions& agent = agent_arguments_.agent;
          if (agent.url && !names_.empty()) {
            return tl::unexpected(fail(exit_usage, "healthcheck --agent takes no process names"));
          }
          return agent.url ? Invocation{common_, CheckAgent{agent}}
                           : Invocation{common_, Healthcheck{names_}};
        });
    add_names(healthcheck);
    add_text(healthcheck, "--agent", agent_arguments_.agent.url, "URL",
             "Ask this listener of an agent, metrics or control, instead of supervisord");
  }

  void add_state(CLI::App& list) {
    const std::string names =
        base::join(substrate::all_instance_states, "|",
                   [](substrate::InstanceState state) { return to_string(state); });
    const auto keep = [this, names](const std::string& word) {
      std::string upper = word;
      std::transform(upper.begin(), upper.end(), upper.begin(),
                     [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      for (const substrate::InstanceState state : substrate::all_instance_states) {
        if (to_string(state) == upper) {
          states_.push_back(state);
          return;
        }
      }
      throw CLI::ValidationError("--state", "expected " + names + ", found '" + word + "'");
    };
    list.add_option_function<std::vector<std::string>>(
            "--state",
            [keep](const std::vector<std::string>& words) {
              std::for_each(words.begin(), words.end(), keep);
            },
            "Only processes in this state; may be repeated")
        ->type_name(names)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false);
  }

  void add_tail() {
    CLI::App& tail = add("tail", query_group, "End of a process's log",
                         "Examples:\n  reeve tail web:front\n  reeve tail -f web:front stderr\n"
                         "  reeve tail -n 100000 db | less",
                         [this]() -> tl::expected<Invocation, EarlyExit> {
                           if (tail_.name.empty()) {
                             return tl::unexpected(fail(exit_failure, "tail needs a process name"));
                           }
                           return Invocation{common_, tail_};
                         });
    tail.add_flag("-f,--follow", tail_.follow, "Print what is appended until interrupted");
    tail.add_option_function<std::string>(
            "-n,--bytes",
            [this](const std::string& text) {
              const auto bytes = base::parse_number<std::uint64_t>(text);
              if (!bytes) {
                throw CLI::ValidationError("-n",
                                           "expected a number of bytes, found '" + text + "'");
              }
              tail_.bytes = *bytes;
            },
            "Bytes from the end (default 1600)")
        ->type_name("BYTES");
    tail.add_option_function<std::string>(
            "NAME", [this](const std::string& word) { tail_.name = strip_prefix(word); }, "Process")
        ->type_name("");
    add_channel(tail);
  }

  void add_channel(CLI::App& tail) {
    const auto set = [this](const std::string& text) {
      if (text != "stdout" && text != "stderr") {
        throw CLI::RuntimeError("expected stdout or stderr, found '" + text + "'", exit_failure);
      }
      tail_.stream = text == "stdout" ? substrate::LogStream::standard_output
                                      : substrate::LogStream::standard_error;
    };
    tail.add_option_function<std::string>("LOG", set, "stdout (default) or stderr")->type_name("");
  }

  void add_control_commands() {
    add_action_options(
        add_named<Start>("start", control_group, "Start processes and wait until they run",
                         "Examples:\n  reeve start web:front\n  reeve start all", exit_usage));
    CLI::App& stop =
        add_named<Stop>("stop", control_group, "Stop processes and wait until they have stopped",
                        "Examples:\n  reeve stop web:front\n"
                        "  reeve stop --no-wait 'worker:*'",
                        exit_failure);
    stop.add_flag_callback(
        "--no-wait,--force", [this] { stop_mode_ = substrate::StopMode::force; },
        "Do not wait for the processes to have stopped");
    add_action_options(stop);
    add_action_options(
        add_named<Restart>("restart", control_group, "Stop processes, then start them",
                           "Examples:\n  reeve restart web:front\n  reeve restart 'worker:*'\n"
                           "  reeve restart web:front --agent https://host7:19002 "
                           "--reason 'new certificate'\n"
                           "An interrupt lets the restart of the current process finish.",
                           exit_failure));
    add_signal();
    add_named<Clear>("clear", control_group, "Empty the logs of processes",
                     "Example:\n  reeve clear web", exit_failure);
    add("reread", control_group, "Show what changed in supervisord's configuration",
        "Changes nothing: update applies it.", [this] {
          return Invocation{common_, Reread{}};
        });
    CLI::App& update = add(
        "update", control_group, "Apply what changed in supervisord's configuration",
        "Examples:\n  reeve update\n  reeve update web\n"
        "Stops and removes groups that are no longer configured, restarts changed ones\nwith their"
        " new configuration, adds new ones.",
        [this] {
          return Invocation{common_, Update{names_}};
        });
    add_names(update, "GROUP");
  }

  void add_action_options(CLI::App& command) {
    add_agent_options(command, agent_arguments_.agent);
    add_text(command, "--reason", agent_arguments_.reason, "TEXT",
             "The reason, shown in the agent's audit");
  }

  [[nodiscard]] ActionOptions action_options() const {
    return {agent_arguments_.agent, agent_arguments_.reason};
  }

  void add_signal() {
    CLI::App& signal =
        add("signal", control_group, "Send a signal to processes",
            "Examples:\n  reeve signal HUP web:front\n  reeve signal USR1 all",
            [this]() -> tl::expected<Invocation, EarlyExit> {
              if (names_.empty()) {
                return tl::unexpected(
                    fail(exit_failure, "signal needs a signal's name and a process name"));
              }
              return Invocation{common_, Signal{signal_, names_, action_options()}};
            });
    add_action_options(signal);
    signal.add_option("SIGNAL", signal_, "Name or number, like HUP")->type_name("");
    add_names(signal);
  }

  void add_agent_commands() {
    for (const AgentCommandSpec& each : agent_command_specs()) {
      CLI::App& command =
          add(each.name, agent_group, each.description, each.examples,
              [this, &each]() -> tl::expected<Invocation, EarlyExit> {
                auto made = each.make(agent_arguments_);
                return made ? tl::expected<Invocation, EarlyExit>(Invocation{common_, *made})
                            : tl::unexpected(fail(exit_usage, made.error()));
              });
      each.add_options(command, agent_arguments_);
    }
  }

  void add_other_commands() {
    CLI::App& serve =
        add("serve", agent_group, "Run the agent: poll, export metrics, control",
            "Example:\n  reeve serve --config /etc/reeve/config.yaml\n"
            "Reloads its configuration on SIGHUP. Exit code 78: the configuration is not valid.",
            [this] {
              return Invocation{common_, Serve{}};
            });
    add_web_options(serve);
    CLI::App& relay =
        add("relay-events", agent_group, "Event listener: pass supervisord's events to the agent",
            "Run by supervisord, not in a shell: reeve-relay.conf in the documentation has\n"
            "its [eventlistener:...] section.",
            [this] {
              return Invocation{common_, RelayEvents{file_}};
            });
    add_text(relay, "--socket", file_, "PATH", "The agent's socket (default events.socket)");
    CLI::App& check = add("check-config", agent_group, "Check a configuration file",
                          "Examples:\n  reeve check-config\n  reeve check-config new.yaml\n"
                          "Prints every error at once, each with file:line:column.",
                          [this] {
                            return Invocation{common_, CheckConfig{file_}};
                          });
    add_text(check, "FILE", file_, "", "Default: the file that serve would read");
    add("version", agent_group, "Version, revision and compiler", "", [this] {
      return Invocation{common_, ShowVersion{}};
    });
    add_completion();
    add("supervisorctl", agent_group, "supervisorctl's commands, for scripts that read its words",
        "Examples:\n  reeve supervisorctl status web\n"
        "  reeve supervisorctl -c /etc/supervisor/supervisord.conf restart web\n"
        "Takes supervisorctl's options and commands, prints what it prints and ends with its exit\n"
        "codes; a link named supervisorctl does the same. shutdown, reload and remove leave "
        "Reeve's\n"
        "own program alone unless --force follows them.",
        [this]() -> tl::expected<Invocation, EarlyExit> {
          return tl::unexpected(
              fail(exit_usage, "supervisorctl is the first word: its options follow it"));
        });
    CLI::App& help = add("help", agent_group, "Help, in general or for a command",
                         "Example:\n  reeve help restart", [this] { return help_on(); });
    add_text(help, "COMMAND", file_, "", "A command");
  }

  /// Those of Prometheus's exporters, over the configuration.
  void add_web_options(CLI::App& serve) {
    config::AgentOverrides& agent = common_.settings.agent;
    const auto keep = [&agent](const std::vector<std::string>& words) {
      agent.listen_addresses.insert(agent.listen_addresses.end(), words.begin(), words.end());
    };
    serve
        .add_option_function<std::vector<std::string>>(
            "--web.listen-address", keep, "In place of metrics.listen; may be repeated")
        ->type_name("ADDRESS")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false);
    add_text(serve, "--web.config.file", agent.web_config_file, "FILE",
             "In place of metrics.web_config_file");
    add_text(serve, "--web.telemetry-path", agent.telemetry_path, "PATH",
             "In place of metrics.path");
    serve.add_flag("--web.systemd-socket", agent.systemd_socket,
                   "Serve metrics on the sockets that systemd passes");
    add_choice<base::LogLevel>(serve, "--log.level", agent.log_level,
                               {{"debug", base::LogLevel::debug},
                                {"info", base::LogLevel::info},
                                {"warn", base::LogLevel::warning},
                                {"error", base::LogLevel::error}},
                               "In place of log.level");
    add_choice<base::LogFormat>(
        serve, "--log.format", agent.log_format,
        {{"logfmt", base::LogFormat::logfmt}, {"json", base::LogFormat::json}},
        "In place of log.format");
  }

  void add_completion() {
    CLI::App& completion =
        add("completion", agent_group, "Completion for a shell",
            "Example:\n  reeve completion bash > /etc/bash_completion.d/reeve",
            [this]() -> tl::expected<Invocation, EarlyExit> {
              if (!shell_chosen_) {
                return tl::unexpected(fail(exit_usage, "completion needs bash, zsh or fish"));
              }
              return Invocation{common_, Completion{shell_}};
            });
    add_choice<Shell>(completion, "SHELL", shell_,
                      {{"bash", Shell::bash}, {"zsh", Shell::zsh}, {"fish", Shell::fish}},
                      "The shell")
        ->each([this](const std::string&) { shell_chosen_ = true; });
  }

  [[nodiscard]] tl::expected<Invocation, EarlyExit> help_on() {
    const Parser fresh;  // a parser that has parsed prints the help of what it parsed
    if (!file_) {
      return tl::unexpected(EarlyExit{exit_success, fresh.app_.help()});
    }
    for (const CLI::App* command : fresh.commands()) {
      if (command->get_name() == *file_) {
        return tl::unexpected(EarlyExit{exit_success, command->help("reeve")});
      }
    }
    return tl::unexpected(
        fail(exit_usage, "unknown command '" + *file_ + "'" + suggestion(*file_)));
  }

  CLI::App app_;
  CommonOptions common_;
  Names names_;
  Tail tail_;
  AgentArguments agent_arguments_;
  std::string signal_;
  std::vector<substrate::InstanceState> states_;
  bool watch_ = false;
  std::optional<std::string> file_;
  bool json_errors_ = false;
  Shell shell_ = Shell::bash;
  bool shell_chosen_ = false;
  substrate::StopMode stop_mode_ = substrate::StopMode::graceful;
  MakeInvocation make_invocation_;
};

bool is_flag(const std::string& name) {
  const std::vector<CommandInfo> commands = command_infos();
  return std::any_of(commands.begin(), commands.end(), [&](const CommandInfo& command) {
    return std::any_of(
        command.options.begin(), command.options.end(), [&](const OptionInfo& option) {
          const auto& names = option.names;
          return option.value.empty() && std::find(names.begin(), names.end(), name) != names.end();
        });
  });
}

/// `--option=` has an empty value: CLI11 would take the next word for it.
std::vector<std::string> with_empty_values(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  const auto end_of_options = std::find(arguments.begin(), arguments.end(), "--");
  for (auto word = arguments.begin(); word != arguments.end(); ++word) {
    const std::string name = word->substr(0, word->find('='));
    const bool has_empty_value = word < end_of_options && word->size() == name.size() + 1 &&
                                 name.size() > 2 && name.starts_with("--") && !is_flag(name);
    words.push_back(has_empty_value ? name : *word);
    if (has_empty_value) {
      words.emplace_back();
    }
  }
  return words;
}

}  // namespace

tl::expected<Invocation, EarlyExit> parse(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments.front() == "__complete") {
    return Invocation{{}, Complete{{arguments.begin() + 1, arguments.end()}}};
  }
  if (!arguments.empty() && arguments.front() == "supervisorctl") {
    return Invocation{{}, Supervisorctl{"", {arguments.begin() + 1, arguments.end()}}};
  }
  return Parser().parse(prefix_literals(with_tail_bytes(with_empty_values(arguments))));
}

std::vector<CommandInfo> command_infos() {
  return Parser().infos();
}

}  // namespace reeve::cli
