#pragma once

// The text of /metrics. The process families are rendered straight from a snapshot, once, on
// the thread that published it, and handed out as shared bytes; gzip is done when first asked
// for. The agent's own few families are rendered at each scrape and follow as a second segment
// (of one and the same gzip member), so that they are never stale. Thread-safe.

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

  /// Renders; called by the fleet after each publication.
  void publish(const std::shared_ptr<const monitor::Snapshot>& snapshot);
  /// New filters; renders the last snapshot again.
  void configure(const Options& options);

  /// The page's bytes, to be sent one segment after the other.
  [[nodiscard]] std::vector<std::shared_ptr<const std::string>> page(Encoding encoding) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::metrics
