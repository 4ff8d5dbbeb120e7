#pragma once

// Reads the keys of one map of the configuration into options. Each call that names a key makes it
// a known one; finish() reports the others. A wrong value is reported and leaves the option as it
// was, so that all errors of a file are found at once.

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
#include "reeve/base/secret.h"

namespace reeve::config {

/// The file being read, with its errors and warnings.
class ConfigFile {
 public:
  explicit ConfigFile(std::string path, LoadOptions options = {})
      : path_(std::move(path)), options_(std::move(options)) {}

  void error(Position position, std::string message);
  /// The configuration can be used, but is probably not what was meant.
  void warning(Position position, std::string message);
  /// Relative file names in the configuration start from its own folder.
  [[nodiscard]] std::string resolve(const std::string& path) const;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const LoadOptions& options() const { return options_; }
  /// False: the files that the configuration names are left alone, but for password files.
  [[nodiscard]] bool opens_files() const { return options_.part == Part::everything; }
  [[nodiscard]] std::vector<ConfigError>& errors() { return errors_; }
  [[nodiscard]] std::vector<ConfigError>& warnings() { return warnings_; }

 private:
  std::string path_;
  LoadOptions options_;
  std::vector<ConfigError> errors_;
  std::vector<ConfigError> warnings_;
};

struct DurationRange {
  base::Duration min;
  base::Duration max;
};

template <class T>
using Choices = std::vector<std::pair<std::string, T>>;

class Section {
 public:
  /// `name` is the dotted path of the map, empty for the file's root. Anything but a map (or
  /// nothing) is an error, and reads as an empty map.
  Section(const Node& node, std::string name, ConfigFile& file);

  /// The value of a key; null if it is absent, or invalid and reported.
  [[nodiscard]] const Node* find(const std::string& key);
  /// The items of a list of maps, each with its dotted path.
  void each_map(const std::string& key, const std::function<void(Section& item)>& use);
  /// The position of the key; the section's own if it is absent.
  [[nodiscard]] Position position(const std::string& key) const;
  [[nodiscard]] Position position() const { return node_.position; }
  /// The dotted path of a key of this section.
  [[nodiscard]] std::string path(const std::string& key) const;
  [[nodiscard]] ConfigFile& config_file() { return config_file_; }

  void text(const std::string& key, std::string& value);
  void flag(const std::string& key, bool& value);
  void duration(const std::string& key, base::Duration& value, DurationRange range);
  /// The items of a list of texts, one by one with their places.
  void each_text(const std::string& key,
                 const std::function<void(const std::string& text, Position position)>& use);
  /// The keys of a map whose keys are free, each with its text.
  void each_pair(const std::function<void(const std::string& key, const std::string& text)>& use);
  /// A text that `parse` accepts, or its error is reported.
  template <class T>
  void parsed(const std::string& key, T& value,
              const std::function<base::Result<T>(std::string_view)>& parse);
  template <class T>
  void choice(const std::string& key, T& value, const Choices<T>& choices);
  /// The path of a file that can be read, if files are opened; empty stays empty.
  void file(const std::string& key, std::string& value);
  /// The same for a file with a key in it: a warning if all users can read it.
  void private_file(const std::string& key, std::string& value);
  /// The first line of the file that the key names, with the same warning; nothing if it cannot be
  /// read, which is reported.
  [[nodiscard]] std::optional<base::Secret> secret(const std::string& key, const std::string& file);
  /// Reports an error in a key's value.
  void error(const std::string& key, const std::string& message);

  /// Reports the unknown keys.
  void finish();
  /// The same as warnings.
  void warn_of_unknown_keys();

 private:
  [[nodiscard]] std::vector<std::pair<Position, std::string>> unknown_keys();
  [[nodiscard]] std::optional<std::string> find_text(const std::string& key);
  /// Null if the key is absent or not a list, which is reported.
  [[nodiscard]] const Node* find_list(const std::string& key);
  void warn_if_exposed(const std::string& key, const std::string& path);
  void report_unexpected(const std::string& key, const Node& node, const std::string& expected);
  void report_unknown_choice(const std::string& key, const std::vector<std::string>& names);

  const Node& node_;
  std::string name_;
  ConfigFile& config_file_;
  std::vector<std::string> known_keys_;
};

template <class T>
void Section::parsed(const std::string& key, T& value,
                     const std::function<base::Result<T>(std::string_view)>& parse) {
  if (const auto text = find_text(key)) {
    auto result = parse(*text);
    if (result) {
      value = *std::move(result);
    } else {
      config_file_.error(find(key)->position, path(key) + ": " + result.error().message);
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
  report_unknown_choice(key, names);
}

/// Whether all users of the system may read the file.
[[nodiscard]] bool others_may_read(const std::string& path);

/// "a, b or c".
[[nodiscard]] std::string join_words(const std::vector<std::string>& words,
                                     std::string_view last_separator);

}  // namespace reeve::config
