// The options of `reeve supervisorctl` and its shell: command lines, prompts, and the words in
// which supervisorctl reports an exception.
#include "cli/supervisorctl.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <map>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/supervisord_conf.h"
#include "cli/terminal_text.h"

namespace reeve::cli {
namespace {

using Cause = CallError::Cause;
using Words = std::vector<std::string>;

constexpr int exit_interrupted = 130;
constexpr std::string_view blanks = " \t\r\n\f\v";

std::string stripped(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(blanks);
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

constexpr const char* usage =
    R"(supervisorctl -- control applications run by supervisord from the cmd line.

Usage: %s [options] [action [arguments]]

Options:
-c/--configuration FILENAME -- configuration file path (searches if not given)
-h/--help -- print usage message and exit
-i/--interactive -- start an interactive shell after executing commands
-s/--serverurl URL -- URL on which supervisord server is listening
     (default "http://localhost:9001").
-u/--username USERNAME -- username to use for authentication with server
-p/--password PASSWORD -- password to use for authentication with server
-r/--history-file -- keep a readline history (if readline is available)

action [arguments] -- see below

Actions are commands like "tail" or "stop".  If -i is specified or no action is
specified on the command line, a "shell" interpreting actions typed
interactively is started.  Use the action "help" to find out about available
actions.

)";

struct OptionName {
  char letter;
  std::string_view name;
  bool has_value;
};
constexpr std::array<OptionName, 8> option_names = {{{'h', "help", false},
                                                     {'?', "", false},
                                                     {'c', "configuration", true},
                                                     {'i', "interactive", false},
                                                     {'s', "serverurl", true},
                                                     {'u', "username", true},
                                                     {'p', "password", true},
                                                     {'r', "history_file", true}}};

/// An option as typed: `-c` or `--configuration`.
struct TypedOption {
  char letter;
  std::string name;
  std::string value;
};

/// Splits a command line as getopt does: long names may be shortened, and the first word that is
/// no option ends the options. The error is getopt's.
class OptionSplitter {
 public:
  explicit OptionSplitter(Words words) : words_(std::move(words)) {}

  tl::expected<std::vector<TypedOption>, std::string> split() {
    while (at_ < words_.size() && words_[at_].size() > 1 && words_[at_].front() == '-') {
      const std::string word = words_[at_++];
      if (word == "--") {
        break;
      }
      const auto error =
          word.starts_with("--") ? take_long(word.substr(2)) : take_short(word.substr(1));
      if (error) {
        return tl::unexpected(*error);
      }
    }
    return options_;
  }

  [[nodiscard]] Words rest() const {
    return {words_.begin() + static_cast<std::ptrdiff_t>(at_), words_.end()};
  }

 private:
  using Failure = std::optional<std::string>;

  Failure take_long(const std::string& word) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    std::vector<OptionName> found;
    for (const OptionName& each : option_names) {
      if (!each.name.empty() && each.name.starts_with(name)) {
        found.push_back(each);
      }
    }
    if (found.empty()) {
      return "option --" + name + " not recognized";
    }
    const auto exact = std::find_if(found.begin(), found.end(),
                                    [&](const OptionName& each) { return each.name == name; });
    if (exact == found.end() && found.size() > 1) {
      return "option --" + name + " not a unique prefix";
    }
    const OptionName option = exact == found.end() ? found.front() : *exact;
    const std::string full = "--" + std::string(option.name);
    if (!option.has_value && equals != std::string::npos) {
      return "option " + full + " must not have an argument";
    }
    std::optional<std::string> value;
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    }
    return take(option, full, value);
  }

  Failure take_short(const std::string& letters) {
    for (std::size_t i = 0; i < letters.size(); ++i) {
      const auto* const option =
          std::find_if(option_names.begin(), option_names.end(),
                       [&](const OptionName& each) { return each.letter == letters[i]; });
      const std::string name = std::string("-") + letters[i];
      if (option == option_names.end()) {
        return "option " + name + " not recognized";
      }
      const bool attached = option->has_value && i + 1 < letters.size();
      const auto value =
          attached ? std::optional(letters.substr(i + 1)) : std::optional<std::string>();
      if (auto failure = take(*option, name, value)) {
        return failure;
      }
      if (option->has_value) {
        break;
      }
    }
    return std::nullopt;
  }

  Failure take(const OptionName& option, const std::string& name,
               std::optional<std::string> value) {
    if (option.has_value && !value) {
      if (at_ == words_.size()) {
        return "option " + name + " requires argument";
      }
      value = words_[at_++];
    }
    options_.push_back({option.letter, name, value.value_or("")});
    return std::nullopt;
  }

  Words words_;
  std::size_t at_ = 0;
  std::vector<TypedOption> options_;
};

/// Python's urlparse() finds a scheme, and something behind it.
bool is_url(const std::string& text) {
  const std::size_t colon = text.find(':');
  return colon != std::string::npos && colon > 0 && std::isalpha(text.front()) != 0 &&
         std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon),
                     [](unsigned char letter) {
                       return std::isalnum(letter) != 0 || letter == '+' || letter == '-' ||
                              letter == '.';
                     }) &&
         text.find_first_not_of('/', colon + 1) != std::string::npos;
}

Variables environment_variables() {
  Variables variables;
  for (char** each = ::environ; each != nullptr && *each != nullptr; ++each) {
    const std::string text(*each);
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) {
      variables[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  return variables;
}

/// The path of the program, which decides where its configuration is looked for.
std::string program_path(const std::string& program, const Variables& variables) {
  std::error_code error;
  if (program.empty()) {
    return std::filesystem::read_symlink("/proc/self/exe", error).string();
  }
  const auto path = variables.find("PATH");
  std::string folders = program.find('/') == std::string::npos && path != variables.end()
                            ? path->second + ":"
                            : std::string();
  for (std::size_t end = 0; (end = folders.find(':')) != std::string::npos;
       folders.erase(0, end + 1)) {
    std::string candidate = folders.substr(0, end) + "/" + program;
    if (end > 0 && ::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
  }
  return program;
}

/// Everything before the first command: options, configuration, and what they are refused for.
class CtlStart {
 public:
  CtlStart(const Supervisorctl& command, const Environment& environment)
      : program_(command.program.empty() ? "reeve supervisorctl" : command.program),
        command_(command),
        environment_(environment) {}

  /// An exit code if there is nothing to run.
  std::optional<int> prepare() {
    OptionSplitter splitter(command_.words);
    const auto options = splitter.split();
    if (!options) {
      return refuse(options.error());
    }
    words = splitter.rest();
    for (const TypedOption& option : *options) {
      if (const auto code = take(option)) {
        return code;
      }
    }
    interactive = given_.contains('i') || words.empty();
    return configure();
  }

  Words words;
  bool interactive = false;
  std::string prompt;
  CtlServer server;

 private:
  int refuse(const std::string& text) {
    *environment_.console.err << "Error: " << for_error_stream(text) << "\nFor help, use "
                              << program_ << " -h\n";
    return exit_usage;
  }

  std::optional<int> take(const TypedOption& option) {
    if (option.letter == 'h' || option.letter == '?') {
      std::string text = usage;
      text.replace(text.find("%s"), 2, program_);
      *environment_.console.out << text;
      return exit_success;
    }
    if (option.letter == 's' && !is_url(option.value)) {
      const std::string value = python_repr(option.value);
      return refuse("invalid value for " + option.name + " " + value + ": value " + value +
                    " is not a URL");
    }
    if (!given_.emplace(option.letter, option.value).second) {
      return refuse("conflicting command line option " + python_repr(option.name));
    }
    return std::nullopt;
  }

  std::optional<int> configure() {
    const Variables variables = environment_variables();
    ConfFile file;
    if (const auto named = given('c')) {
      file.path = *named;
    } else {
      file = find_supervisord_conf(program_path(command_.program, variables),
                                   environment_.sources.is_root);
    }
    note(file.notices);
    ConfSettings settings;
    if (!file.path.empty()) {
      const auto read = read_supervisord_conf(file, variables);
      if (!read && read.error().syntax) {
        *environment_.console.err << "Error: " << for_error_stream(read.error().text) << '\n';
        return exit_failure;
      }
      if (!read) {
        return refuse(read.error().text);
      }
      settings = *read;
    }
    note(settings.notices);
    prompt = settings.prompt;
    return choose_server(file, settings);
  }

  std::optional<int> choose_server(const ConfFile& file, const ConfSettings& settings) {
    const bool own_credentials = given_.contains('u') || given_.contains('p');
    if (file.restricted && own_credentials && !given_.contains('s')) {
      return refuse(file.path +
                    " of the working folder names the server: name it with -s, or the file with "
                    "-c, to send a user name and password there");
    }
    server.url = given('s').value_or(settings.server_url);
    server.username = given('u') ? given('u') : settings.username;
    server.password =
        given_.contains('p') ? std::optional(base::Secret(*given('p'))) : settings.password;
    if (file.restricted && !(given_.contains('u') && given_.contains('p'))) {
      server.credentials_only_for = settings.server_url;
    }
    return std::nullopt;
  }

  [[nodiscard]] std::optional<std::string> given(char letter) const {
    const auto found = given_.find(letter);
    return found == given_.end() ? std::nullopt : std::optional(found->second);
  }

  void note(const std::vector<std::string>& notices) {
    for (const std::string& notice : notices) {
      *environment_.console.err << "reeve: " << for_error_stream(notice) << '\n';
    }
  }

  [[nodiscard]] std::string for_error_stream(const std::string& text) const {
    return for_terminal(text, environment_.console.err_is_terminal);
  }

  const std::string program_;
  const Supervisorctl& command_;
  const Environment& environment_;
  std::map<char, std::string> given_;
};

/// A terminal that does not show what is typed, until destroyed.
class HiddenInput {
 public:
  explicit HiddenInput(int terminal) : terminal_(terminal) {
    hidden_ = ::tcgetattr(terminal, &before_) == 0;
    if (hidden_) {
      termios quiet = before_;
      quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
      ::tcsetattr(terminal, TCSAFLUSH, &quiet);
    }
  }
  ~HiddenInput() {
    if (hidden_) {
      ::tcsetattr(terminal_, TCSAFLUSH, &before_);
    }
  }
  HiddenInput(const HiddenInput&) = delete;
  HiddenInput& operator=(const HiddenInput&) = delete;

  [[nodiscard]] bool hidden() const { return hidden_; }

 private:
  int terminal_;
  bool hidden_ = false;
  termios before_{};
};

CallError interrupted() {
  return {Cause::interrupted, 0, "KeyboardInterrupt", ""};
}

}  // namespace

CallResult<std::optional<std::string>> LineReader::next() {
  while (buffer_.find('\n') == std::string::npos) {
    const auto more = fill();
    if (!more) {
      return tl::unexpected(more.error());
    }
    if (!*more) {
      return buffer_.empty() ? std::nullopt : std::optional(std::exchange(buffer_, ""));
    }
  }
  std::string line = buffer_.substr(0, buffer_.find('\n'));
  buffer_.erase(0, line.size() + 1);
  return line;
}

CallResult<bool> LineReader::fill() {
  const base::Descriptor wake(::eventfd(0, EFD_CLOEXEC));
  const std::stop_callback on_stop(stop_, [&] { ::eventfd_write(wake.get(), 1); });
  std::array<pollfd, 2> waits = {{{descriptor_, POLLIN, 0}, {wake.get(), POLLIN, 0}}};
  while (::poll(waits.data(), waits.size(), -1) < 0 && errno == EINTR) {
  }
  if (stop_.stop_requested()) {
    return tl::unexpected(interrupted());
  }
  std::array<char, 4096> block{};
  const ssize_t size = ended_ ? 0 : ::read(descriptor_, block.data(), block.size());
  ended_ = size <= 0;
  buffer_.append(block.data(), ended_ ? 0 : static_cast<std::size_t>(size));
  return !ended_;
}

CtlSession::CtlSession(CtlServer server, bool interactive, const Environment& environment,
                       std::stop_token stop)
    : server_(std::move(server)),
      interactive_(interactive),
      environment_(environment),
      client_(*environment.clock, stop),
      input_(environment.console.in, std::move(stop)),
      out_(environment.console.out) {}

void CtlSession::run_shell(const std::string& prompt) {
  bool done = run_line("status");
  while (!done) {
    const auto line = ask(prompt + "> ");
    if (line) {
      done = run_line(*line);
    } else if (line.error().cause == Cause::interrupted) {
      print("");
      return;
    } else {
      done = run_line("EOF");
    }
  }
}

bool CtlSession::run_line(const std::string& text) {
  std::string line = stripped(text);
  if (line.empty()) {
    return false;
  }
  if (line.front() == '?') {
    line.replace(0, 1, "help ");
  }
  const auto word_end = std::find_if_not(line.begin(), line.end(), [](unsigned char letter) {
    return std::isalnum(letter) != 0 || letter == '_';
  });
  const std::string word(line.begin(), word_end);
  const Command* const command = find_command(word);
  if (command == nullptr) {
    print_error("*** Unknown syntax: " + line);
    return false;
  }
  auto outcome = run_command(*command, stripped(std::string(word_end, line.end())));
  if (outcome) {
    return *outcome;
  }
  if (outcome.error().cause == Cause::interrupted) {
    exit_status_ = exit_interrupted;
    if (interactive_) {
      print("");
    }
    return true;
  }
  const CallError& error = outcome.error();
  print_error("error: <class '" + error.type + "'>, " + error.text +
              ": file: supervisorctl line: 0");
  return false;
}

CtlOutcome CtlSession::run_command(const Command& command, const std::string& argument) {
  auto outcome = (this->*command.run)(argument);
  if (outcome || outcome.error().cause != Cause::http_status || outcome.error().code != 401) {
    return outcome;
  }
  print("Server requires authentication");
  if (!interactive_) {
    exit_status_ = exit_failure;
    return (this->*command.run)(argument);  // as supervisorctl does; its error ends the line
  }
  return ask_for_credentials().and_then([&](bool) { return run_command(command, argument); });
}

CtlOutcome CtlSession::ask_for_credentials() {
  const auto username = ask("Username:");
  if (!username) {
    return tl::unexpected(username.error());
  }
  const auto password = ask_password();
  if (!password) {
    return tl::unexpected(password.error());
  }
  print("");
  server_.username = *username;
  server_.password = base::Secret(*password);
  if (server_.credentials_only_for) {
    server_.credentials_only_for = server_.url;
  }
  return false;
}

CallResult<std::string> CtlSession::ask(const std::string& prompt) {
  const std::string shown = for_terminal(prompt, environment_.console.out_is_terminal);
  out_.with([&](std::ostream* out) { *out << shown << std::flush; });
  const auto line = input_.next();
  if (!line) {
    return tl::unexpected(line.error());
  }
  if (!*line) {
    return python_error("EOFError", "EOF when reading a line");
  }
  return **line;
}

CallResult<std::string> CtlSession::ask_password() {
  const base::Descriptor terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  const HiddenInput hidden(terminal.valid() ? terminal.get() : environment_.console.in);
  std::ostream& err = *environment_.console.err;
  if (!hidden.hidden()) {
    err << "Warning: Password input may be echoed.\n";
  }
  err << "Password:" << std::flush;
  LineReader reader(terminal.get(), client_.stop());
  const auto line = terminal.valid() ? reader.next() : input_.next();
  if (!line) {
    return tl::unexpected(line.error());
  }
  if (!*line) {
    return python_error("EOFError", "");
  }
  err << '\n' << std::flush;
  return **line;
}

void CtlSession::print(std::string_view line) {
  const std::string shown = for_terminal(line, environment_.console.out_is_terminal);
  out_.with([&](std::ostream* out) { *out << shown << '\n' << std::flush; });
}

void CtlSession::print_error(std::string_view line, int exit_status) {
  print(line);
  exit_status_ = exit_status;
}

void CtlSession::complain(std::string_view command, std::string_view line, int exit_status) {
  print_error(line, exit_status);
  print(find_command(command)->help);
}

int run(const Supervisorctl& command, const Environment& environment, const std::stop_token& stop) {
  CtlStart start(command, environment);
  if (const auto code = start.prepare()) {
    return *code;
  }
  CtlSession session(start.server, start.interactive, environment, stop);
  if (start.words.empty()) {
    session.run_shell(start.prompt);
    return exit_success;
  }
  session.run_line(base::join(start.words, " "));
  return session.exit_status();
}

}  // namespace reeve::cli
