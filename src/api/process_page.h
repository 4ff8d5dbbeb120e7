#pragma once

// The list of all processes as JSON: rendered once for each snapshot, when it is first asked for,
// and handed out as shared bytes, gzipped likewise. Thread-safe.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.h"
#include "http/message.h"
#include "monitor/snapshot.h"

namespace reeve::api {

class ProcessPage {
 public:
  explicit ProcessPage(std::shared_ptr<const monitor::Snapshot> snapshot);

  [[nodiscard]] const monitor::Snapshot& snapshot() const { return *snapshot_; }
  /// The array of all processes.
  [[nodiscard]] const http::SharedBytes& plain() const { return plain_; }
  /// The same as one gzip member, in pieces; compressed by the first call, for which others wait.
  [[nodiscard]] std::vector<http::SharedBytes> gzip() const;
  /// The object of a process, by its place among all processes of all supervisords.
  [[nodiscard]] std::string_view object(std::size_t at) const;

 private:
  std::shared_ptr<const monitor::Snapshot> snapshot_;
  http::SharedBytes plain_;
  std::vector<std::size_t> ends_;  ///< of the objects in plain_
  mutable std::once_flag compressed_;
  mutable std::vector<http::SharedBytes> gzip_;
};

/// The page of the last snapshot that was asked for.
class ProcessPages {
 public:
  /// Renders it, unless it is the last one's.
  [[nodiscard]] std::shared_ptr<const ProcessPage> of(
      const std::shared_ptr<const monitor::Snapshot>& snapshot);

 private:
  base::Guarded<std::shared_ptr<const ProcessPage>> last_;
};

}  // namespace reeve::api
