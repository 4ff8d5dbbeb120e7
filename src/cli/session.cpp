#include "cli/session.h"

#include <algorithm>
#include <utility>

#include "cli/display.h"

namespace reeve::cli {
namespace {

constexpr std::chrono::minutes patience{10};
constexpr std::chrono::hours endless{24 * 365};

}  // namespace

Session::Session(const Settings& settings, const CommonOptions& common, const Surroundings& world,
                 std::stop_token stop_request)
    : output(world, common),
      surroundings(world),
      stop(std::move(stop_request)),
      timeout_(common.timeout),
      listing_timeout_(settings.config.poll.timeout) {
  for (const supervisor::Options& options : settings.config.supervisors) {
    managers.push_back({options, world.connect(options)});
  }
}

base::Deadline Session::call_deadline(const Manager& manager) const {
  return base::Deadline::after(*surroundings.clock, manager.options.timeout, stop);
}

base::Deadline Session::listing_deadline() const {
  return base::Deadline::after(*surroundings.clock, timeout_.value_or(listing_timeout_), stop);
}

base::Deadline Session::patient_deadline() const {
  return base::Deadline::after(*surroundings.clock, timeout_.value_or(patience), stop);
}

base::Deadline Session::unstoppable_deadline() const {
  return base::Deadline::after(*surroundings.clock, timeout_.value_or(patience));
}

base::Deadline Session::unstoppable_call_deadline(const Manager& manager) const {
  return base::Deadline::after(*surroundings.clock, manager.options.timeout);
}

base::Deadline Session::endless_deadline() const {
  return base::Deadline::after(*surroundings.clock, timeout_.value_or(endless), stop);
}

std::string Session::label(const Manager& manager, const std::string& name) const {
  return managers.size() > 1 ? manager.options.name + "/" + name : name;
}

int Session::report(Verb verb, base::Error error, const Manager& manager,
                    const std::string& process) {
  const int code = exit_code(verb, error.kind);
  output.problem({std::move(error), manager.options.name, process});
  return code;
}

WaitNotice::WaitNotice(const Session& session, std::string text) {
  if (!session.output.shows_progress()) {
    return;
  }
  const base::Clock* const clock = session.surroundings.clock;
  std::ostream* const err = session.output.console().err;
  thread_ = std::jthread([clock, err, text = visible(text)](const std::stop_token& done) {
    if (!clock->wait_until(clock->steady_now() + std::chrono::seconds(1), done)) {
      return;
    }
    *err << text << std::flush;
    static_cast<void>(clock->wait_until(clock->steady_now() + endless, done));
    *err << "\r\x1B[K" << std::flush;
  });
}

WaitNotice::~WaitNotice() = default;  // asks the thread to end, and waits for it

}  // namespace reeve::cli
