#pragma once

// YAML text as a tree in which every key and value has its position. Duplicate keys, anchors and
// aliases, merge keys, tags, several documents and anything beyond the limits below are errors. The
// only user of yaml-cpp.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace reeve::config {

inline constexpr std::size_t max_file_bytes = std::size_t{1024} * 1024;
inline constexpr std::size_t max_depth = 16;
inline constexpr std::size_t max_values = 20'000;

/// Counted from 1.
struct Position {
  int line = 0;
  int column = 0;
};

struct Entry;

struct Node {
  enum class Kind { null, scalar, list, map, invalid };  ///< invalid: its error is reported

  Kind kind = Kind::null;
  Position position;
  std::string text;            ///< of a scalar
  bool quoted = false;         ///< a scalar that is text, never a boolean
  std::vector<Node> items;     ///< of a list
  std::vector<Entry> entries;  ///< of a map, in the order of the file; keys are unique
};

struct Entry {
  std::string key;
  Position position;
  Node value;
};

struct YamlError {
  Position position;
  std::string message;
};

struct YamlDocument {
  Node root;  ///< Kind::null for an empty text
  /// After a syntax error: the keys of the root that were complete before it, and the one that was
  /// not, with an invalid value. Else Kind::null.
  Node before_error;
  std::vector<YamlError> errors;
};

/// Never throws. After a syntax error the tree is empty.
[[nodiscard]] YamlDocument read_yaml(std::string_view text);

}  // namespace reeve::config
