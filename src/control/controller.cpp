#include "control/controller.h"

#include <utility>

#include "control/controller_state.h"

namespace reeve::control {

using base::Deadline;
using base::ErrorKind;

namespace {

/// Ids go on growing from one run of the agent to the next.
std::string run_prefix(const base::Clock& clock) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(clock.system_now());
  return std::to_string(now.time_since_epoch().count());
}

}  // namespace

guards::Refusal shutting_down() {
  return {guards::RefusalReason::shutting_down,
          {ErrorKind::shutting_down, "the agent is shutting down"},
          {}};
}

Controller::State::State(Surroundings given, const guards::Options& initial,
                         const base::Clock& its_clock, base::Log its_log)
    : around(std::move(given)),
      options(initial),
      clock(its_clock),
      log(std::move(its_log)),
      catalogue(its_clock),
      ledger(Ledger(run_prefix(its_clock))) {}

const monitor::Member* Controller::State::member_of(const std::string& supervisor) const {
  for (const monitor::Member& each : around.members) {
    if (each.name == supervisor) {
      return &each;
    }
  }
  return nullptr;
}

guards::ProgramCatalogue::Answer Controller::State::programs_of(const monitor::Member& member) {
  return catalogue.of(member, options.copy().listing_timeout, hurry.get_token());
}

Controller::Controller(Surroundings surroundings, const guards::Options& options,
                       const base::Clock& clock, base::Log log)
    : state_(std::make_unique<State>(std::move(surroundings), options, clock, std::move(log))) {}

Controller::~Controller() {
  stop(Deadline::after(state_->clock, base::Duration::zero()));
}

void Controller::on_change(Finished observer) {
  state_->observer = std::move(observer);
}

void Controller::restore() {
  state_->restore();
}

void Controller::start() {
  for (base::Wakeup& wakeup : state_->wakeups) {
    state_->threads.emplace_back([this, &wakeup] { state_->work(wakeup); });
  }
}

void Controller::stop(const Deadline& deadline) {
  constexpr std::chrono::milliseconds look_interval{10};
  state_->hurry.request_stop();
  { const std::scoped_lock all_are_entered(state_->entering); }
  state_->abandon_queued(shutting_down().error);
  const auto busy = [&] {
    return !state_->ledger.with([](const Ledger& all) { return all.idle(); });
  };
  while (busy() && deadline.wait(look_interval)) {
  }
  state_->now.request_stop();
  state_->threads.clear();
}

void Controller::configure(const guards::Options& options) {
  state_->options.with([&](guards::Options& current) { current = options; });
}

Admission Controller::submit(const guards::Command& command) {
  return std::move(state_->submit_all({command}).front());
}

std::vector<Admission> Controller::submit_all(const std::vector<guards::Command>& commands) {
  return state_->submit_all(commands);
}

std::optional<guards::Refusal> Controller::permit(const guards::Command& command) const {
  return state_->permit(command);
}

std::optional<Operation> Controller::find(std::string_view id) const {
  return state_->ledger.with([&](const Ledger& all) { return all.find(id); });
}

std::vector<Operation> Controller::list() const {
  return state_->ledger.with([](const Ledger& all) { return all.list(); });
}

std::size_t Controller::unfinished(guards::Source source) const {
  return state_->ledger.with([&](const Ledger& all) { return all.unfinished(source); });
}

bool Controller::on_finished(std::string_view id, Finished callback) {
  const auto [done, waits] = state_->ledger.with([&](Ledger& all) {
    auto operation = all.find(id);
    const bool is_done = operation && operation->done();
    return std::pair(is_done ? std::move(operation) : std::nullopt,
                     !is_done && all.wait_for(id, callback));
  });
  if (done) {
    callback(*done);
  }
  return done || waits;
}

bool Controller::run_next() {
  return state_->run_next();
}

Stats Controller::stats() const {
  return state_->tally.with([](const Tally& counts) { return counts.stats(); });
}

}  // namespace reeve::control
