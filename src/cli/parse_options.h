#pragma once

// Kinds of options that parse.cpp needs beside CLI11's own.

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "base/text.h"

namespace reeve::cli {

/// CLI11 takes a word like [ab] for a list of words, and drops what follows `--` from names: a
/// mark before such a word makes it one like others.
inline constexpr char guard = '\x01';

inline std::vector<std::string> guarded(std::vector<std::string> words) {
  const auto end_of_options = std::find(words.begin(), words.end(), "--");
  for (auto word = words.begin(); word != words.end(); ++word) {
    if (word > end_of_options || (word->starts_with('[') && word->ends_with(']'))) {
      word->insert(word->begin(), guard);
    }
  }
  if (end_of_options != words.end()) {
    words.erase(end_of_options);
  }
  return words;
}

inline std::string unguarded(const std::string& word) {
  return word.starts_with(guard) ? word.substr(1) : word;
}

/// supervisorctl's `tail -100 NAME`.
inline std::vector<std::string> with_long_tail(std::vector<std::string> arguments) {
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

/// Known before the rest is understood, because that may fail.
inline bool asks_for_json(const std::vector<std::string>& arguments) {
  const auto option = std::find(arguments.begin(), arguments.end(), "--output");
  return (option != arguments.end() && option + 1 != arguments.end() && option[1] == "json") ||
         std::find(arguments.begin(), arguments.end(), "--output=json") != arguments.end();
}

/// A word that must be one of a few.
template <class T>
CLI::Option* add_choice(CLI::App& app, const std::string& option, T& value,
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

inline CLI::Option* add_text(CLI::App& app, const std::string& option,
                             std::optional<std::string>& value, const std::string& type,
                             const std::string& description) {
  return app
      .add_option_function<std::string>(
          option, [&value](const std::string& word) { value = unguarded(word); }, description)
      ->type_name(type);
}

}  // namespace reeve::cli
