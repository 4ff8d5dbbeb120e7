#include "substrate/own_program.h"

#include <algorithm>

namespace reeve::substrate {
namespace {

/// Split at blanks, as a shell would; quotes keep blanks together.
std::vector<std::string> words_of(const std::string& command) {
  std::vector<std::string> words;
  std::string word;
  char quote = '\0';
  for (const char letter : command) {
    if (quote != '\0' || letter == '\'' || letter == '"') {
      if (quote == '\0' || letter == quote) {
        quote = quote == '\0' ? letter : '\0';
      } else {
        word += letter;
      }
    } else if (letter != ' ' && letter != '\t' && letter != '\n') {
      word += letter;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) {
    words.push_back(std::move(word));
  }
  return words;
}

std::string_view file_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// What may stand before the program: env, its options and its assignments, exec.
bool is_wrapping(std::string_view word) {
  return file_name(word) == "env" || word == "exec" || word.starts_with('-') ||
         word.find('=') != std::string_view::npos;
}

}  // namespace

bool runs_reeve(const ProgramConfig& program) {
  const std::vector<std::string> words = words_of(program.command.value_or(""));
  const auto executable = std::find_if_not(words.begin(), words.end(), is_wrapping);
  return executable != words.end() && file_name(*executable) == "reeve" &&
         std::any_of(executable + 1, words.end(), [](const std::string& word) {
           return word == "serve" || word == "relay-events";
         });
}

}  // namespace reeve::substrate
