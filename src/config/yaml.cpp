#include "config/yaml.h"

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "base/file.h"
#include "base/text.h"

namespace reeve::config {
namespace {

struct LimitExceeded {};

Position position_of(const YAML::Mark& mark) {
  return mark.is_null() ? Position{} : Position{mark.line + 1, mark.column + 1};
}

/// Builds the tree from the parser's events. Throws LimitExceeded after reporting it.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(YamlDocument& document) : document_(document) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 2) {
      stop(mark, "one YAML document is expected, here begins a second");
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(node(Node::Kind::null, mark, anchor, "?"));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    report(mark, "aliases are not supported: write the value out");
    add(node(Node::Kind::invalid, mark, YAML::NullAnchor, "?"));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node scalar = node(Node::Kind::scalar, mark, anchor, tag);
    scalar.text = value;
    scalar.quoted = tag == "!";
    add(std::move(scalar));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(node(Node::Kind::list, mark, anchor, tag), mark);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(node(Node::Kind::map, mark, anchor, tag), mark);
  }
  void OnMapEnd() override { close(); }

  /// The root map as far as it has been read.
  Node take_unfinished_root() {
    if (open_.empty() || open_.front().node.kind != Node::Kind::map) {
      return {};
    }
    OpenNode& root = open_.front();
    if (root.key) {
      root.key->value.kind = Node::Kind::invalid;
      root.node.entries.push_back(*std::move(root.key));
    }
    return std::move(root.node);
  }

 private:
  /// A list or map that the parser has not ended yet.
  struct OpenNode {
    Node node;
    std::optional<Entry> key;         ///< its value has not been read yet
    std::map<std::string, int> seen;  ///< keys and their lines
  };

  void report(const YAML::Mark& mark, std::string message) {
    document_.errors.push_back({position_of(mark), std::move(message)});
  }
  [[noreturn]] void stop(const YAML::Mark& mark, std::string message) {
    report(mark, std::move(message));
    throw LimitExceeded{};
  }

  Node node(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor,
            const std::string& tag) {
    if (++values_ > max_values) {
      stop(mark, "more than " + std::to_string(max_values) + " values");
    }
    if (anchor != YAML::NullAnchor) {
      report(mark, "anchors are not supported");
    }
    if (tag != "?" && tag != "!" && !tag.empty()) {
      report(mark, "tags are not supported");
    }
    Node fresh;
    fresh.kind = kind;
    fresh.position = position_of(mark);
    return fresh;
  }

  void open(Node fresh, const YAML::Mark& mark) {
    if (open_.size() >= max_depth) {
      stop(mark, "nested deeper than " + std::to_string(max_depth) + " levels");
    }
    open_.push_back({std::move(fresh), std::nullopt, {}});
  }

  void close() {
    Node done = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(done));
  }

  void add(Node value) {
    if (open_.empty()) {
      document_.root = std::move(value);
    } else if (open_.back().node.kind == Node::Kind::list) {
      open_.back().node.items.push_back(std::move(value));
    } else if (open_.back().key) {
      add_entry(open_.back(), std::move(value));
    } else {
      add_key(open_.back(), std::move(value));
    }
  }

  void add_key(OpenNode& map, Node key) {
    if (key.kind != Node::Kind::scalar && key.kind != Node::Kind::invalid) {
      document_.errors.push_back({key.position, "a key must be a scalar"});
    }
    if (key.text == "<<" && !key.quoted) {
      document_.errors.push_back({key.position, "merge keys are not supported"});
    }
    map.key = Entry{std::move(key.text), key.position, {}};
  }

  void add_entry(OpenNode& map, Node value) {
    Entry entry = std::move(*map.key);
    map.key.reset();
    const bool usable = !entry.key.empty() && entry.key != "<<";
    const auto [first, fresh] = map.seen.emplace(entry.key, entry.position.line);
    if (usable && !fresh) {
      document_.errors.push_back({entry.position, "duplicate key '" + entry.key +
                                                      "', first set in line " +
                                                      std::to_string(first->second)});
    } else if (usable) {
      entry.value = std::move(value);
      map.node.entries.push_back(std::move(entry));
    }
  }

  YamlDocument& document_;
  std::vector<OpenNode> open_;
  std::size_t values_ = 0;
  int documents_ = 0;
};

/// yaml-cpp does not say that a tab is what it stumbles over.
std::string hint_at_tab(std::string_view text, const YAML::Mark& mark) {
  std::size_t begin = 0;
  for (int line = 0; !mark.is_null() && line < mark.line && begin < text.size(); ++line) {
    begin = std::min(text.find('\n', begin), text.size() - 1) + 1;
  }
  const std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
  const std::string_view indent = line.substr(0, line.find_first_not_of(" \t"));
  return indent.find('\t') == std::string_view::npos
             ? ""
             : " (line " + std::to_string(mark.line + 1) +
                   " begins with a tab: YAML is indented by spaces alone)";
}

std::optional<std::string> encoding_error(std::string_view text) {
  if (text.size() > max_file_bytes) {
    return "longer than 1 MB";
  }
  if (text.find('\0') != std::string_view::npos || !base::is_utf8(text)) {
    return "not UTF-8 text";
  }
  return std::nullopt;
}

}  // namespace

YamlDocument read_yaml(std::string_view text) {
  YamlDocument document;
  if (auto problem = encoding_error(text)) {
    document.errors.push_back({{}, *std::move(problem)});
    return document;
  }
  TreeBuilder builder(document);
  try {
    std::istringstream stream{std::string(base::without_byte_order_mark(text))};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const LimitExceeded&) {
    document.root = Node{};  // already reported
  } catch (const YAML::Exception& error) {
    document.root = Node{};
    document.before_error = builder.take_unfinished_root();
    document.errors.push_back(
        {position_of(error.mark), "not valid YAML: " + error.msg + hint_at_tab(text, error.mark)});
  } catch (const std::exception& error) {
    document.root = Node{};
    document.errors.push_back({{}, std::string("not valid YAML: ") + error.what()});
  }
  return document;
}

}  // namespace reeve::config
