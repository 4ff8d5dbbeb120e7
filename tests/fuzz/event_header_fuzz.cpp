// Whatever stands in a listener's input: no piece of it may do harm, and where it is cut must make
// no difference. The first byte says in which pieces the rest comes.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "events/listener.h"
#include "events/main_log.h"

namespace {

using namespace reeve::events;

struct Outcome {
  std::vector<RawEvent> events;
  bool broken = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome parse(std::string_view bytes, std::size_t piece) {
  Outcome outcome;
  EventParser parser;
  const auto sink = [&](const EventHeader&, RawEvent event) {
    outcome.events.push_back(std::move(event));
  };
  while (!bytes.empty()) {
    const auto fed = parser.feed(bytes.substr(0, piece), sink);
    outcome.broken = !fed;
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  (void)parser.input_paused(sink);
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = parse(bytes, bytes.size() + 1);
  if (whole != parse(bytes, 1 + data[0])) {
    std::abort();
  }
  for (const RawEvent& raw : whole.events) {
    if (raw.header.size() > max_header_bytes || raw.payload.size() > max_payload_kept) {
      std::abort();
    }
    if (auto header = parse_header(raw.header)) {
      (void)parse_event(std::move(*header), raw.payload);
    }
  }
  (void)parse_log_line(bytes);
  return 0;
}
