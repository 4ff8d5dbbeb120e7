#pragma once

// The log handle: a level, a message, and fields. The message is a constant sentence; values go
// into fields, which the writer escapes, so that a hostile peer cannot forge a line. There is no
// default logger: a Log() discards. Thread-safe.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reeve/base/result.h"

namespace reeve::base {

enum class LogLevel { debug, info, warning, error };
enum class LogFormat { logfmt, json };

[[nodiscard]] std::string_view to_string(LogLevel level);

struct LogOptions {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::logfmt;
  friend bool operator==(const LogOptions&, const LogOptions&) = default;
};

struct LogField {
  std::string key;
  std::string value;
  friend bool operator==(const LogField&, const LogField&) = default;
};

struct LogRecord {
  LogLevel level = LogLevel::info;
  std::string_view message;
  std::vector<LogField> fields;
};

/// Writes records. Called from any thread.
class LogSink {
 public:
  LogSink() = default;
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;
  virtual ~LogSink() = default;
  virtual void write(const LogRecord& record) = 0;
  /// Takes effect for the next record: a reload may change level and format.
  virtual void configure(const LogOptions& options) = 0;
};

/// One line a record on standard error.
[[nodiscard]] std::shared_ptr<LogSink> make_stderr_sink(const LogOptions& options);

class Log {
 public:
  Log() = default;
  explicit Log(std::shared_ptr<LogSink> sink) : sink_(std::move(sink)) {}

  /// The same log with a field that every record carries.
  [[nodiscard]] Log with(std::string key, std::string value) const;

  void debug(std::string_view message, std::vector<LogField> fields = {}) const;
  void info(std::string_view message, std::vector<LogField> fields = {}) const;
  void warning(std::string_view message, std::vector<LogField> fields = {}) const;
  void error(std::string_view message, std::vector<LogField> fields = {}) const;

 private:
  void write(LogLevel level, std::string_view message, std::vector<LogField> fields) const;

  std::shared_ptr<LogSink> sink_;
  std::vector<LogField> common_;
};

/// At a thread's entry: an exception of `work` is an error in the log, and ends that work alone.
void run_logged(const Log& log, std::string_view task, const std::function<void()>& work);

}  // namespace reeve::base
