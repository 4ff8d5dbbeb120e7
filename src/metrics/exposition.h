#pragma once

// The text of /metrics. A snapshot's families are rendered once, on the thread that published it,
// and handed out as shared bytes; gzip is done at the first request for it. The agent's own few
// families are rendered at each request and follow as a second segment (of the same gzip member),
// so that they are never stale. Thread-safe.

#include <memory>
#include <string>
#include <vector>

#include "metrics/agent_metrics.h"
#include "metrics/options.h"
#include "monitor/snapshot.h"

namespace reeve::metrics {

enum class Encoding { plain, gzip };

class Exposition {
 public:
  /// `agent` must outlive this.
  Exposition(const Options& options, const AgentMetrics& agent);
  ~Exposition();
  Exposition(const Exposition&) = delete;
  Exposition& operator=(const Exposition&) = delete;

  /// Renders; the monitor calls it after each publication.
  void publish(const std::shared_ptr<const monitor::Snapshot>& snapshot);
  /// New filters; renders the last snapshot again.
  void configure(const Options& options);

  /// The page's bytes: segments to be sent one after the other.
  [[nodiscard]] std::vector<std::shared_ptr<const std::string>> page(Encoding encoding) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::metrics
