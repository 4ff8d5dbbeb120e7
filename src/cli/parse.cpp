// With parse_options.h the one place that knows CLI11.
#include "cli/parse.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <type_traits>
#include <utility>

#include "base/text.h"
#include "cli/exit_code.h"
#include "cli/json_lines.h"
#include "cli/output.h"
#include "cli/parse_agent.h"
#include "cli/parse_options.h"

namespace reeve::cli {
namespace {

const std::string looks = "Look";
const std::string acts = "Act";
const std::string agent = "Agent";

constexpr const char* root_footer =
    R"(NAME is name, group:name, group:*, all, or a pattern with * ? [...]; with several supervisords
SUPERVISOR/NAME. Those that look and act talk to supervisord directly, past the guards and the
audit of a running agent.

Environment: REEVE_CONFIG, REEVE_URL, REEVE_USERNAME, REEVE_PASSWORD_FILE, REEVE_AGENT,
REEVE_TOKEN_FILE, NO_COLOR.
`reeve help COMMAND` says more about a command.)";

constexpr const char* direct =
    "\nGoes to supervisord directly, past the guards and the audit of a running agent."
    "\nMore options: reeve help.";

class Parser {
 public:
  Parser() : app_("Watches and controls the processes of supervisord.", "reeve") {
    app_.set_help_flag("-h,--help", "Print this help and exit");
    app_.set_version_flag("--version", "reeve");
    app_.fallthrough();
    app_.require_subcommand(1);
    app_.footer(root_footer);
    add_common_options();
    add_looking_commands();
    add_acting_commands();
    add_agent_commands();
    add_other_commands();
  }

  tl::expected<Invocation, ParseEnd> parse(std::vector<std::string> arguments) {
    json_errors_ = asks_for_json(arguments);
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
      return tl::unexpected(ParseEnd{exit_done, app_.help()});
    } catch (const CLI::CallForVersion&) {
      return Invocation{common_, ShowVersion{}};
    } catch (const CLI::ExtrasError& error) {
      const auto rest = app_.remaining(true);
      return tl::unexpected(extras(rest.empty() ? error.what() : rest.front()));
    } catch (const CLI::RequiredError&) {  // no command, or none that is known
      return tl::unexpected(app_.remaining().empty() ? ParseEnd{exit_usage, app_.help()}
                                                     : extras(app_.remaining().front()));
    } catch (const CLI::Error& error) {
      return tl::unexpected(fail(exit_usage, error.what()));
    }
    return finish_();
  }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const CLI::App* command : commands()) {
      all.push_back(command->get_name());
    }
    return all;
  }

 private:
  using Finish = std::function<tl::expected<Invocation, ParseEnd>()>;

  [[nodiscard]] const CLI::App& chosen() const {
    const auto parsed = app_.get_subcommands();
    return parsed.empty() ? app_ : *parsed.front();
  }

  [[nodiscard]] ParseEnd fail(int code, const std::string& message) const {
    const std::string command = chosen().get_parent() == nullptr ? "" : " " + chosen().get_name();
    const std::string text = message + " (see reeve help" + command + ")";
    return {code, (json_errors_ ? problem_json({{base::ErrorKind::invalid_argument, text}})
                                : "reeve: " + text) +
                      '\n'};
  }

  /// An unknown command or option is a wrong usage; a word too many is to supervisorctl an error
  /// like others.
  [[nodiscard]] ParseEnd extras(const std::string& word) const {
    if (word.starts_with("--password")) {
      return fail(exit_usage, "a password does not belong on the command line: --password-file");
    }
    if (word.starts_with("-")) {
      return fail(exit_usage, "unknown option '" + word.substr(0, word.find('=')) + "'");
    }
    if (app_.get_subcommands().empty()) {
      return fail(exit_usage, "unknown command '" + word + "'" + meant(word));
    }
    return fail(exit_failed, "unexpected argument '" + word + "'");
  }

  [[nodiscard]] std::vector<const CLI::App*> commands() const {
    return app_.get_subcommands([](const CLI::App*) { return true; });
  }

  [[nodiscard]] std::string meant(const std::string& word) const {
    const auto near = base::nearest(word, names());
    return near ? ": did you mean '" + *near + "'?" : "";
  }

  void add_common_options() {
    add_text(app_, "--config", common_.config_file, "FILE", "Configuration file");
    add_text(app_, "--url", common_.url, "URL",
             "supervisord: http://, https:// or unix:///path (default http://localhost:9001/RPC2)");
    add_text(app_, "--username", common_.username, "NAME", "User name for supervisord");
    add_text(app_, "--password-file", common_.password_file, "FILE",
             "File whose first line is the password");
    add_text(app_, "--supervisor", common_.supervisor, "NAME",
             "One of the configured supervisords");
    app_.add_option_function<std::string>(
            "--timeout",
            [this](const std::string& text) {
              const auto span = base::parse_duration(text);
              if (!span || *span <= base::Duration::zero()) {
                throw CLI::ValidationError(
                    "--timeout", "expected a duration like 500ms, 5s or 2m, found '" + text + "'");
              }
              common_.timeout = *span;
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
    app_.add_flag("-q,--quiet", common_.quiet, "Only results that were asked for, and errors");
  }

  /// A command whose arguments are complete once they are read.
  CLI::App& add(const std::string& name, const std::string& group, const std::string& description,
                const std::string& examples, const Finish& finish) {
    CLI::App* const command = app_.add_subcommand(name, description);
    command->group(group);
    command->fallthrough();
    command->set_help_flag("-h,--help", "Print this help and exit");
    command->footer(examples + (group == acts || group == looks ? direct : ""));
    command->callback([this, finish] { finish_ = finish; });
    return *command;
  }

  /// The words as they are, without CLI11's conversions: to it, "{}" would be no word at all.
  void add_names(CLI::App& command, const std::string& type = "NAME") {
    const auto keep = [this](const CLI::results_t& words) {
      std::transform(words.begin(), words.end(), std::back_inserter(names_), unguarded);
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
            [this, name, code_without_names]() -> tl::expected<Invocation, ParseEnd> {
              if (names_.empty() && code_without_names) {
                return tl::unexpected(fail(*code_without_names, name + " needs a process name"));
              }
              WithNames result{names_};
              if constexpr (std::is_same_v<WithNames, Stop>) {
                result.mode = stop_mode_;
              }
              return Invocation{common_, std::move(result)};
            });
    add_names(command);
    return command;
  }

  void add_looking_commands() {
    add_named<List>("list", looks, "Table of processes",
                    "Examples:\n  reeve list\n  reeve list 'web:*' --output json");
    add_named<Status>("status", looks, "State of processes: all that is known, or a line for each",
                      "Examples:\n  reeve status\n  reeve status web:front\n"
                      "Exit code 3 if something selected does not run, 4 if it is unknown.");
    add_named<ShowPid>("pid", looks, "Process ids; without a name supervisord's own",
                       "Examples:\n  reeve pid\n  reeve pid web:front");
    add_tail();
    add_named<Healthcheck>("healthcheck", looks, "For containers: fails if something is broken",
                           "Example, in a Dockerfile:\n  HEALTHCHECK CMD reeve healthcheck -q\n"
                           "Broken is FATAL, BACKOFF, UNKNOWN or an unexpected EXITED; what was"
                           " stopped on purpose is healthy.");
  }

  void add_tail() {
    CLI::App& tail = add("tail", looks, "End of a process's log",
                         "Examples:\n  reeve tail web:front\n  reeve tail -f web:front stderr\n"
                         "  reeve tail -n 100000 db | less",
                         [this]() -> tl::expected<Invocation, ParseEnd> {
                           if (tail_.name.empty()) {
                             return tl::unexpected(fail(exit_failed, "tail needs a process name"));
                           }
                           return Invocation{common_, tail_};
                         });
    tail.add_flag("-f,--follow", tail_.follow, "Go on with what is appended");
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
            "How much of the end (default 1600)")
        ->type_name("BYTES");
    tail.add_option_function<std::string>(
            "NAME", [this](const std::string& word) { tail_.name = unguarded(word); }, "Process")
        ->type_name("");
    add_channel(tail);
  }

  void add_channel(CLI::App& tail) {
    const auto set = [this](const std::string& text) {
      if (text != "stdout" && text != "stderr") {
        throw CLI::ExtrasError({text});
      }
      tail_.stream = text == "stdout" ? substrate::LogStream::standard_output
                                      : substrate::LogStream::standard_error;
    };
    tail.add_option_function<std::string>("LOG", set, "stdout (default) or stderr")->type_name("");
  }

  void add_acting_commands() {
    add_named<Start>("start", acts, "Start processes and wait until they run",
                     "Examples:\n  reeve start web:front\n  reeve start all", exit_usage);
    CLI::App& stop = add_named<Stop>("stop", acts, "Stop processes and wait until they are gone",
                                     "Examples:\n  reeve stop web:front\n"
                                     "  reeve stop --no-wait 'worker:*'",
                                     exit_failed);
    stop.add_flag_callback(
        "--no-wait,--force", [this] { stop_mode_ = substrate::StopMode::force; },
        "Do not wait for the processes to have stopped");
    add_named<Restart>("restart", acts, "Stop processes, then start them",
                       "Examples:\n  reeve restart web:front\n  reeve restart 'worker:*'\n"
                       "Interrupted, it finishes the process it is at.",
                       exit_failed);
    add_signal();
    add_named<Clear>("clear", acts, "Empty the logs of processes", "Example:\n  reeve clear web",
                     exit_failed);
    add("reread", acts, "Show what changed in supervisord's configuration",
        "Applies nothing: see update.", [this] {
          return Invocation{common_, Reread{}};
        });
    CLI::App& update =
        add("update", acts, "Apply what changed in supervisord's configuration",
            "Examples:\n  reeve update\n  reeve update web\n"
            "Stops and removes groups that are gone, restarts changed ones with their"
            " new\nconfiguration, adds new ones.",
            [this] {
              return Invocation{common_, Update{names_}};
            });
    add_names(update, "GROUP");
  }

  void add_signal() {
    CLI::App& signal = add("signal", acts, "Send a signal to processes",
                           "Examples:\n  reeve signal HUP web:front\n  reeve signal USR1 all",
                           [this]() -> tl::expected<Invocation, ParseEnd> {
                             if (names_.empty()) {
                               return tl::unexpected(fail(
                                   exit_failed, "signal needs a signal's name and a process name"));
                             }
                             return Invocation{common_, Signal{signal_, names_}};
                           });
    signal.add_option("SIGNAL", signal_, "Name or number, like HUP")->type_name("");
    add_names(signal);
  }

  void add_agent_commands() {
    for (const AgentCommand& each : agent_commands()) {
      CLI::App& command =
          add(each.name, agent, each.description, each.examples,
              [this, &each]() -> tl::expected<Invocation, ParseEnd> {
                auto made = each.make(agent_words_);
                return made ? tl::expected<Invocation, ParseEnd>(Invocation{common_, *made})
                            : tl::unexpected(fail(exit_usage, made.error()));
              });
      each.add_options(command, agent_words_);
    }
  }

  void add_other_commands() {
    add("serve", agent, "The agent: polls, exports, controls",
        "Example:\n  reeve serve --config /etc/reeve/config.yaml\n"
        "Reads its configuration again on SIGHUP. Exit code 78: the configuration is not valid.",
        [this] {
          return Invocation{common_, Serve{}};
        });
    CLI::App& relay = add("relay-events", agent, "Run by supervisord: pass its events to the agent",
                          "Not for a shell: see reeve-relay.conf in the documentation for the\n"
                          "[eventlistener:...] that runs it.",
                          [this] {
                            return Invocation{common_, RelayEvents{file_}};
                          });
    add_text(relay, "--socket", file_, "PATH", "The agent's socket (default events.socket)");
    CLI::App& check = add("check-config", agent, "Check a configuration file",
                          "Examples:\n  reeve check-config\n  reeve check-config new.yaml\n"
                          "Prints every error at once, each with file:line:column.",
                          [this] {
                            return Invocation{common_, CheckConfig{file_}};
                          });
    add_text(check, "FILE", file_, "", "Default: the file that serve would read");
    add("version", agent, "Which Reeve this is", "", [this] {
      return Invocation{common_, ShowVersion{}};
    });
    add_completion();
    CLI::App& help = add("help", agent, "Help, also on one command",
                         "Example:\n  reeve help restart", [this] { return help_on(); });
    add_text(help, "COMMAND", file_, "", "A command");
  }

  void add_completion() {
    CLI::App& completion =
        add("completion", agent, "Completion for a shell",
            "Example:\n  reeve completion bash > /etc/bash_completion.d/reeve",
            [this]() -> tl::expected<Invocation, ParseEnd> {
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

  [[nodiscard]] tl::expected<Invocation, ParseEnd> help_on() {
    const Parser fresh;  // what has parsed a command prints the help of that one
    if (!file_) {
      return tl::unexpected(ParseEnd{exit_done, fresh.app_.help()});
    }
    for (const CLI::App* command : fresh.commands()) {
      if (command->get_name() == *file_) {
        return tl::unexpected(ParseEnd{exit_done, command->help("reeve")});
      }
    }
    return tl::unexpected(fail(exit_usage, "unknown command '" + *file_ + "'" + meant(*file_)));
  }

  CLI::App app_;
  CommonOptions common_;
  Names names_;
  Tail tail_;
  AgentWords agent_words_;
  std::string signal_;
  std::optional<std::string> file_;
  bool json_errors_ = false;
  Shell shell_ = Shell::bash;
  bool shell_chosen_ = false;
  substrate::StopMode stop_mode_ = substrate::StopMode::graceful;
  Finish finish_;
};

}  // namespace

tl::expected<Invocation, ParseEnd> parse(const std::vector<std::string>& arguments) {
  return Parser().parse(guarded(with_long_tail(arguments)));
}

std::vector<std::string> command_names() {
  return Parser().names();
}

}  // namespace reeve::cli
