#include "json/process_text.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string_view>

#include "base/text.h"
#include "json/json.h"
#include "monitor/snapshot.h"

namespace reeve::json {
namespace {

bool is_plain(char letter) {
  const auto code = static_cast<unsigned char>(letter);
  return code >= 0x20 && letter != '"' && letter != '\\';
}

void append_escaped(std::string& text, char letter) {
  constexpr std::string_view short_forms = "\"\"\\\\\bb\ff\nn\rr\tt";
  for (std::size_t at = 0; at < short_forms.size(); at += 2) {
    if (short_forms[at] == letter) {
      (text += '\\') += short_forms[at + 1];
      return;
    }
  }
  constexpr std::string_view digits = "0123456789abcdef";
  const auto code = static_cast<unsigned char>(letter);
  ((text += "\\u00") += digits[code / 16]) += digits[code % 16];
}

void append_string(std::string& text, std::string_view bytes) {
  if (!base::is_utf8(bytes)) {
    append_string(text, base::to_utf8(bytes));
    return;
  }
  text += '"';
  while (!bytes.empty()) {
    std::size_t plain = 0;
    while (plain < bytes.size() && is_plain(bytes[plain])) {
      ++plain;
    }
    append_escaping_c1(text, bytes.substr(0, plain));
    if (plain < bytes.size()) {
      append_escaped(text, bytes[plain++]);
    }
    bytes.remove_prefix(plain);
  }
  text += '"';
}

template <class Number>
void append_number(std::string& text, Number number) {
  char digits[24];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
  text.append(std::begin(digits), end);
}

/// Appends the members of one object, in their order. A text's member name is a literal that needs
/// no escapes.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& text) : text_(text) {}

  void null(std::string_view name) { begin(name) += "null"; }
  void string(std::string_view name, std::string_view value) { append_string(begin(name), value); }
  template <class Number>
  void number(std::string_view name, Number value) {
    append_number(begin(name), value);
  }
  /// As nlohmann-json writes it, unless it is tiny or huge.
  void number(std::string_view name, double value) {
    char digits[48];
    const auto end =
        std::to_chars(std::begin(digits), std::end(digits), value, std::chars_format::fixed).ptr;
    std::string& text = begin(name);
    text.append(std::begin(digits), end);
    text += std::find(std::begin(digits), end, '.') == end ? ".0" : "";
  }
  void optional(std::string_view name, const std::optional<bool>& value) {
    begin(name) += !value ? "null" : *value ? "true" : "false";
  }
  template <class Number>
  void optional(std::string_view name, const std::optional<Number>& value) {
    value ? number(name, *value) : null(name);
  }
  void optional(std::string_view name, const std::optional<substrate::ManagerTime>& value) {
    value ? number(name, value->time_since_epoch().count()) : null(name);
  }
  /// A member that is an object: its members follow, then end().
  [[nodiscard]] ObjectWriter object(std::string_view name) { return ObjectWriter(begin(name)); }
  void end() { text_ += '}'; }

 private:
  std::string& begin(std::string_view name) {
    text_ += separator_;
    separator_ = ',';
    return ((text_ += '"') += name) += "\":";
  }

  std::string& text_;
  char separator_ = '{';
};

void append_present_state(ObjectWriter& object, const substrate::InstanceDetail& detail) {
  object.string("state", to_string(detail.state));
  object.number("state_code", substrate::state_code(detail.state));
  object.optional("pid", detail.pid ? std::optional(detail.pid->value) : std::nullopt);
  object.string("description", detail.description);
}

void append_unknown(ObjectWriter& object, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    object.null(name);
  }
}

double seconds_of(base::Duration span) {
  return std::chrono::duration<double>(span).count();
}

void append_resources(ObjectWriter object, const procfs::TreeUsage& usage) {
  object.number("cpu_seconds_total", seconds_of(usage.cpu.user + usage.cpu.system));
  object.number("cpu_user_seconds_total", seconds_of(usage.cpu.user));
  object.number("cpu_system_seconds_total", seconds_of(usage.cpu.system));
  object.number("resident_memory_bytes", usage.resident_bytes);
  object.optional("proportional_memory_bytes", usage.proportional_bytes);
  object.optional("open_fds", usage.open_fds);
  object.optional("max_fds", usage.max_fds);
  object.number("threads", usage.threads);
  object.number("tree_size", usage.processes);
  object.optional("read_bytes_total", usage.io ? std::optional(usage.io->read) : std::nullopt);
  object.optional("written_bytes_total",
                  usage.io ? std::optional(usage.io->written) : std::nullopt);
  object.end();
}

void append_times(ObjectWriter& object, const substrate::InstanceDetail& detail, bool is_current) {
  object.optional("start_time", detail.start_time);
  object.optional("stop_time", detail.stop_time);
  if (!is_current) {
    append_unknown(object, {"now", "uptime_seconds"});
    return;
  }
  const auto uptime = detail.uptime();
  object.number("now", detail.now.time_since_epoch().count());
  object.optional("uptime_seconds", uptime ? std::optional(uptime->count()) : std::nullopt);
}

}  // namespace

void append_process(std::string& text, const monitor::SupervisorSnapshot& supervisor,
                    const monitor::ProcessSnapshot& process) {
  const substrate::InstanceDetail& detail = process.detail;
  ObjectWriter object(text);
  if (supervisor.name.empty()) {
    object.null("supervisor");
  } else {
    object.string("supervisor", supervisor.name);
  }
  object.string("group", detail.name.group);
  object.string("name", detail.name.name);
  if (supervisor.up) {
    append_present_state(object, detail);
  } else {
    append_unknown(object, {"state", "state_code", "pid", "description"});
  }
  append_times(object, detail, supervisor.up);
  object.optional("exit_status", process.exit_status);
  object.optional("exit_signal", process.exit_signal);
  object.optional("last_exit_expected", process.last_exit_expected);
  object.string("spawn_error", detail.spawn_error);
  object.number("starts", process.counters.starts);
  object.number("restarts", process.counters.restarts);
  object.string("stdout_logfile", detail.stdout_log);
  object.string("stderr_logfile", detail.stderr_log);
  const procfs::TreeUsage* const usage = supervisor.usage_of(process);
  if (usage != nullptr) {
    append_resources(object.object("resources"), *usage);
  } else {
    object.null("resources");
  }
  object.end();
}

}  // namespace reeve::json
