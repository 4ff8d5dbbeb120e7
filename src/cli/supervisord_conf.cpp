#include "cli/supervisord_conf.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <limits>
#include <utility>

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

namespace reeve::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_conf_bytes = std::size_t{4} * 1024 * 1024;
constexpr std::string_view white_space = " \t\r\n\f\v";

template <class T>
using ConfResult = tl::expected<T, ConfError>;

using Section = std::map<std::string, std::string>;
using Sections = std::map<std::string, Section>;

bool is_blank(char letter) {
  return white_space.find(letter) != std::string_view::npos;
}

std::string_view stripped(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(white_space);
  return begin == std::string_view::npos
             ? std::string_view()
             : text.substr(begin, text.find_last_not_of(white_space) - begin + 1);
}

/// A comment begins with ; or # at the line's start or behind a blank.
std::size_t comment_start(std::string_view line) {
  for (std::size_t at = 0; at < line.size(); ++at) {
    if ((line[at] == ';' || line[at] == '#') && (at == 0 || is_blank(line[at - 1]))) {
      return at;
    }
  }
  return std::string_view::npos;
}

/// Reads lines as Python's RawConfigParser does: names of options in lower case, values that go on
/// in lines with a deeper indentation, sections that may come twice.
class IniReader {
 public:
  IniReader(std::string path, Sections& sections) : path_(std::move(path)), sections_(sections) {}

  ConfResult<void> read(std::string_view text) {
    text.remove_prefix(text.starts_with("\xEF\xBB\xBF") ? 3 : 0);
    while (!text.empty() && !error_) {
      const std::size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
      ++number_;
      take(text.substr(0, size));
      text.remove_prefix(size);
    }
    if (error_) {
      return tl::unexpected(*error_);
    }
    if (!wrong_lines_.empty()) {
      return tl::unexpected(
          ConfError{"Source contains parsing errors: " + python_repr(path_) + wrong_lines_, true});
    }
    return {};
  }

 private:
  void take(std::string_view line) {
    const std::size_t comment = comment_start(line);
    const std::string_view value = stripped(line.substr(0, comment));
    if (value.empty()) {
      if (comment == std::string_view::npos && value_ != nullptr) {
        blank_lines_ += '\n';
      }
      return;
    }
    const std::size_t indentation = line.find_first_not_of(white_space);
    if (value_ != nullptr && indentation > indentation_) {
      *value_ += std::exchange(blank_lines_, "") + '\n' + std::string(value);
      return;
    }
    indentation_ = indentation;
    blank_lines_.clear();
    value_ = nullptr;
    const std::size_t end = value.rfind(']');
    if (value.front() == '[' && end != std::string_view::npos && end > 1) {
      section_ = &sections_[std::string(value.substr(1, end - 1))];
    } else if (section_ == nullptr) {
      error_ = ConfError{"File contains no section headers.\nfile: " + python_repr(path_) +
                             ", line: " + std::to_string(number_) + '\n' + python_repr(line),
                         true};
    } else {
      take_option(line, value);
    }
  }

  void take_option(std::string_view line, std::string_view text) {
    const std::size_t delimiter = text.find_first_of("=:");
    std::string name(stripped(text.substr(0, delimiter)));
    if (delimiter == std::string_view::npos || name.empty()) {
      const std::string number = std::to_string(number_);
      wrong_lines_ += "\n\t[line " + std::string(number.size() < 2 ? 1 : 0, ' ') + number +
                      "]: " + python_repr(line);
      return;
    }
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    value_ = &(*section_)[name];
    *value_ = stripped(text.substr(delimiter + 1));
  }

  const std::string path_;
  Sections& sections_;
  Section* section_ = nullptr;
  std::string* value_ = nullptr;  ///< of the option that a deeper line continues
  std::string blank_lines_;       ///< of that value, if it goes on behind them
  std::size_t indentation_ = 0;
  std::size_t number_ = 0;
  std::string wrong_lines_;
  std::optional<ConfError> error_;
};

ConfResult<void> read_ini(const std::string& path, Sections& sections) {
  if (!fs::exists(path)) {
    return tl::unexpected(ConfError{"could not find config file " + path});
  }
  const auto text = base::read_file(path, max_conf_bytes);
  if (!text) {
    return tl::unexpected(ConfError{"could not read config file " + path});
  }
  return IniReader(path, sections).read(*text);
}

ConfError badly_formatted(const std::string& text, const std::string& option,
                          const std::string& why) {
  return {"Format string " + python_repr(text) + " for " + python_repr(option) +
          " is badly formatted: " + why};
}

/// Python's `text % known`: `%(name)s` and `%%`.
ConfResult<std::string> expand(const std::string& text, const Variables& known,
                               const std::string& option) {
  std::string expanded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      expanded += text[at];
      continue;
    }
    const char next = ++at < text.size() ? text[at] : '\0';
    if (next == '%') {
      expanded += '%';
      continue;
    }
    std::string name;
    if (next == '(') {
      const std::size_t end = text.find(')', at);
      if (end == std::string::npos) {
        return tl::unexpected(badly_formatted(text, option, "incomplete format key"));
      }
      name = text.substr(at + 1, end - at - 1);
      at = end + 1;
    }
    const auto found = known.find(name);
    if (next == '(' && found == known.end()) {
      std::string names;
      for (const auto& [each, value] : known) {
        names += (names.empty() ? "" : ", ") + each;
      }
      return tl::unexpected(ConfError{"Format string " + python_repr(text) + " for " +
                                      python_repr(option) + " contains names (" +
                                      python_repr(name) +
                                      ") which cannot be expanded. Available names: " + names});
    }
    if (next != '(' || at >= text.size() || text[at] != 's') {
      return tl::unexpected(badly_formatted(
          text, option, at >= text.size() ? "incomplete format" : "unsupported format character"));
    }
    expanded += found->second;
  }
  return expanded;
}

/// Python's abspath() of expanduser().
std::string normalized(std::string path, const Variables& known) {
  const auto home = known.find("ENV_HOME");
  if (home != known.end() && (path == "~" || path.starts_with("~/"))) {
    path.replace(0, 1, home->second);
  }
  std::string normal = fs::absolute(path).lexically_normal().string();
  while (normal.size() > 1 && normal.back() == '/') {
    normal.pop_back();
  }
  return normal;
}

/// One file's sections, and what its values may name.
class Conf {
 public:
  Conf(const ConfFile& file, const Variables& variables)
      : file_(file), here_(fs::absolute(file.path).lexically_normal().parent_path().string()) {
    for (const auto& [name, value] : variables) {
      known_["ENV_" + name] = value;
    }
  }

  ConfResult<ConfSettings> settings() {
    const auto read = file_.text ? IniReader(file_.path, sections_).read(*file_.text)
                                 : read_ini(file_.path, sections_);
    return read ? find_section() : tl::unexpected(read.error());
  }

 private:
  ConfResult<ConfSettings> find_section() {
    if (!sections_.contains("supervisorctl") && !file_.restricted) {
      if (const auto read = read_included(); !read) {
        return tl::unexpected(read.error());
      }
    }
    return sections_.contains("supervisorctl") ? supervisorctl_section() : server_section();
  }

  /// The option's text; nothing if the section has none.
  [[nodiscard]] std::optional<std::string> text(const std::string& section,
                                                const std::string& option) const {
    for (const std::string& each : {section, std::string("DEFAULT")}) {
      const auto found = sections_.find(each);
      if (found != sections_.end() && found->second.contains(option)) {
        return found->second.at(option);
      }
    }
    return std::nullopt;
  }

  /// The option's value. `here`: it may name the file's folder.
  [[nodiscard]] ConfResult<std::optional<std::string>> value(const std::string& section,
                                                             const std::string& option,
                                                             bool here) const {
    const auto written = text(section, option);
    if (!written) {
      return std::nullopt;
    }
    if (file_.restricted && written->find("%(ENV_") != std::string::npos) {
      return tl::unexpected(
          ConfError{file_.path + " was found in the working folder, and its " + section + "." +
                    option + " names an environment variable: name the file with -c to read it"});
    }
    Variables known = known_;
    if (here) {
      known["here"] = here_;
    }
    return expand(*written, known, section + "." + option).map([](std::string expanded) {
      return std::optional(std::move(expanded));
    });
  }

  [[nodiscard]] ConfResult<ConfSettings> supervisorctl_section() const {
    const std::string section = "supervisorctl";
    ConfSettings settings;
    const auto url = value(section, "serverurl", true);
    const auto prompt = value(section, "prompt", false);
    const auto username = value(section, "username", false);
    const auto password = value(section, "password", false);
    const auto history = value(section, "history_file", true);
    for (const auto* each : {&url, &prompt, &username, &password, &history}) {
      if (!*each) {
        return tl::unexpected(each->error());
      }
    }
    settings.server_url = url->value_or(settings.server_url);
    if (settings.server_url.starts_with("unix://")) {
      settings.server_url = "unix://" + normalized(settings.server_url.substr(7), known_);
    }
    settings.prompt = prompt->value_or(settings.prompt);
    settings.username = *username;
    if (*password) {
      settings.password = base::Secret(**password);
    }
    for (const auto& [name, content] : sections_) {
      if (name.starts_with("ctlplugin:")) {
        settings.notices.push_back("[" + name + "] has no effect: there are no plugins here");
      }
    }
    return settings;
  }

  /// A configuration that supervisorctl refuses: its server is known all the same.
  [[nodiscard]] ConfResult<ConfSettings> server_section() const {
    const auto socket = value("unix_http_server", "file", true);
    const auto port = value("inet_http_server", "port", true);
    if (!socket || !port) {
      return tl::unexpected((socket ? port : socket).error());
    }
    if (!*socket && !*port) {
      return tl::unexpected(ConfError{".ini file does not include supervisorctl section"});
    }
    const std::string section = *socket ? "unix_http_server" : "inet_http_server";
    const auto username = value(section, "username", false);
    const auto password = value(section, "password", false);
    if (!username || !password) {
      return tl::unexpected((username ? password : username).error());
    }
    ConfSettings settings;
    settings.server_url = *socket ? "unix://" + normalized(**socket, known_) : inet_url(**port);
    settings.username = *username;
    if (*password && !(*password)->starts_with("{SHA}")) {  // of a hash the password is unknown
      settings.password = base::Secret(**password);
    }
    return settings;
  }

  static std::string inet_url(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    const std::string host = colon == std::string::npos ? "" : address.substr(0, colon);
    const std::string port = colon == std::string::npos ? address : address.substr(colon + 1);
    return "http://" + (host.empty() || host == "*" ? "localhost" : host) + ":" + port;
  }

  /// The files that [include] names, in the order of their names; as supervisord reads them.
  ConfResult<void> read_included() {
    const auto files = value("include", "files", true);
    if (!files) {
      return tl::unexpected(files.error());
    }
    std::string_view rest = *files ? std::string_view(**files) : std::string_view();
    for (rest = stripped(rest); !rest.empty(); rest = stripped(rest)) {
      const std::string_view pattern = rest.substr(0, rest.find_first_of(white_space));
      rest.remove_prefix(pattern.size());
      glob_t found{};
      // NOLINTNEXTLINE(concurrency-mt-unsafe): no thread changes the environment
      ::glob((fs::path(here_) / pattern).c_str(), 0, nullptr, &found);
      const std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
      ::globfree(&found);
      for (const std::string& path : paths) {
        if (auto read = read_ini(path, sections_); !read) {
          return read;
        }
      }
    }
    return {};
  }

  const ConfFile& file_;
  const std::string here_;
  Variables known_;
  Sections sections_;
};

/// Checks the file that it reads, not the name: another may be put there in between.
struct CheckedFile {
  bool is_roots = false;
  std::optional<std::string> text;
};

/// Only root could have written it.
bool is_roots(const struct stat& info) {
  const bool group = (info.st_mode & S_IWGRP) == 0 || info.st_gid == 0;
  return info.st_uid == 0 && group && (info.st_mode & S_IWOTH) == 0;
}

CheckedFile check_file(const std::string& path) {
  const base::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!file.valid() || ::fstat(file.get(), &info) != 0) {
    return {};
  }
  const auto text = base::read_file("/proc/self/fd/" + std::to_string(file.get()), max_conf_bytes);
  return {is_roots(info), text ? std::optional(*text) : std::nullopt};
}

}  // namespace

std::string python_repr(std::string_view text) {
  const char quote =
      text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos ? '"'
                                                                                            : '\'';
  std::string repr(1, quote);
  for (const char letter : text) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto code = static_cast<unsigned char>(letter);
    if (letter == quote || letter == '\\') {
      repr += {'\\', letter};
    } else if (letter == '\n' || letter == '\r' || letter == '\t') {
      repr += {'\\', letter == '\n' ? 'n' : letter == '\r' ? 'r' : 't'};
    } else if (code < ' ' || code == 0x7F) {
      repr += {'\\', 'x', digits[code / 16], digits[code % 16]};
    } else {
      repr += letter;
    }
  }
  return repr + quote;
}

ConfFile find_supervisord_conf(const std::string& program, bool is_root) {
  const fs::path beside = fs::path(program).parent_path().parent_path();
  ConfFile found;
  for (const fs::path& path :
       {beside / "etc/supervisord.conf", beside / "supervisord.conf", fs::path("supervisord.conf"),
        fs::path("etc/supervisord.conf"), fs::path("/etc/supervisord.conf"),
        fs::path("/etc/supervisor/supervisord.conf")}) {
    if (!fs::exists(path)) {
      continue;
    }
    CheckedFile checked{true, std::nullopt};
    if (path.is_relative()) {
      checked = check_file(path.string());
    }
    if (is_root && !checked.is_roots) {
      found.notices.push_back(path.string() +
                              " is not read: another user than root could have written it; name it "
                              "with -c if it is meant");
      continue;
    }
    found.path = path.string();
    found.restricted = path.is_relative();
    found.text = std::move(checked.text);
    break;
  }
  return found;
}

tl::expected<ConfSettings, ConfError> read_supervisord_conf(const ConfFile& file,
                                                            const Variables& variables) {
  return Conf(file, variables).settings();
}

}  // namespace reeve::cli
