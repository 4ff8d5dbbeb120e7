#include "metrics/text_writer.h"

#include <algorithm>
#include <limits>
#include <sstream>

#include <prometheus/text_serializer.h>

#include "support/catch.h"

namespace reeve::metrics {
namespace {

prometheus::MetricFamily counters(std::vector<std::pair<std::string, double>> samples) {
  prometheus::MetricFamily family{"reeve_http_requests_total",
                                  std::string(metrics::family("reeve_http_requests_total").help),
                                  prometheus::MetricType::Counter,
                                  {}};
  for (const auto& [handler, value] : samples) {
    prometheus::ClientMetric metric;
    metric.label = {{"handler", handler}, {"code", "200"}};
    metric.counter.value = value;
    family.metric.push_back(metric);
  }
  return family;
}

std::string ours(const std::vector<prometheus::MetricFamily>& families) {
  TextWriter out(0);
  write_families(out, families);
  return out.take();
}

std::string theirs(const std::vector<prometheus::MetricFamily>& families) {
  return prometheus::TextSerializer().Serialize(families);
}

std::vector<std::string> sorted_lines(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST_CASE("TextWriter: labels and numbers are written as prometheus-cpp writes them") {
  const std::vector families = {counters({
      {"A plain one", 0},
      {"a \"quoted\" one", 1},
      {"b\\ackslash", 1234567},
      {"d\nnew line", 0.1},
      {"e naïve 日本 🚀", 1e-7},
      {"f", 1.5e300},
      {"g", std::numeric_limits<double>::infinity()},
      {"h", -std::numeric_limits<double>::infinity()},
      {"i", -2.25},
      {"j", 1700000000.5},
  })};
  CHECK(ours(families) == theirs(families));
}

TEST_CASE("TextWriter: a histogram is written as prometheus-cpp writes it") {
  prometheus::MetricFamily family{
      "reeve_http_request_duration_seconds",
      std::string(metrics::family("reeve_http_request_duration_seconds").help),
      prometheus::MetricType::Histogram,
      {}};
  prometheus::ClientMetric metric;
  metric.label = {{"handler", "/metrics"}};
  metric.histogram = {
      5, 1.25, {{1, 0.0005}, {3, 0.25}, {4, 10}, {5, std::numeric_limits<double>::infinity()}}};
  family.metric = {metric};
  // They write count and sum first, which is as good.
  CHECK(sorted_lines(ours({family})) == sorted_lines(theirs({family})));
}

TEST_CASE("TextWriter: NaN is written as Prometheus writes it") {
  CHECK(ours({counters({{"x", std::numeric_limits<double>::quiet_NaN()}})}).find(" NaN\n") !=
        std::string::npos);
}

TEST_CASE("label: bytes that are not UTF-8 become U+FFFD") {
  CHECK(label("name", "caf\xe9") == "name=\"caf\xEF\xBF\xBD\"");
}

TEST_CASE("TextWriter: counters are written to the last digit, however large") {
  TextWriter out(0);
  out.begin(family("supervisord_restarts_total"));
  out.sample({}, std::numeric_limits<std::uint64_t>::max());
  CHECK(out.take().ends_with("\nsupervisord_restarts_total 18446744073709551615\n"));
}

TEST_CASE("TextWriter: a family without samples leaves no trace") {
  TextWriter out(0);
  out.begin(family("supervisord_up"));
  CHECK(out.take().empty());
}

}  // namespace
}  // namespace reeve::metrics
