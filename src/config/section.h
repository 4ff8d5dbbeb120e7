#pragma once

// Reading the keys of one map against what a part expects. Each call names a key and thereby
// makes it known; finish() reports the keys that nobody named. Wrong values are reported and
// leave the option as it was, so that all errors of a file come at once.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/yaml.h"
#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::config {

/// The file being read and what is wrong with it.
class Source {
 public:
  Source(std::string file, bool others_may_read)
      : file_(std::move(file)), others_may_read_(others_may_read) {}

  void error(Place place, std::string message);
  /// It can be used as it is; a person should know.
  void warning(Place place, std::string message);
  /// A relative file name of the configuration is meant from the configuration's own folder.
  [[nodiscard]] std::string resolve(const std::string& path) const;
  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] bool others_may_read() const { return others_may_read_; }
  [[nodiscard]] std::vector<ConfigError>& errors() { return errors_; }
  [[nodiscard]] std::vector<ConfigError>& warnings() { return warnings_; }

 private:
  std::string file_;
  bool others_may_read_;
  std::vector<ConfigError> errors_;
  std::vector<ConfigError> warnings_;
};

struct DurationRange {
  base::Duration least;
  base::Duration most;
};

template <class T>
using Choices = std::vector<std::pair<std::string, T>>;

class Section {
 public:
  /// `name` is the dotted path of the map, empty for the file's root. Anything but a map (or
  /// nothing) is an error, and reads as an empty map.
  Section(const Node& node, std::string name, Source& source);

  /// The value of a key; null if it is absent or was refused already.
  [[nodiscard]] const Node* find(const std::string& key);
  /// The items of a list of maps, each with its dotted path.
  void each_map(const std::string& key, const std::function<void(Section& item)>& use);
  /// Where the key stands; the section's own place if it is absent.
  [[nodiscard]] Place place(const std::string& key) const;
  [[nodiscard]] Place place() const { return node_.place; }
  /// The dotted path of a key of this section.
  [[nodiscard]] std::string path(const std::string& key) const;
  [[nodiscard]] Source& source() { return source_; }

  void text(const std::string& key, std::string& value);
  void flag(const std::string& key, bool& value);
  void duration(const std::string& key, base::Duration& value, DurationRange range);
  /// The items of a list of texts, one by one with their places.
  void each_text(const std::string& key,
                 const std::function<void(const std::string& text, Place place)>& use);
  /// The keys of a map whose keys are free, each with its text.
  void each_pair(const std::function<void(const std::string& key, const std::string& text)>& use);
  /// A text that `parse` must accept; its message is reported otherwise.
  template <class T>
  void parsed(const std::string& key, T& value,
              const std::function<base::Result<T>(std::string_view)>& parse);
  template <class T>
  void choice(const std::string& key, T& value, const Choices<T>& choices);
  /// The path of a file that can be read; empty stays empty.
  void file(const std::string& key, std::string& value);
  /// Reports something about a key's value.
  void error(const std::string& key, const std::string& message);

  /// Reports the unknown keys.
  void finish();

 private:
  [[nodiscard]] std::optional<std::string> find_text(const std::string& key);
  /// Null also if it is no list, which is reported.
  [[nodiscard]] const Node* find_list(const std::string& key);
  void wrong(const std::string& key, const Node& node, const std::string& expected);
  void not_a_choice(const std::string& key, const std::vector<std::string>& names);

  const Node& node_;
  std::string name_;
  Source& source_;
  std::vector<std::string> known_;
};

template <class T>
void Section::parsed(const std::string& key, T& value,
                     const std::function<base::Result<T>(std::string_view)>& parse) {
  if (const auto text = find_text(key)) {
    auto result = parse(*text);
    if (result) {
      value = *std::move(result);
    } else {
      source_.error(find(key)->place, path(key) + ": " + result.error().message);
    }
  }
}

template <class T>
void Section::choice(const std::string& key, T& value, const Choices<T>& choices) {
  const auto text = find_text(key);
  if (!text) {
    return;
  }
  std::vector<std::string> names;
  for (const auto& [name, meaning] : choices) {
    if (name == *text) {
      value = meaning;
      return;
    }
    names.push_back(name);
  }
  not_a_choice(key, names);
}

/// "a, b or c".
[[nodiscard]] std::string join_words(const std::vector<std::string>& words,
                                     std::string_view last_separator);

}  // namespace reeve::config
