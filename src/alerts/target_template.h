#pragma once

// The process that an alert means, as a text with labels in it: `{{group}}:{{name}}`, with
// `{{supervisor}}/` before it where there are several supervisords. A value.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "guards/command.h"
#include "reeve/base/result.h"

namespace reeve::alerts {

class TargetTemplate {
 public:
  /// invalid_argument, as check_target() says.
  [[nodiscard]] static base::Result<TargetTemplate> parse(std::string_view text);

  /// invalid_argument: a label is not there, or what comes out is no process's name. Without a
  /// supervisord in it, the target's is empty.
  [[nodiscard]] base::Result<guards::Target> fill(
      const std::map<std::string, std::string>& labels) const;

 private:
  struct Piece {
    std::string literal;
    std::string label;  ///< after it; empty at the end
  };
  std::vector<Piece> pieces_;
};

}  // namespace reeve::alerts
