#include "events/intake.h"

#include <utility>

namespace reeve::events {

void Intake::put(const RawEvent& raw, const Receipt& at) {
  const auto header = parse_header(raw.header);
  auto event = parse_event(raw);
  if (header) {
    const Sequence::Step step = sequence_.note(header->serials);
    if (step.verdict == Sequence::Verdict::repeat) {
      return;
    }
    if (step.verdict == Sequence::Verdict::restarted) {
      inbox_->put({source_, at, Gap{Gap::Cause::pool_restarted, step.lost}});
    } else if (step.lost > 0) {
      inbox_->put({source_, at, Gap{Gap::Cause::lost, step.lost}});
    }
  }
  if (event) {
    inbox_->put({source_, at, std::move(*event)});
  } else {
    inbox_->put({source_, at, Gap{Gap::Cause::unreadable, 1}});
  }
}

}  // namespace reeve::events
