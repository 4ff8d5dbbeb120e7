#include "metrics/exposition.h"

#include <mutex>
#include <utility>

#include "base/guarded.h"
#include "metrics/fleet_page.h"
#include "metrics/gzip.h"

namespace reeve::metrics {
namespace {

using Segment = std::shared_ptr<const std::string>;

/// The fleet's part of the page. It is compressed by whoever asks first, while others who want
/// the same wait for that, and nobody else.
class FleetPart {
 public:
  explicit FleetPart(std::string text)
      : plain_(std::make_shared<const std::string>(std::move(text))) {}

  [[nodiscard]] const Segment& plain() const { return plain_; }
  [[nodiscard]] std::shared_ptr<const GzipBegun> gzip() const {
    std::call_once(asked_for_,
                   [this] { gzip_ = std::make_shared<const GzipBegun>(begin_gzip(*plain_)); });
    return gzip_;
  }

 private:
  Segment plain_;
  mutable std::once_flag asked_for_;
  mutable std::shared_ptr<const GzipBegun> gzip_;
};

struct Rendering {
  explicit Rendering(const Options& wanted) : options(wanted), filter(wanted) {}

  Options options;
  Filter filter;
  std::shared_ptr<const monitor::Snapshot> snapshot = std::make_shared<const monitor::Snapshot>();
  std::size_t last_size = 0;
};

}  // namespace

struct Exposition::State {
  State(const Options& options, const AgentMetrics& metrics)
      : agent(metrics), rendering(Rendering(options)) {}

  /// Applies `change` and renders anew; a page handed out meanwhile is the old one.
  template <class Change>
  void render(Change change) {
    rendering.with([&](Rendering& current) {
      change(current);
      std::string text = render_fleet(*current.snapshot, current.options, current.filter,
                                      current.last_size + current.last_size / 64);
      current.last_size = text.size();
      auto part = std::make_shared<const FleetPart>(std::move(text));
      page.with([&](auto& shown) { shown.swap(part); });
    });
  }

  const AgentMetrics& agent;
  base::Guarded<Rendering> rendering;
  base::Guarded<std::shared_ptr<const FleetPart>> page;
};

Exposition::Exposition(const Options& options, const AgentMetrics& agent)
    : state_(std::make_unique<State>(options, agent)) {
  state_->render([](Rendering&) {});
}

Exposition::~Exposition() = default;

void Exposition::publish(const std::shared_ptr<const monitor::Snapshot>& snapshot) {
  state_->render([&](Rendering& rendering) { rendering.snapshot = snapshot; });
}

void Exposition::configure(const Options& options) {
  state_->render([&](Rendering& rendering) {
    rendering.filter = Filter(options);
    rendering.options = options;
  });
}

std::vector<Segment> Exposition::page(Encoding encoding) const {
  const auto fleet_part = state_->page.copy();
  std::string agent_part = state_->agent.render();
  if (encoding == Encoding::plain) {
    return {fleet_part->plain(), std::make_shared<const std::string>(std::move(agent_part))};
  }
  const auto begun = fleet_part->gzip();
  return {Segment(begun, &begun->bytes),
          std::make_shared<const std::string>(end_gzip(*begun, agent_part))};
}

}  // namespace reeve::metrics
