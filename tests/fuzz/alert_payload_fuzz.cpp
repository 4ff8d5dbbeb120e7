// Any bytes as the body of a webhook: they are read or refused with a reason, and what was read
// is within the bounds; no rule ever makes anything but one name of what labels say.

#include <cstdint>
#include <cstdlib>

#include "alerts/payload.h"
#include "alerts/rules.h"

namespace {

using namespace reeve;

void demand(bool condition) {
  if (!condition) {
    std::abort();
  }
}

const alerts::Rules& rules() {
  static const alerts::Rules all([] {
    alerts::Options options;
    options.identity = {{"instance", "host7:19001"}};
    alerts::Rule rule;
    rule.name = "hung";
    rule.match = {{"alertname", "Web.*"}, {"severity", "critical|page"}};
    rule.target = "{{group}}:{{name}}";
    options.rules = {rule};
    return options;
  }());
  return all;
}

void check(const alerts::Alert& alert) {
  demand(!alert.fingerprint.empty() || !alert.problem.empty());
  demand(alert.fingerprint.size() <= alerts::max_fingerprint_bytes);
  demand(alert.labels.size() <= alerts::max_labels);
  (void)rules().is_for_this_agent(alert);
  const alerts::CompiledRule* const rule = rules().find(alert);
  demand(rule == nullptr || !alert.name().empty());
  if (const auto target = rules().all().front().target.fill(alert.labels)) {
    demand(!target->name.group.empty() && !target->name.name.empty());
    demand(target->name.full().find(':') == target->name.full().rfind(':'));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto alerts = alerts::parse_payload({reinterpret_cast<const char*>(data), size});
  if (!alerts) {
    demand(!alerts.error().message.empty());
    return 0;
  }
  demand(alerts->size() <= alerts::max_alerts);
  for (const alerts::Alert& alert : *alerts) {
    check(alert);
  }
  return 0;
}
