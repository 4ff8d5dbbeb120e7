#include "api/process_page.h"

#include <utility>

#include "json/process_text.h"
#include "metrics/gzip.h"

namespace reeve::api {

ProcessPage::ProcessPage(std::shared_ptr<const monitor::Snapshot> snapshot)
    : snapshot_(std::move(snapshot)) {
  constexpr std::size_t usual_bytes = 512;
  std::size_t count = 0;
  for (const monitor::SupervisorSnapshot& supervisor : snapshot_->supervisors) {
    count += supervisor.processes.size();
  }
  std::string text;
  text.reserve(count * usual_bytes);
  ends_.reserve(count);
  text += '[';
  for (const monitor::SupervisorSnapshot& supervisor : snapshot_->supervisors) {
    for (const monitor::ProcessSnapshot& process : supervisor.processes) {
      text += ends_.empty() ? "" : ",";
      json::append_process(text, supervisor, process);
      ends_.push_back(text.size());
    }
  }
  text += ']';
  plain_ = std::make_shared<const std::string>(std::move(text));
}

std::vector<http::SharedBytes> ProcessPage::gzip() const {
  std::call_once(compressed_, [this] {
    const auto begun = std::make_shared<const metrics::GzipBegun>(metrics::begin_gzip(*plain_));
    gzip_ = {http::SharedBytes(begun, &begun->bytes),
             std::make_shared<const std::string>(metrics::end_gzip(*begun, ""))};
  });
  return gzip_;
}

std::string_view ProcessPage::object(std::size_t at) const {
  const std::size_t begin = at == 0 ? 1 : ends_[at - 1] + 1;  // behind the bracket or comma
  return std::string_view(*plain_).substr(begin, ends_[at] - begin);
}

std::shared_ptr<const ProcessPage> ProcessPages::of(
    const std::shared_ptr<const monitor::Snapshot>& snapshot) {
  auto page = last_.copy();
  if (!page || &page->snapshot() != snapshot.get()) {
    page = std::make_shared<const ProcessPage>(snapshot);
    last_.with([&](auto& last) { last = page; });
  }
  return page;
}

}  // namespace reeve::api
