// The one file that knows spdlog.
#include "base/log.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/text.h"
#include "reeve/base/clock.h"
#include "reeve/base/enumeration.h"

namespace reeve::base {
namespace {

constexpr auto all_log_levels = all_of<LogLevel, LogLevel::error>();

/// A JSON string's inside; logfmt values are quoted in the same way.
std::string escaped(std::string_view text) {
  static constexpr std::string_view hex = "0123456789abcdef";
  std::string out;
  const std::string utf8 = to_utf8(text);
  for (std::size_t at = 0; at < utf8.size(); ++at) {
    // The second byte of U+0080 to U+009F: controls, too, for a terminal that the log is shown on.
    const bool is_c1 = utf8[at] == '\xC2' && static_cast<unsigned char>(utf8[at + 1]) < 0xA0;
    const char c = is_c1 ? utf8[++at] : utf8[at];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7F || is_c1) {
      out += "\\u00";
      out += hex[byte >> 4U];
      out += hex[byte & 0xFU];
    } else {
      out += c;
    }
  }
  return out;
}

bool needs_quotes(std::string_view value) {
  return value.empty() || !std::all_of(value.begin(), value.end(), [](char c) {
           return c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\';
         });
}

std::string logfmt_value(std::string_view value) {
  return needs_quotes(value) ? '"' + escaped(value) + '"' : std::string(value);
}

std::string render(const LogRecord& record, SystemTime now, LogFormat format) {
  const std::string time = to_rfc3339(now);
  const std::string level(to_string(record.level));
  std::string line;
  if (format == LogFormat::json) {
    line = R"({"ts":")" + time + R"(","level":")" + level + R"(","msg":")" +
           escaped(record.message) + '"';
    for (const LogField& field : record.fields) {
      line += ",\"" + escaped(field.key) + "\":\"" + escaped(field.value) + '"';
    }
    return line + '}';
  }
  line = "ts=" + time + " level=" + level + " msg=" + logfmt_value(record.message);
  for (const LogField& field : record.fields) {
    line += ' ' + field.key + '=' + logfmt_value(field.value);
  }
  return line;
}

class SpdlogSink final : public LogSink {
 public:
  explicit SpdlogSink(const LogOptions& options)
      : logger_("reeve", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_level(spdlog::level::trace);
    logger_.set_pattern("%v");  // a line is rendered whole, since the format may change
    SpdlogSink::configure(options);
  }

  void write(const LogRecord& record) override {
    if (record.level >= level_.load()) {
      const std::string line = render(record, clock_.system_now(), format_.load());
      logger_.log(spdlog::level::info, spdlog::string_view_t(line));
    }
  }

  void configure(const LogOptions& options) override {
    level_ = options.level;
    format_ = options.format;
  }

 private:
  const SystemClock clock_;
  spdlog::logger logger_;
  std::atomic<LogLevel> level_{LogLevel::info};
  std::atomic<LogFormat> format_{LogFormat::logfmt};
};

}  // namespace

std::string_view to_string(LogLevel level) {
  static constexpr std::string_view names[] = {"debug", "info", "warn", "error"};
  return name_of<all_log_levels>(level, names);
}

std::shared_ptr<LogSink> make_stderr_sink(const LogOptions& options) {
  return std::make_shared<SpdlogSink>(options);
}

Log Log::with(std::string key, std::string value) const {
  Log log = *this;
  log.common_.push_back({std::move(key), std::move(value)});
  return log;
}

void Log::debug(std::string_view message, std::vector<LogField> fields) const {
  write(LogLevel::debug, message, std::move(fields));
}

void Log::info(std::string_view message, std::vector<LogField> fields) const {
  write(LogLevel::info, message, std::move(fields));
}

void Log::warning(std::string_view message, std::vector<LogField> fields) const {
  write(LogLevel::warning, message, std::move(fields));
}

void Log::error(std::string_view message, std::vector<LogField> fields) const {
  write(LogLevel::error, message, std::move(fields));
}

void Log::write(LogLevel level, std::string_view message, std::vector<LogField> fields) const {
  if (!sink_) {
    return;
  }
  fields.insert(fields.begin(), common_.begin(), common_.end());
  sink_->write({level, message, std::move(fields)});
}

void run_logged(const Log& log, std::string_view task, const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& error) {
    log.error("an exception ended a thread's work",
              {{"task", std::string(task)}, {"error", error.what()}});
  }
}

}  // namespace reeve::base
