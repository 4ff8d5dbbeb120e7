#pragma once

// supervisord.conf as supervisorctl reads it: where it looks for the file, the dialect of INI files
// that Python's configparser knows, and the settings in [supervisorctl]. Reads files on the
// caller's thread; prints nothing.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "reeve/base/secret.h"

namespace reeve::cli {

/// The environment of this process: its variables may be named in the file as `%(ENV_NAME)s`.
using Variables = std::map<std::string, std::string>;

/// A supervisord.conf, or none.
struct ConfFile {
  std::string path;  ///< empty: there is none
  /// The file stands in the working folder, which may be a cloned project. Its environment
  /// variables and includes are not expanded, its credentials are sent to its own server only, and
  /// no other credentials are sent to that server.
  bool restricted = false;
  std::optional<std::string> text =
      std::nullopt;                       ///< of a file of the working folder, when checked
  std::vector<std::string> notices = {};  ///< files that were passed over and why
};

/// The first that exists: beside the folder of `program` (a path), in the working folder, in /etc.
/// For root (`is_root`) one of the working folder that is not root's alone is passed over.
[[nodiscard]] ConfFile find_supervisord_conf(const std::string& program, bool is_root);

/// What [supervisorctl] says, with supervisorctl's defaults.
struct ConfSettings {
  std::string prompt = "supervisor";
  std::string server_url = "http://localhost:9001";
  std::optional<std::string> username;
  std::optional<base::Secret> password;
  std::vector<std::string> notices = {};  ///< what has no effect here
  friend bool operator==(const ConfSettings&, const ConfSettings&) = default;
};

/// In supervisorctl's words. It exits with 2 over a value, with 1 over the syntax.
struct ConfError {
  std::string text;
  bool syntax = false;
  friend bool operator==(const ConfError&, const ConfError&) = default;
};

/// Where a file has no [supervisorctl], the files of its [include] are searched for it, and then
/// its own [unix_http_server] and [inet_http_server] name the server.
[[nodiscard]] tl::expected<ConfSettings, ConfError> read_supervisord_conf(
    const ConfFile& file, const Variables& variables);

/// As Python's repr() writes a string.
[[nodiscard]] std::string python_repr(std::string_view text);

}  // namespace reeve::cli
