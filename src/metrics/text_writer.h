#pragma once

// Writes Prometheus' text format 0.0.4, on the thread that calls. Labels come escaped, once for
// many samples; HELP and TYPE are written with a family's first sample, so that a family without
// samples leaves no trace.

#include <charconv>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "metrics/catalogue.h"

namespace prometheus {
struct MetricFamily;
}

namespace reeve::metrics {

/// `name="value"`, with the value made valid UTF-8 and escaped.
[[nodiscard]] std::string label(std::string_view name, std::string_view value);
/// Two such lists with a comma between them; either may be empty.
[[nodiscard]] std::string join_labels(std::string_view first, std::string_view second);

/// The labels of one sample in two parts: those of the supervisord or process that it belongs to,
/// and those that distinguish its samples. Either may be empty.
struct LabelText {
  std::string_view owner;
  std::string_view sample = {};
};

/// A histogram: counts per bound, not cumulated; the last is above all bounds.
struct HistogramCounts {
  std::span<const double> bounds;
  std::span<const std::uint64_t> counts;
  double sum = 0;
};

class TextWriter {
 public:
  explicit TextWriter(std::size_t expected_bytes) { text_.reserve(expected_bytes); }

  /// Samples are of this family from here on.
  void begin(const Family& family);
  void sample(const LabelText& labels, double value) { line({}, labels, value); }
  void sample(const LabelText& labels, bool value) { line({}, labels, value ? 1 : 0); }
  template <class Integer>
  requires std::is_integral_v<Integer>
  void sample(const LabelText& labels, Integer value) { line({}, labels, value); }
  /// No sample without a value.
  template <class Number>
  void sample(const LabelText& labels, const std::optional<Number>& value) {
    if (value) {
      sample(labels, *value);
    }
  }
  void histogram(std::string_view labels, const HistogramCounts& histogram);

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  template <class Number>
  void line(std::string_view suffix, const LabelText& labels, Number value) {
    head(suffix, labels);
    number(value);
    text_ += '\n';
  }
  void head(std::string_view suffix, const LabelText& labels);
  void number(double value);
  template <class Integer>
  requires std::is_integral_v<Integer>
  void number(Integer value) {
    char digits[24];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
    text_.append(std::begin(digits), end);
  }

  std::string text_;
  const Family* family_ = nullptr;
  bool announced_ = false;
};

/// Families that prometheus-cpp keeps, in the catalogue's order (others are left out), samples in
/// their labels' order: its own serializer escapes no HELP and passes invalid UTF-8, and its order
/// changes.
void write_families(TextWriter& out, const std::vector<prometheus::MetricFamily>& families);

}  // namespace reeve::metrics
