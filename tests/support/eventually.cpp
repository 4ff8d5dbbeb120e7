#include "support/eventually.h"

#include "reeve/base/deadline.h"

namespace reeve::tests {

bool eventually(std::chrono::milliseconds patience, const std::function<bool()>& predicate) {
  const base::SystemClock clock;
  const base::Deadline deadline = base::Deadline::after(clock, patience);
  while (!predicate()) {
    if (!deadline.wait(std::chrono::milliseconds(5))) {
      return predicate();
    }
  }
  return true;
}

}  // namespace reeve::tests
