#pragma once

// YAML text as a small tree of our own, in which every key and value knows its place. Refuses
// what makes configurations surprising or dangerous: duplicate keys, anchors and aliases, merge
// keys, tags, several documents, and anything beyond the bounds below.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace reeve::config {

inline constexpr std::size_t max_file_bytes = std::size_t{1024} * 1024;
inline constexpr std::size_t max_depth = 16;
inline constexpr std::size_t max_values = 20'000;

/// Counted from 1.
struct Place {
  int line = 0;
  int column = 0;
};

struct Entry;

struct Node {
  enum class Kind { nothing, scalar, list, map, refused };  ///< refused: an error was reported

  Kind kind = Kind::nothing;
  Place place;
  std::string text;            ///< of a scalar
  bool quoted = false;         ///< a scalar that can only be meant as text
  std::vector<Node> items;     ///< of a list
  std::vector<Entry> entries;  ///< of a map, in the order of the file; keys are unique
};

struct Entry {
  std::string key;
  Place place;
  Node value;
};

struct YamlError {
  Place place;
  std::string message;
};

struct YamlDocument {
  Node root;  ///< Kind::nothing for an empty text
  std::vector<YamlError> errors;
};

/// Never throws. After a syntax error the tree is empty.
[[nodiscard]] YamlDocument read_yaml(std::string_view text);

}  // namespace reeve::config
