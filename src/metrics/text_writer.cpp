#include "metrics/text_writer.h"

#include <array>
#include <cmath>

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
  constexpr double least_fixed = 1e-4;
  constexpr double most_fixed = 1e15;
  const double size = std::abs(value);
  const bool fixed = value == 0 || (size >= least_fixed && size < most_fixed);
  std::array<char, 32> digits{};
  char* const end = digits.data() + digits.size();
  const auto format = fixed ? std::chars_format::fixed : std::chars_format::scientific;
  return {digits.data(), std::to_chars(digits.data(), end, value, format).ptr};
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
  if (!labels.thing.empty() || !labels.sample.empty()) {
    text_ += '{';
    text_.append(labels.thing);
    if (!labels.thing.empty() && !labels.sample.empty()) {
      text_ += ',';
    }
    text_.append(labels.sample).append("}");
  }
  text_ += ' ';
}

void TextWriter::number(double value) {
  text_ += formatted(value);
}

}  // namespace reeve::metrics
