#include "config/section.h"

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"

namespace reeve::config {
namespace {

constexpr std::string_view duration_format = "expected a duration like 500ms, 5s, 2m or 1h";

std::string description_of(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::scalar:
      return node.text.size() > 40 ? "a long text" : "'" + node.text + "'";
    case Node::Kind::list:
      return "a list";
    case Node::Kind::map:
      return "a map";
    case Node::Kind::invalid:
      return "nothing usable";
  }
  return "nothing";
}

}  // namespace

void ConfigFile::error(Position position, std::string message) {
  errors_.push_back({path_, position.line, position.column, std::move(message)});
}

void ConfigFile::warning(Position position, std::string message) {
  warnings_.push_back({path_, position.line, position.column, std::move(message)});
}

std::string ConfigFile::resolve(const std::string& path) const {
  return (std::filesystem::path(path_).parent_path() / path).lexically_normal().string();
}

Section::Section(const Node& node, std::string name, ConfigFile& file)
    : node_(node), name_(std::move(name)), config_file_(file) {
  if (node.kind == Node::Kind::scalar || node.kind == Node::Kind::list) {
    config_file_.error(node.position, (name_.empty() ? "" : name_ + ": ") +
                                          "expected a map of keys and values, found " +
                                          description_of(node));
  }
}

const Node* Section::find(const std::string& key) {
  known_keys_.push_back(key);
  const auto found = std::find_if(node_.entries.begin(), node_.entries.end(),
                                  [&](const Entry& entry) { return entry.key == key; });
  return found == node_.entries.end() || found->value.kind == Node::Kind::invalid ? nullptr
                                                                                  : &found->value;
}

Position Section::position(const std::string& key) const {
  const auto found = std::find_if(node_.entries.begin(), node_.entries.end(),
                                  [&](const Entry& entry) { return entry.key == key; });
  return found == node_.entries.end() ? node_.position : found->position;
}

std::string Section::path(const std::string& key) const {
  return name_.empty() ? key : name_ + "." + key;
}

std::optional<std::string> Section::find_text(const std::string& key) {
  const Node* const node = find(key);
  if (node == nullptr) {
    return std::nullopt;
  }
  if (node->kind != Node::Kind::scalar) {
    report_unexpected(key, *node, "expected text");
    return std::nullopt;
  }
  return node->text;
}

void Section::text(const std::string& key, std::string& value) {
  if (auto text = find_text(key)) {
    value = *std::move(text);
  }
}

void Section::flag(const std::string& key, bool& value) {
  const Node* const node = find(key);
  if (node == nullptr) {
    return;
  }
  const bool plain = node->kind == Node::Kind::scalar && !node->quoted;
  if (plain && (node->text == "true" || node->text == "false")) {
    value = node->text == "true";
  } else {
    report_unexpected(key, *node, "expected true or false");
  }
}

void Section::duration(const std::string& key, base::Duration& value, DurationRange range) {
  const Node* const node = find(key);
  if (node == nullptr) {
    return;
  }
  const auto span = base::parse_duration(node->text);
  if (node->kind != Node::Kind::scalar || !span) {
    report_unexpected(key, *node, std::string(duration_format));
  } else if (*span < range.min || *span > range.max) {
    report_unexpected(
        key, *node,
        "expected " + base::format_duration(range.min) + " to " + base::format_duration(range.max));
  } else {
    value = *span;
  }
}

const Node* Section::find_list(const std::string& key) {
  const Node* const list = find(key);
  if (list == nullptr || list->kind == Node::Kind::null) {
    return nullptr;
  }
  if (list->kind != Node::Kind::list) {
    report_unexpected(key, *list, "expected a list");
    return nullptr;
  }
  return list;
}

void Section::each_text(
    const std::string& key,
    const std::function<void(const std::string& text, Position position)>& use) {
  const Node* const list = find_list(key);
  if (list == nullptr) {
    return;
  }
  for (const Node& item : list->items) {
    if (item.kind == Node::Kind::scalar) {
      use(item.text, item.position);
    } else if (item.kind != Node::Kind::invalid) {
      report_unexpected(key, item, "expected text in the list");
    }
  }
}

void Section::each_pair(
    const std::function<void(const std::string& key, const std::string& text)>& use) {
  for (const Entry& entry : node_.entries) {
    if (const auto text = find_text(entry.key)) {
      use(entry.key, *text);
    }
  }
}

void Section::each_map(const std::string& key, const std::function<void(Section& item)>& use) {
  const Node* const list = find_list(key);
  if (list == nullptr) {
    return;
  }
  for (std::size_t at = 0; at < list->items.size(); ++at) {
    Section item(list->items[at], path(key) + "[" + std::to_string(at) + "]", config_file_);
    use(item);
    item.finish();
  }
}

void Section::file(const std::string& key, std::string& value) {
  text(key, value);
  if (value.empty()) {
    return;
  }
  value = config_file_.resolve(value);
  if (!config_file_.opens_files()) {
    return;
  }
  const auto readable = base::read_file(value, max_file_bytes);
  if (!readable) {
    error(key, readable.error().message);
  }
}

void Section::private_file(const std::string& key, std::string& value) {
  file(key, value);
  if (config_file_.opens_files()) {
    warn_if_exposed(key, value);
  }
}

std::optional<base::Secret> Section::secret(const std::string& key, const std::string& file) {
  const std::string path = config_file_.resolve(file);
  auto read = base::read_secret_file(path);
  if (!read) {
    error(key, read.error().message);
    return std::nullopt;
  }
  warn_if_exposed(key, path);
  return *std::move(read);
}

void Section::warn_if_exposed(const std::string& key, const std::string& path) {
  if (others_may_read(path)) {
    config_file_.warning(position(key),
                         this->path(key) + ": all users can read " + path + ": chmod o-r it");
  }
}

void Section::error(const std::string& key, const std::string& message) {
  const Node* const node = find(key);
  config_file_.error(node == nullptr ? node_.position : node->position, path(key) + ": " + message);
}

void Section::report_unexpected(const std::string& key, const Node& node,
                                const std::string& expected) {
  config_file_.error(node.position,
                     path(key) + ": " + expected + ", found " + description_of(node));
}

void Section::report_unknown_choice(const std::string& key, const std::vector<std::string>& names) {
  const Node& node = *find(key);
  report_unexpected(key, node, "expected " + join_words(names, " or "));
}

std::vector<std::pair<Position, std::string>> Section::unknown_keys() {
  std::sort(known_keys_.begin(), known_keys_.end());
  known_keys_.erase(std::unique(known_keys_.begin(), known_keys_.end()), known_keys_.end());
  std::vector<std::pair<Position, std::string>> unknown;
  for (const Entry& entry : node_.entries) {
    if (std::binary_search(known_keys_.begin(), known_keys_.end(), entry.key)) {
      continue;
    }
    const auto near = base::nearest(entry.key, known_keys_);
    unknown.emplace_back(entry.position,
                         "unknown key '" + path(entry.key) + "': " +
                             (near ? "did you mean '" + *near + "'?"
                                   : "the keys here are " + join_words(known_keys_, " and ")));
  }
  return unknown;
}

void Section::finish() {
  for (auto& [position, message] : unknown_keys()) {
    config_file_.error(position, std::move(message));
  }
}

void Section::warn_of_unknown_keys() {
  for (auto& [position, message] : unknown_keys()) {
    config_file_.warning(position, std::move(message));
  }
}

bool others_may_read(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  return !error && (status.permissions() & std::filesystem::perms::others_read) !=
                       std::filesystem::perms::none;
}

std::string join_words(const std::vector<std::string>& words, std::string_view last_separator) {
  std::string joined;
  for (std::size_t at = 0; at < words.size(); ++at) {
    if (at > 0) {
      joined += at + 1 == words.size() ? last_separator : std::string_view(", ");
    }
    joined += words[at];
  }
  return joined;
}

}  // namespace reeve::config
