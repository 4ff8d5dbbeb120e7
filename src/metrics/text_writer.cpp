#include "metrics/text_writer.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <prometheus/metric_family.h>

#include "base/text.h"

namespace reeve::metrics {
namespace {

std::string formatted(double value) {
  if (std::isnan(value)) {
    return "NaN";
  }
  if (std::isinf(value)) {
    return value > 0 ? "+Inf" : "-Inf";
  }
  constexpr double min_fixed = 1e-4;
  constexpr double max_fixed = 1e15;
  const double size = std::abs(value);
  const bool fixed = value == 0 || (size >= min_fixed && size < max_fixed);
  std::array<char, 32> digits{};
  char* const end = digits.data() + digits.size();
  const auto format = fixed ? std::chars_format::fixed : std::chars_format::scientific;
  return {digits.data(), std::to_chars(digits.data(), end, value, format).ptr};
}

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

std::string label(std::string_view name, std::string_view value) {
  std::string text(name);
  text += "=\"";
  for (const char c : base::to_utf8(value)) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') {
      text += '\\';
    }
    text += c;
  }
  text += '"';
  return text;
}

std::string join_labels(std::string_view first, std::string_view second) {
  std::string text(first);
  if (!first.empty() && !second.empty()) {
    text += ',';
  }
  return text.append(second);
}

void TextWriter::begin(const Family& family) {
  family_ = &family;
  announced_ = false;
}

void TextWriter::histogram(std::string_view labels, const HistogramCounts& histogram) {
  std::uint64_t cumulated = 0;
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    cumulated += histogram.counts[i];
    const bool beyond = i == histogram.bounds.size();
    const std::string bound = beyond ? "+Inf" : formatted(histogram.bounds[i]);
    line("_bucket", {labels, "le=\"" + bound + '"'}, cumulated);
  }
  line("_sum", {labels}, histogram.sum);
  line("_count", {labels}, cumulated);
}

void TextWriter::head(std::string_view suffix, const LabelText& labels) {
  if (!announced_) {
    announced_ = true;
    text_.append("# HELP ").append(family_->name).append(" ").append(family_->help);
    text_.append("\n# TYPE ").append(family_->name).append(" ");
    text_.append(to_string(family_->type)).append("\n");
  }
  text_.append(family_->name).append(suffix);
  if (!labels.owner.empty() || !labels.sample.empty()) {
    text_ += '{';
    text_.append(labels.owner);
    if (!labels.owner.empty() && !labels.sample.empty()) {
      text_ += ',';
    }
    text_.append(labels.sample).append("}");
  }
  text_ += ' ';
}

void TextWriter::number(double value) {
  text_ += formatted(value);
}

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
    // Names that are not UTF-8 may have become equal: Prometheus would refuse the whole page.
    samples.erase(std::unique(samples.begin(), samples.end(),
                              [](const auto& a, const auto& b) { return a.first == b.first; }),
                  samples.end());
    out.begin(family);
    for (const auto& [labels, metric] : samples) {
      write_metric(out, family.type, labels, *metric);
    }
  }
}

}  // namespace reeve::metrics
