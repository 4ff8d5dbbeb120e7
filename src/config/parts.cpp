#include "config/parts.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "base/text.h"

namespace reeve::config {
namespace {

/// From the first position up to, not including, the second.
struct Span {
  Position begin;
  Position end;
};

constexpr Position end_of_file{std::numeric_limits<int>::max(), 0};

bool is_before(Position a, Position b) {
  return std::tie(a.line, a.column) < std::tie(b.line, b.column);
}

const std::vector<std::string>& keys_of(Part part) {
  static const std::vector<std::string> supervisors = {"supervisor", "supervisors"};
  static const std::vector<std::string> control = {"control"};
  static const std::vector<std::string> relay = {"events", "log"};
  static const std::vector<std::string> agent = {"agent"};
  static const std::vector<std::string> none;
  switch (part) {
    case Part::everything:
      return none;
    case Part::supervisors:
      return supervisors;
    case Part::control:
      return control;
    case Part::relay:
      return relay;
    case Part::agent:
      return agent;
  }
  return none;
}

/// Also a key that is probably a misspelt one of the part.
bool is_of_part(const std::string& key, Part part) {
  const auto& keys = keys_of(part);
  return std::find(keys.begin(), keys.end(), key) != keys.end() ||
         base::nearest(key, keys).has_value();
}

const Node* child(const Node& map, const std::string& key) {
  const auto found = std::find_if(map.entries.begin(), map.entries.end(),
                                  [&](const Entry& entry) { return entry.key == key; });
  return found == map.entries.end() ? nullptr : &found->value;
}

/// The item of a list of supervisords that has the name; the whole list if there is none.
Span span_of_item(const Node& list, const std::string& name, Span whole) {
  for (std::size_t at = 0; at < list.items.size(); ++at) {
    const Node* const found = child(list.items[at], "name");
    if (found != nullptr && found->text == name) {
      return {list.items[at].position,
              at + 1 < list.items.size() ? list.items[at + 1].position : whole.end};
    }
  }
  return whole;
}

std::vector<Span> spans_of_part(const Node& root, const LoadOptions& options) {
  std::vector<Span> spans;
  for (auto entry = root.entries.begin(); entry != root.entries.end(); ++entry) {
    if (!is_of_part(entry->key, options.part)) {
      continue;
    }
    const Span whole = {entry->position,
                        entry + 1 == root.entries.end() ? end_of_file : (entry + 1)->position};
    spans.push_back(options.supervisor && entry->value.kind == Node::Kind::list
                        ? span_of_item(entry->value, *options.supervisor, whole)
                        : whole);
  }
  return spans;
}

}  // namespace

void warn_of_other_parts(const Node& root, bool cut_off, ConfigFile& file) {
  const std::vector<Span> spans = spans_of_part(root, file.options());
  const bool is_optional = file.options().part == Part::agent;
  if (root.kind != Node::Kind::map || (cut_off && spans.empty() && !is_optional)) {
    return;  // the part may stand in what could not be read
  }
  const auto concerns_part = [&](const ConfigError& error) {
    const Position position{error.line, error.column};
    return error.line == 0 || std::any_of(spans.begin(), spans.end(), [&](const Span& span) {
             return !is_before(position, span.begin) && is_before(position, span.end);
           });
  };
  auto& errors = file.errors();
  const auto others = std::stable_partition(errors.begin(), errors.end(), concerns_part);
  file.warnings().assign(std::make_move_iterator(others), std::make_move_iterator(errors.end()));
  errors.erase(others, errors.end());
}

bool gives_urls_alone(const Node& root, ConfigFile& file) {
  const std::size_t before = file.errors().size();
  const auto refuse = [&](const std::string& key, Position position) {
    file.error(position, key +
                             ": a configuration that is found in the working folder may give the"
                             " URL of supervisord and nothing else: --config " +
                             file.path() + " takes all of it");
  };
  const auto check = [&](const Node& map, const std::string& path) {
    for (const Entry& entry : map.entries) {
      if (entry.key != "url" && entry.key != "name" && entry.key != "timeout") {
        refuse(path + "." + entry.key, entry.position);
      }
    }
  };
  for (const Entry& entry : root.entries) {
    if (entry.key != "supervisor" && entry.key != "supervisors") {
      refuse(entry.key, entry.position);
      continue;
    }
    check(entry.value, entry.key);
    for (const Node& item : entry.value.items) {
      check(item, entry.key);
    }
  }
  return file.errors().size() == before;
}

}  // namespace reeve::config
