#pragma once

// Writes Prometheus' text format 0.0.4. Labels come ready-made, escaped once for many samples;
// a family's HELP and TYPE are written with its first sample, so that an empty family leaves
// no trace.

#include <charconv>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "metrics/find_family.h"

namespace reeve::metrics {

/// `name="value"`, with the value made valid UTF-8 and escaped.
[[nodiscard]] std::string label(std::string_view name, std::string_view value);
/// Two such lists with a comma between them; either may be empty.
[[nodiscard]] std::string join_labels(std::string_view first, std::string_view second);

/// The labels of one sample in two parts: those of the thing it is about, and those that tell
/// the samples of that thing apart. Either may be empty.
struct LabelText {
  std::string_view thing;
  std::string_view sample = {};
};

/// A histogram as it is counted: per bound, not cumulated, the last beyond all bounds.
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
  template <class Integer>
  requires std::is_integral_v<Integer>
  void sample(const LabelText& labels, Integer value) { line({}, labels, value); }
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

}  // namespace reeve::metrics
