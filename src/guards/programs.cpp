#include "guards/programs.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "substrate/own_program.h"

namespace reeve::guards {

using base::ErrorKind;

namespace {

constexpr std::chrono::minutes answer_kept_for{1};
constexpr std::chrono::seconds failure_kept_for{5};
constexpr std::chrono::seconds margin{10};
constexpr std::chrono::hours max_timeout{24};

/// supervisord's main branch answers 500, the Go reimplementation knows no such method.
bool is_not_offered(ErrorKind kind) {
  return kind == ErrorKind::not_implemented || kind == ErrorKind::fault;
}

base::Duration plus_margin(std::chrono::seconds configured) {
  return std::min<std::chrono::seconds>(configured, max_timeout) + margin;
}

}  // namespace

ProgramCatalogue::Answer ProgramCatalogue::of(const monitor::Member& member, base::Duration timeout,
                                              std::stop_token stop) {
  const auto deadline = base::Deadline::after(*clock_, timeout, std::move(stop));
  std::unique_lock lock(mutex_);
  Entry& entry = entries_[member.name];
  while (clock_->steady_now() >= entry.valid_until) {
    if (!entry.asking) {
      entry.asking = true;
      lock.unlock();
      Answer answer = ask(member, deadline);
      lock.lock();
      const base::Duration valid_for = answer ? base::Duration(answer_kept_for) : failure_kept_for;
      answer = with_own(std::move(answer), entry.own);
      entry.valid_until = clock_->steady_now() + valid_for;
      entry.answer = answer;
      entry.asking = false;
      answered_.notify_all();
      return answer;
    }
    const bool in_time = answered_.wait_for(lock, deadline.stop(), deadline.remaining(),
                                            [&] { return !entry.asking; });
    if (!in_time) {
      return base::failure(deadline.check("waiting for supervisord's list of programs").error());
    }
  }
  return entry.answer;
}

std::shared_ptr<const Programs> ProgramCatalogue::known(const std::string& supervisor) const {
  const std::scoped_lock lock(mutex_);
  const auto entry = entries_.find(supervisor);
  const bool is_known = entry != entries_.end() && entry->second.answer && *entry->second.answer;
  return is_known ? *entry->second.answer : std::make_shared<const Programs>();
}

ProgramCatalogue::Answer ProgramCatalogue::ask(const monitor::Member& member,
                                               const base::Deadline& deadline) const {
  auto listed = member.administration->programs(deadline);
  if (!listed && !is_not_offered(listed.error().kind)) {
    return base::failure(std::move(listed.error()));
  }
  return std::make_shared<const Programs>(listed ? std::move(*listed) : Programs{});
}

ProgramCatalogue::Answer ProgramCatalogue::with_own(Answer answer, Programs& own) {
  if (!answer) {
    return answer;
  }
  const auto is_own_in = [](const Programs& programs, const substrate::InstanceName& name) {
    return std::any_of(programs.begin(), programs.end(), [&](const auto& each) {
      return each.name == name && substrate::runs_reeve(each);
    });
  };
  Programs programs = **answer;
  for (const substrate::ProgramConfig& each : **answer) {
    if (substrate::runs_reeve(each) && !is_own_in(own, each.name)) {
      own.push_back(each);
    }
  }
  for (const substrate::ProgramConfig& each : own) {
    if (!is_own_in(programs, each.name)) {
      programs.push_back(each);
    }
  }
  return std::make_shared<const Programs>(std::move(programs));
}

ActionTimeouts timeouts_of(const Programs& programs, const substrate::InstanceName& name) {
  const auto found =
      std::find_if(programs.begin(), programs.end(),
                   [&](const substrate::ProgramConfig& program) { return program.name == name; });
  ActionTimeouts timeouts;
  if (found != programs.end()) {
    if (found->stop_wait_seconds) {
      timeouts.stop = plus_margin(*found->stop_wait_seconds);
    }
    if (found->start_seconds) {
      timeouts.start = plus_margin(*found->start_seconds);
    }
  }
  return timeouts;
}

}  // namespace reeve::guards
