#include "metrics/registry_text.h"

#include <algorithm>
#include <string>
#include <utility>

namespace reeve::metrics {
namespace {

std::string labels_of(const prometheus::ClientMetric& metric) {
  std::string labels;
  for (const prometheus::ClientMetric::Label& each : metric.label) {
    labels = join_labels(labels, label(each.name, each.value));
  }
  return labels;
}

void write_histogram(TextWriter& out, std::string_view labels,
                     const prometheus::ClientMetric::Histogram& histogram) {
  std::vector<double> bounds;
  std::vector<std::uint64_t> counts;
  std::uint64_t before = 0;
  for (const auto& bucket : histogram.bucket) {
    bounds.push_back(bucket.upper_bound);
    counts.push_back(bucket.cumulative_count - before);
    before = bucket.cumulative_count;
  }
  if (!bounds.empty()) {
    bounds.pop_back();  // +Inf
  }
  out.histogram(labels, {bounds, counts, histogram.sample_sum});
}

void write_metric(TextWriter& out, Type type, std::string_view labels,
                  const prometheus::ClientMetric& metric) {
  switch (type) {
    case Type::counter:
      return out.sample({labels}, metric.counter.value);
    case Type::gauge:
      return out.sample({labels}, metric.gauge.value);
    case Type::histogram:
      return write_histogram(out, labels, metric.histogram);
  }
}

}  // namespace

void write_families(TextWriter& out, const std::vector<prometheus::MetricFamily>& families) {
  for (const Family& family : catalogue) {
    const auto found = std::find_if(families.begin(), families.end(),
                                    [&](const auto& each) { return each.name == family.name; });
    if (found == families.end()) {
      continue;
    }
    std::vector<std::pair<std::string, const prometheus::ClientMetric*>> samples;
    for (const prometheus::ClientMetric& metric : found->metric) {
      samples.emplace_back(labels_of(metric), &metric);
    }
    std::sort(samples.begin(), samples.end());
    out.begin(family);
    for (const auto& [labels, metric] : samples) {
      write_metric(out, family.type, labels, *metric);
    }
  }
}

}  // namespace reeve::metrics
