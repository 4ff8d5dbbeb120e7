#include "substrate/own_program.h"

#include <algorithm>
#include <array>

namespace reeve::substrate {
namespace {

using Words = std::vector<std::string>;

/// A script within a script within a script is as deep as anybody looks.
constexpr int max_depth = 8;

/// Splits a shell's text into commands, and these at blanks; quotes and backslashes keep what they
/// protect together.
class CommandSplitter {
 public:
  [[nodiscard]] std::vector<Words> split(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
      const char letter = text[at];
      if (letter == '\\' && quote_ != '\'' && at + 1 < text.size()) {
        word_ += text[++at];
      } else if (quote_ != '\0' || letter == '\'' || letter == '"') {
        take_quoted(letter);
      } else {
        take(letter);
      }
    }
    end_command();
    return std::move(commands_);
  }

 private:
  void take_quoted(char letter) {
    if (quote_ == '\0' || letter == quote_) {
      quote_ = quote_ == '\0' ? letter : '\0';
    } else {
      word_ += letter;
    }
  }
  void take(char letter) {
    if (std::string_view(";&|()").find(letter) != std::string_view::npos) {
      end_command();
    } else if (letter == ' ' || letter == '\t' || letter == '\n') {
      end_word();
    } else {
      word_ += letter;
    }
  }
  void end_word() {
    if (!word_.empty()) {
      words_.push_back(std::exchange(word_, {}));
    }
  }
  void end_command() {
    end_word();
    if (!words_.empty()) {
      commands_.push_back(std::exchange(words_, {}));
    }
  }

  std::vector<Words> commands_;
  Words words_;
  std::string word_;
  char quote_ = '\0';
};

std::string_view file_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// What runs the command that stands behind its own options and values, or in one of them: shells
/// and their words, and programs that change user, limits, priority, terminal or signals.
bool runs_another(std::string_view word) {
  static constexpr std::array wrappers = {"!",
                                          "ash",
                                          "authbind",
                                          "bash",
                                          "bwrap",
                                          "busybox",
                                          "capsh",
                                          "catchsegv",
                                          "cgexec",
                                          "chpst",
                                          "chroot",
                                          "chrt",
                                          "command",
                                          "dash",
                                          "do",
                                          "doas",
                                          "dumb-init",
                                          "else",
                                          "env",
                                          "envdir",
                                          "envuidgid",
                                          "eval",
                                          "exec",
                                          "faketime",
                                          "firejail",
                                          "flock",
                                          "gosu",
                                          "if",
                                          "ionice",
                                          "ksh",
                                          "ltrace",
                                          "mksh",
                                          "nice",
                                          "nocache",
                                          "nohup",
                                          "nsenter",
                                          "numactl",
                                          "pidproxy",
                                          "prlimit",
                                          "runuser",
                                          "script",
                                          "setarch",
                                          "setpriv",
                                          "setsid",
                                          "setuidgid",
                                          "sg",
                                          "sh",
                                          "softlimit",
                                          "start-stop-daemon",
                                          "stdbuf",
                                          "strace",
                                          "su",
                                          "su-exec",
                                          "sudo",
                                          "systemd-cat",
                                          "systemd-run",
                                          "taskset",
                                          "then",
                                          "time",
                                          "timeout",
                                          "tini",
                                          "unbuffer",
                                          "unshare",
                                          "until",
                                          "valgrind",
                                          "while",
                                          "with-contenv",
                                          "zsh",
                                          "{"};
  const std::string_view name = file_name(word);
  return std::find(wrappers.begin(), wrappers.end(), name) != wrappers.end() ||
         name.starts_with("ld-linux") || name.starts_with("ld-musl");
}

bool is_assignment(std::string_view word) {
  return !word.starts_with('-') && word.find('=') != std::string_view::npos;
}

/// The words behind `reeve`: its subcommand is the first that is no option nor an option's value.
bool serves(Words::const_iterator word, Words::const_iterator end) {
  bool may_be_value = false;
  for (; word != end; ++word) {
    if (*word == "serve" || *word == "relay-events") {
      return true;
    }
    if (!word->starts_with('-') && !may_be_value) {
      return false;
    }
    may_be_value = word->starts_with('-');
  }
  return false;
}

bool runs_reeve(std::string_view text, int depth);

bool runs_reeve(const Words& words, int depth) {
  auto word = std::find_if_not(words.begin(), words.end(), is_assignment);
  if (word == words.end()) {
    return false;
  }
  if (!runs_another(*word)) {
    return file_name(*word) == "reeve" && serves(word + 1, words.end());
  }
  for (++word; word != words.end(); ++word) {
    const bool is_script = word->find_first_of(" \t\n;&|") != std::string::npos;
    // env takes one as --split-string=TEXT
    const std::size_t text = word->starts_with("--") ? word->find('=') + 1 : 0;
    const bool runs = is_script ? runs_reeve(std::string_view(*word).substr(text), depth + 1)
                                : file_name(*word) == "reeve" && serves(word + 1, words.end());
    if (runs) {
      return true;
    }
  }
  return false;
}

bool runs_reeve(std::string_view text, int depth) {
  const auto commands = CommandSplitter().split(text);
  return depth < max_depth &&
         std::any_of(commands.begin(), commands.end(),
                     [&](const Words& words) { return runs_reeve(words, depth); });
}

}  // namespace

bool runs_reeve(const ProgramConfig& program) {
  return runs_reeve(program.command.value_or(""), 0);
}

bool runs_reeve(const std::vector<std::string>& words, bool is_reeve) {
  return !words.empty() && (is_reeve || file_name(words.front()) == "reeve") &&
         serves(words.begin() + 1, words.end());
}

}  // namespace reeve::substrate
