// Whatever stands in a line of the journal or of the record: it is read, and comes back as it was
// read, or it is not.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "control/audit.h"
#include "control/operation.h"

namespace {

using namespace reeve::control;

template <class Read>
void check(std::string_view line, const Read& read) {
  const auto first = read(line);
  // Times of the record are cut to milliseconds by being written.
  const auto second = first ? read(to_line(*first)) : first;
  if (first && (!second || read(to_line(*second)) != second)) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  check(line, operation_from);
  check(line, audit_entry_from);
  return 0;
}
