#include "cli/config_file.h"

#include <optional>

#include <sys/stat.h>
#include <unistd.h>

namespace reeve::cli {
namespace {

bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

/// The configuration of the user who runs Reeve, by the rules of the XDG base directories.
std::optional<std::string> user_config(const Surroundings& surroundings) {
  if (const auto folder = surroundings.variable("XDG_CONFIG_HOME")) {
    return *folder + "/reeve/config.yaml";
  }
  if (const auto home = surroundings.variable("HOME")) {
    return *home + "/.config/reeve/config.yaml";
  }
  return std::nullopt;
}

/// Why a file that names hosts and password files is not to be taken from the working folder.
std::string distrust(const std::string& path, const Surroundings& surroundings) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return "it cannot be looked at";
  }
  if (surroundings.is_root) {
    return "root does not take a configuration from the working folder";
  }
  if (status.st_uid != ::geteuid()) {
    return "it belongs to somebody else";
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return "others may write it";
  }
  return {};
}

void consider_working_folder(const Surroundings& surroundings, FoundConfig& found) {
  const std::string path = surroundings.working_folder + "/config.yaml";
  if (!config::names_supervisor(path)) {
    return;
  }
  const std::string why = distrust(path, surroundings);
  if (why.empty()) {
    found.path = path;
    found.notices.push_back("using the configuration " + path);
  } else {
    found.notices.push_back("not using " + path + ": " + why + " (--config takes it)");
  }
}

}  // namespace

FoundConfig find_config(const CommonOptions& options, Purpose purpose,
                        const Surroundings& surroundings) {
  if (options.config_file) {
    return {*options.config_file, {}};
  }
  if (const auto named = surroundings.variable("REEVE_CONFIG")) {
    return {*named, {}};
  }
  FoundConfig found;
  for (const auto& path : {user_config(surroundings), std::optional(surroundings.system_config)}) {
    if (!path || !exists(*path)) {
      continue;
    }
    if (purpose == Purpose::agent || ::access(path->c_str(), R_OK) == 0) {
      found.path = *path;
      return found;
    }
    found.notices.push_back("going on without " + *path + ": this user may not read it");
  }
  if (purpose == Purpose::one_shot) {
    consider_working_folder(surroundings, found);
  }
  return found;
}

}  // namespace reeve::cli
