#include "monitor/tracker.h"

#include <algorithm>
#include <utility>

#include "monitor/find.h"

namespace reeve::monitor {
namespace {

using substrate::InstanceDetail;
using substrate::InstanceName;
using substrate::InstanceState;

/// A second record of the same name goes.
void reject_repeats(Poll& poll) {
  std::vector<InstanceDetail> kept;
  std::vector<LogSizes> sizes;
  for (std::size_t i = 0; i < poll.listing.instances.size(); ++i) {
    InstanceDetail& detail = poll.listing.instances[i];
    if (!kept.empty() && kept.back().name == detail.name) {
      ++poll.listing.rejected;
      continue;
    }
    kept.push_back(std::move(detail));
    if (i < poll.log_sizes.size()) {
      sizes.push_back(poll.log_sizes[i]);
    }
  }
  poll.listing.instances = std::move(kept);
  poll.log_sizes = std::move(sizes);
}

bool has_repeats(const substrate::Listing& listing) {
  return std::adjacent_find(listing.instances.begin(), listing.instances.end(),
                            [](const auto& a, const auto& b) { return a.name == b.name; }) !=
         listing.instances.end();
}

/// What an event leaves of a record: the event says the state, mostly the pid, and no times.
void apply(InstanceDetail& detail, const events::StateChange& change) {
  const bool has_process =
      change.to == InstanceState::running || change.to == InstanceState::stopping;
  detail.state = change.to;
  detail.description.clear();
  detail.exit_status.reset();
  if (change.pid && has_process) {
    detail.pid = change.pid;
  } else if (!has_process && change.to != InstanceState::unknown) {
    detail.pid.reset();
  }
  if (change.to == InstanceState::starting) {
    detail.start_time.reset();
    detail.spawn_error.clear();
  }
  if (change.to == InstanceState::exited || change.to == InstanceState::backoff ||
      change.to == InstanceState::stopped) {
    detail.stop_time.reset();
  }
}

}  // namespace

Wants Tracker::list(Poll poll, std::size_t& rejected) {
  if (has_repeats(poll.listing)) {
    reject_repeats(poll);
  }
  Wants wants;
  if (poll.survey) {
    wants = read(poll.survey->step);
    // This is the list and, if it has come to the log's end, the anchor.
    wants.poll = false;
    wants.anchor = wants.anchor && poll.survey->step.again;
  }
  const Counting::ListNews news =
      counting_.list({poll.listing.instances, poll.at, poll.same_daemon});
  wants.log_gaps += news.log_gap ? 1U : 0U;
  wants.stream_gaps += news.stream_gap ? 1U : 0U;
  if (poll.survey) {
    counting_.surveyed(poll.listing.instances, poll.survey->at_end);
  }
  std::erase_if(touched_, [&](const auto& each) { return each.second < poll.asked; });
  std::vector<ProcessList::Record> records;
  records.reserve(poll.listing.instances.size());
  for (std::size_t i = 0; i < poll.listing.instances.size(); ++i) {
    InstanceDetail& detail = poll.listing.instances[i];
    const bool outdated = touched_.contains(detail.name);
    const ProcessList::Record* const known = outdated ? record_of(detail.name) : nullptr;
    if (known != nullptr) {
      detail = (*known)->detail;
    }
    ProcessSnapshot process;
    process.detail = std::move(detail);
    if (i < poll.log_sizes.size()) {
      process.stdout_log_bytes = poll.log_sizes[i].standard_output;
      process.stderr_log_bytes = poll.log_sizes[i].standard_error;
    }
    fill(process);
    records.push_back(std::make_shared<const ProcessSnapshot>(std::move(process)));
  }
  records_ = std::move(records);
  stale_ = true;
  rejected = poll.listing.rejected;
  return wants;
}

Wants Tracker::read(const events::LogTail::Step& step) {
  const Counting::LogNews news = counting_.read(step);
  return {news.wants_list, news.wants_anchor || news.gap, false, news.wants_anchor,
          news.gap ? 1U : 0U};
}

void Tracker::look(const InstanceDetail& detail, base::SteadyTime asked) {
  ProcessList::Record* const record = record_of(detail.name);
  if (record == nullptr) {
    touched_.erase(detail.name);
    return;
  }
  counting_.look(detail);
  const auto touched = touched_.find(detail.name);
  if (touched != touched_.end() && touched->second >= asked) {
    return;  // an event has come since: it stays touched
  }
  touched_.erase(detail.name);
  change(*record, [&](ProcessSnapshot& process) { process.detail = detail; });
}

Wants Tracker::hear(const events::StateChange& event, base::SteadyTime now) {
  Wants wants;
  wants.stream_gaps = counting_.hear(event) ? 0 : 1;
  wants.log = event.from == InstanceState::running || event.from == InstanceState::stopping ||
              event.to == InstanceState::backoff;
  ProcessList::Record* const record = record_of(event.name);
  if (record == nullptr) {
    wants.poll = true;
    return wants;
  }
  touched_[event.name] = now;
  change(*record, [&](ProcessSnapshot& process) { apply(process.detail, event); });
  return wants;
}

void Tracker::recount() {
  for (ProcessList::Record& record : records_) {
    const Facts now = facts(counting_.accounts()[record->detail.name]);
    const Finish shown{record->exit_status, record->exit_signal, record->last_exit_expected};
    if (now.counters != record->counters || now.finish != shown) {
      change(record, [](ProcessSnapshot& /*process*/) {});
    }
  }
}

Tracker::Facts Tracker::facts(Account& account) const {
  const Completeness complete = counting_.complete();
  return {to_counters(account.show(complete), counting_.exits_known()),
          account.last_finish(complete)};
}

void Tracker::fill(ProcessSnapshot& process) {
  const Facts now = facts(counting_.accounts()[process.detail.name]);
  process.counters = now.counters;
  process.exit_status = now.finish.exit_status;
  process.exit_signal = now.finish.exit_signal;
  process.last_exit_expected = now.finish.expected;
}

ProcessList::Record* Tracker::record_of(const InstanceName& name) {
  return find(
      records_, name, [](const auto& each) -> const auto& { return each->detail.name; });
}

template <class Change>
void Tracker::change(ProcessList::Record& record, Change&& apply_to) {
  ProcessSnapshot next = *record;
  apply_to(next);
  fill(next);
  record = std::make_shared<const ProcessSnapshot>(std::move(next));
  stale_ = true;
}

const ProcessList& Tracker::processes() {
  if (std::exchange(stale_, false)) {
    list_ = ProcessList(records_);
  }
  return list_;
}

std::vector<RemovedProcess> Tracker::removed() {
  std::vector<RemovedProcess> removed;
  for (auto& [name, account] : counting_.accounts()) {
    if (account.removed_at) {
      removed.push_back({name, facts(account).counters, *account.removed_at});
    }
  }
  return removed;
}

bool some_run_survived(const ProcessList& before, const substrate::Listing& listing) {
  return std::any_of(listing.instances.begin(), listing.instances.end(), [&](const auto& now) {
    const ProcessSnapshot* const known = before.find(now.name);
    return known != nullptr && now.incarnation() &&
           now.incarnation() == known->detail.incarnation();
  });
}

}  // namespace reeve::monitor
