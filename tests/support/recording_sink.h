#pragma once

// A log sink that keeps what was logged, for tests that care.

#include <string>
#include <vector>

#include "base/guarded.h"
#include "base/log.h"

namespace reeve::tests {

class RecordingSink final : public base::LogSink {
 public:
  struct Entry {
    base::LogLevel level;
    std::string message;
    std::vector<base::LogField> fields;
  };

  void write(const base::LogRecord& record) override {
    entries_.with([&](auto& entries) {
      entries.push_back({record.level, std::string(record.message), record.fields});
    });
  }
  void configure(const base::LogOptions&) override {}

  [[nodiscard]] std::vector<Entry> entries() const { return entries_.copy(); }

 private:
  base::Guarded<std::vector<Entry>> entries_;
};

}  // namespace reeve::tests
