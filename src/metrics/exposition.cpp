#include "metrics/exposition.h"

#include <mutex>
#include <utility>

#include "base/guarded.h"
#include "metrics/gzip.h"
#include "metrics/snapshot_page.h"

namespace reeve::metrics {
namespace {

using Segment = std::shared_ptr<const std::string>;

}  // namespace

struct Exposition::State {
  /// A snapshot's families as text. The first request for gzip compresses them; other such requests
  /// wait for it.
  class SnapshotText {
   public:
    explicit SnapshotText(std::string text)
        : plain_(std::make_shared<const std::string>(std::move(text))) {}

    [[nodiscard]] const Segment& plain() const { return plain_; }
    [[nodiscard]] std::shared_ptr<const GzipBegun> gzip() const {
      std::call_once(compressed_,
                     [this] { gzip_ = std::make_shared<const GzipBegun>(begin_gzip(*plain_)); });
      return gzip_;
    }

   private:
    Segment plain_;
    mutable std::once_flag compressed_;
    mutable std::shared_ptr<const GzipBegun> gzip_;
  };

  struct Source {
    explicit Source(const Options& wanted) : options(wanted), filter(wanted) {}

    Options options;
    Filter filter;
    std::shared_ptr<const monitor::Snapshot> snapshot = std::make_shared<const monitor::Snapshot>();
    std::size_t last_size = 0;
  };

  State(const Options& options, const AgentMetrics& metrics)
      : agent(metrics), source(Source(options)) {}

  /// Applies `change` and renders again; requests get the previous text meanwhile.
  template <class Change>
  void render(Change change) {
    source.with([&](Source& current) {
      change(current);
      std::string text = render_snapshot(*current.snapshot, current.options, current.filter,
                                         current.last_size + current.last_size / 64);
      current.last_size = text.size();
      auto next = std::make_shared<const SnapshotText>(std::move(text));
      rendered.with([&](auto& latest) { latest.swap(next); });
    });
  }

  const AgentMetrics& agent;
  base::Guarded<Source> source;
  base::Guarded<std::shared_ptr<const SnapshotText>> rendered;
};

Exposition::Exposition(const Options& options, const AgentMetrics& agent)
    : state_(std::make_unique<State>(options, agent)) {
  state_->render([](State::Source&) {});
}

Exposition::~Exposition() = default;

void Exposition::publish(const std::shared_ptr<const monitor::Snapshot>& snapshot) {
  state_->render([&](State::Source& source) { source.snapshot = snapshot; });
}

void Exposition::configure(const Options& options) {
  state_->render([&](State::Source& source) {
    source.filter = Filter(options);
    source.options = options;
  });
}

std::vector<Segment> Exposition::page(Encoding encoding) const {
  const auto snapshot_text = state_->rendered.copy();
  std::string agent_text = state_->agent.render();
  if (encoding == Encoding::plain) {
    return {snapshot_text->plain(), std::make_shared<const std::string>(std::move(agent_text))};
  }
  const auto begun = snapshot_text->gzip();
  return {Segment(begun, &begun->bytes),
          std::make_shared<const std::string>(end_gzip(*begun, agent_text))};
}

}  // namespace reeve::metrics
