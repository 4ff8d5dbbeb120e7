#include <algorithm>
#include <set>

#include "config/sections.h"

namespace reeve::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

base::Result<base::Endpoint> parse_url(std::string_view url) {
  return base::Endpoint::parse(url, "/RPC2");
}

/// Whether the password of this supervisord is needed.
bool wants_password(const LoadOptions& options, const std::string& supervisor) {
  return options.part == Part::everything ||
         (options.part == Part::supervisors && options.passwords &&
          options.supervisor.value_or(supervisor) == supervisor);
}

void read_password_file(Section& section, const std::string& supervisor, base::Secret& password) {
  std::string file;
  section.text("password_file", file);
  if (file.empty() || !wants_password(section.config_file().options(), supervisor)) {
    return;
  }
  if (!password.empty()) {
    section.error("password_file", "password is set too: use one of them");
    return;
  }
  if (auto secret = section.secret("password_file", file)) {
    password = *std::move(secret);
  }
}

void read_credentials(Section& section, supervisor::Options& options) {
  section.text("username", options.username);
  if (options.username.find(':') != std::string::npos) {
    section.error("username", "a user name contains no colon");
  }
  std::string password;
  section.text("password", password);
  if (!password.empty() && others_may_read(section.config_file().path())) {
    section.error("password", "all users can read this file: chmod o-r it, or use password_file");
  }
  options.password = base::Secret(std::move(password));
  read_password_file(section, options.name, options.password);
  if (options.username.empty() && !options.password.empty()) {
    section.config_file().error(section.position(),
                                section.path("username") + ": a password needs a user name");
  }
}

supervisor::Options read_supervisor(Section& section, std::string name) {
  supervisor::Options options;
  options.name = std::move(name);
  options.endpoint = *parse_url(supervisor::default_url);
  section.parsed<base::Endpoint>("url", options.endpoint, parse_url);
  section.duration("timeout", options.timeout, {milliseconds(10), hours(1)});
  read_credentials(section, options);
  return options;
}

void check_name(Section& section, const std::string& name, std::set<std::string>& names) {
  const bool odd = std::any_of(name.begin(), name.end(), [](char c) {
    return c == '/' || static_cast<unsigned char>(c) <= ' ' || c == '\x7F';
  });
  if (name.empty()) {
    section.error("name", "each supervisord of the list needs a name");
  } else if (odd) {
    section.error("name", "a name contains neither blanks nor '/'");
  } else if (!names.insert(name).second) {
    section.error("name", "'" + name + "' is already the name of another supervisord");
  }
}

void read_list(const Node& list, Section& root, Config& config) {
  if (list.kind == Node::Kind::list && list.items.empty()) {
    root.error("supervisors", "the list is empty: add a supervisord, or remove the key");
  }
  std::set<std::string> names;
  root.each_map("supervisors", [&](Section& section) {
    std::string name;
    section.text("name", name);
    check_name(section, name, names);
    if (section.find("url") == nullptr) {
      section.error("url", "each supervisord of the list needs a URL");
    }
    config.supervisors.push_back(read_supervisor(section, std::move(name)));
  });
  config.supervisor_url_given = !config.supervisors.empty();
}

}  // namespace

void read_supervisors(Section& root, Config& config) {
  const Node* const single = root.find("supervisor");
  const Node* const list = root.find("supervisors");
  if (single != nullptr && list != nullptr) {
    root.config_file().error(
        std::max(root.position("supervisor").line, root.position("supervisors").line) ==
                root.position("supervisor").line
            ? root.position("supervisor")
            : root.position("supervisors"),
        "supervisor and supervisors exclude each other: use one of them");
  }
  if (single != nullptr) {
    Section section(*single, "supervisor", root.config_file());
    config.supervisor_url_given = section.find("url") != nullptr;
    config.supervisors.push_back(read_supervisor(section, ""));
    section.finish();
  }
  if (list != nullptr) {
    read_list(*list, root, config);
  }
}

}  // namespace reeve::config
