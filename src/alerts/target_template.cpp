#include "alerts/target_template.h"

#include <utility>

#include "alerts/options.h"

namespace reeve::alerts {

using base::ErrorKind;

namespace {

constexpr std::size_t longest_target = 1024;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  const std::size_t last = text.find_last_not_of(' ');
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, last - first + 1);
}

/// `group:name` or `SUPERVISOR/group:name`; whether there is such a process is not asked.
base::Result<guards::Target> target_of(const std::string& text) {
  const std::size_t slash = text.find('/');
  const bool has_supervisor = slash != std::string::npos;
  const auto name = substrate::InstanceName::parse(has_supervisor ? text.substr(slash + 1) : text);
  if (!name || text.size() > longest_target || slash == 0) {
    return base::failure(ErrorKind::invalid_argument,
                         "'" + text.substr(0, longest_target) + "' is no process's name");
  }
  return guards::Target{has_supervisor ? text.substr(0, slash) : "", *name};
}

}  // namespace

base::Result<TargetTemplate> TargetTemplate::parse(std::string_view text) {
  TargetTemplate parsed;
  std::map<std::string, std::string> example;
  std::string_view rest = text;
  for (std::size_t open = rest.find("{{"); open != std::string_view::npos; open = rest.find("{{")) {
    const std::size_t close = rest.find("}}", open);
    const std::string label(close == std::string_view::npos
                                ? std::string_view()
                                : trimmed(rest.substr(open + 2, close - open - 2)));
    if (!is_label_name(label)) {
      return base::failure(ErrorKind::invalid_argument,
                           "expected a label's name between {{ and }}, as in {{group}}:{{name}}");
    }
    parsed.pieces_.push_back({std::string(rest.substr(0, open)), label});
    example.emplace(label, "x");
    rest.remove_prefix(close + 2);
  }
  parsed.pieces_.push_back({std::string(rest), ""});
  if (const auto filled = parsed.fill(example); !filled) {
    return base::failure(ErrorKind::invalid_argument,
                         "'" + std::string(text) +
                             "' cannot name a process: expected something like {{group}}:{{name}}");
  }
  return parsed;
}

base::Result<guards::Target> TargetTemplate::fill(
    const std::map<std::string, std::string>& labels) const {
  std::string text;
  for (const Piece& piece : pieces_) {
    text += piece.literal;
    if (piece.label.empty()) {
      continue;
    }
    const auto found = labels.find(piece.label);
    if (found == labels.end() || found->second.empty()) {
      return base::failure(ErrorKind::invalid_argument,
                           "the alert has no label '" + piece.label + "'");
    }
    text += found->second;
  }
  return target_of(text);
}

}  // namespace reeve::alerts
