#include "monitor/process_table.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

namespace reeve::monitor {
namespace {

using substrate::InstanceDetail;
using substrate::InstanceName;
using substrate::InstanceState;

constexpr std::size_t max_removed_processes = 10000;

/// Processes that events name and no listing has, removed ones included. Far more than one
/// configuration change adds between two polls.
constexpr std::size_t max_unlisted_processes = 10000;

/// An event tells a start a second or two after a poll has seen it, at most.
constexpr base::Duration max_event_delay = std::chrono::seconds(10);

bool is_run_end(const events::StateChange& change) {
  return change.to == InstanceState::exited || change.to == InstanceState::backoff ||
         (change.to == InstanceState::stopped && change.from == InstanceState::stopping);
}

const InstanceDetail* find_detail(std::span<const InstanceDetail> instances,
                                  const substrate::InstanceName& name) {
  return find_by_name(
      instances, name, [](const auto& each) -> const auto& { return each.name; });
}

/// Drops the second record of a name.
void reject_duplicates(PollResult& poll) {
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

bool has_duplicates(const substrate::Listing& listing) {
  return std::adjacent_find(listing.instances.begin(), listing.instances.end(),
                            [](const auto& a, const auto& b) { return a.name == b.name; }) !=
         listing.instances.end();
}

/// An event tells the state, mostly the pid, and no times.
void apply_change(InstanceDetail& detail, const events::StateChange& change) {
  const bool pid_is_told =
      change.to == InstanceState::running || change.to == InstanceState::stopping;
  detail.state = change.to;
  detail.description.clear();
  detail.exit_status.reset();
  if (change.pid && pid_is_told) {
    detail.pid = change.pid;
  } else if (!pid_is_told && change.to != InstanceState::unknown) {
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

bool CounterMerge::apply_event(const events::StateChange& change) {
  if (!stream_joined_ && !(anchor_ && anchor_->marked)) {
    if (TransitionCounts* const backlog = backlog_open_ ? backlog_of(change.name) : nullptr) {
      count(*backlog, transition_of(change));
    }
    return true;
  }
  if (!has_room_for(change.name)) {
    const bool was_complete = current_.events;
    events_lost();
    return !was_complete;
  }
  stream_tells_starts_ = stream_tells_starts_ || change.to == InstanceState::starting;
  stream_trusted_ = stream_trusted_ || stream_tells_starts_;
  ProcessHistory& history = histories_[change.name];
  count(history.current.events, transition_of(change));
  if (is_run_end(change)) {
    history.apply_run_end(change);
  }
  if (change.to == InstanceState::stopped && change.from == InstanceState::backoff) {
    history.log.miss_transition();
  }
  return true;
}

TransitionCounts* CounterMerge::backlog_of(const substrate::InstanceName& name) {
  if (!has_room_for(name)) {
    return nullptr;
  }
  auto& backlog = histories_[name].backlog;
  if (!backlog) {
    backlog = std::make_unique<TransitionCounts>();
  }
  return backlog.get();
}

void CounterMerge::apply_backlog(
    const std::map<substrate::InstanceName, TransitionCounts>& transitions) {
  backlog_open_ = true;
  for (const auto& [name, counts] : transitions) {
    if (TransitionCounts* const backlog = backlog_of(name)) {
      *backlog = *backlog + counts;
    }
  }
}

void CounterMerge::close_backlog() {
  if (std::exchange(backlog_open_, false)) {
    for (auto& [name, history] : histories_) {
      history.close_backlog();
    }
  }
}

bool CounterMerge::has_room_for(const substrate::InstanceName& name) const {
  if (histories_.size() < max_unlisted_processes || histories_.contains(name)) {
    return true;
  }
  const auto unlisted = std::count_if(histories_.begin(), histories_.end(),
                                      [](const auto& each) { return !each.second.previous; });
  return static_cast<std::size_t>(unlisted) < max_unlisted_processes;
}

void CounterMerge::apply_event(const events::GroupChange& change) {
  for (auto& [name, history] : histories_) {
    if (name.group == change.group) {
      history.log.miss_transition();
    }
  }
}

void CounterMerge::apply_mark(std::uint64_t number) {
  if (anchor_ && anchor_->number == number && !anchor_->marked) {
    anchor_->marked = true;
    close_stream();
    if (anchor_->surveyed) {
      close_anchor();
    }
  } else if (!anchor_ && number == last_anchor_ && !stream_joined_) {
    stream_joined_ = true;  // from the anchor that the others have closed
    current_.events = true;
    exits_known_ = true;
    close_backlog();
  }
}

void CounterMerge::events_lost() {
  current_.events = false;
  if (!anchor_ || anchor_->marked) {
    return;
  }
  // The mark may be among the lost events: those until now came before it.
  closing_.events = false;
  stream_joined_ = false;
  if (anchor_->surveyed) {
    close_anchor();
  }
}

void CounterMerge::daemon_replaced() {
  if (anchor_ && anchor_->marked) {
    closing_.events = false;
  } else {
    events_lost();
  }
}

CounterMerge::LogOutcome CounterMerge::apply_log(const events::TailResult& text) {
  LogOutcome outcome;
  if (text.gap) {
    log_lost();
    outcome.gap = true;
  }
  earlier_exits_.add(text.earlier);
  for (const events::LogLine& line : text.lines) {
    if (std::holds_alternative<events::ManagerStarted>(line.what)) {
      outcome.daemon_started = true;
      matcher_.clear();
      for (auto& [name, history] : histories_) {
        history.daemon_restarted();
      }
    }
    const auto* const failed = std::get_if<events::SpawnError>(&line.what);
    if (failed != nullptr && !failed->name) {
      current_.log = false;
      outcome.gap = true;
    }
    log_trusted_ = log_trusted_ || std::holds_alternative<events::Spawned>(line.what);
    outcome.needs_listing = !match_line(line.what) || outcome.needs_listing;
  }
  return outcome;
}

bool CounterMerge::match_line(const LogLineMatcher::Line& line) {
  return matcher_.match(line, histories_, [this](ProcessHistory& history, const auto& matched) {
    apply_line(history, matched);
  });
}

void CounterMerge::apply_line(ProcessHistory& history, const LogLineMatcher::Line& line) {
  TransitionCounts before_joined{};
  TransitionCounts& counts = log_joined_ ? history.current.log : before_joined;
  std::visit(
      [&](const auto& what) {
        if constexpr (requires { history.log.apply(what, counts); }) {
          history.log.apply(what, counts);
        }
      },
      line);
}

void CounterMerge::log_lost() {
  current_.log = false;
  matcher_.clear();
  for (auto& [name, history] : histories_) {
    history.log.lines_lost();
    history.spawned_pid.reset();
  }
}

CounterMerge::ListingOutcome CounterMerge::apply_listing(const FullListing& listing) {
  forget_removed(listing.at);
  for (const InstanceDetail& detail : listing.instances) {
    ProcessHistory& history = histories_[detail.name];
    history.apply_poll(detail, listing.same_daemon);
    history.removed_at.reset();
  }
  const auto apply_matched = [this](ProcessHistory& history, const auto& line) {
    apply_line(history, line);
  };
  earlier_exits_.apply(listing.instances, histories_);
  const bool unmatched = !matcher_.match_waiting(histories_, apply_matched);
  if (unmatched) {
    current_.log = false;
  }
  for (auto& [name, history] : histories_) {
    if (!history.removed_at && find_detail(listing.instances, name) == nullptr) {
      history.removed_at = listing.at;
      history.previous.reset();
    }
  }
  bound_removed();
  return {.log_gap = unmatched, .stream_gap = stream_lacks_starts(listing.at)};
}

bool CounterMerge::stream_lacks_starts(base::SteadyTime now) {
  if (now - compared_at_ < max_event_delay) {
    return false;
  }
  compared_at_ = now;
  const std::size_t starts = entries_at(InstanceState::starting);
  bool silent = false;
  for (auto& [name, history] : histories_) {
    silent = silent || history.expected_starts > history.current.events[starts];
    history.expected_starts = history.current.polls[starts];
  }
  silent = silent && !stream_tells_starts_ && !anchor_ && complete().events;
  stream_trusted_ = stream_trusted_ && !silent;
  return silent;
}

void CounterMerge::apply_process(const InstanceDetail& detail) {
  histories_[detail.name].apply_poll(detail, true);
}

void CounterMerge::forget_removed(base::SteadyTime now) {
  std::erase_if(histories_, [&](const auto& entry) {
    const auto& removed = entry.second.removed_at;
    return removed && now - *removed >= removed_process_memory;
  });
}

void CounterMerge::bound_removed() {
  std::vector<std::pair<base::SteadyTime, substrate::InstanceName>> removed;
  for (const auto& [name, history] : histories_) {
    if (history.removed_at) {
      removed.emplace_back(*history.removed_at, name);
    }
  }
  if (removed.size() <= max_removed_processes) {
    return;
  }
  const auto excess = removed.size() - max_removed_processes;
  std::nth_element(removed.begin(), removed.begin() + static_cast<std::ptrdiff_t>(excess),
                   removed.end());
  for (std::size_t i = 0; i < excess; ++i) {
    histories_.erase(removed[i].second);
  }
  removed_dropped_ += excess;
}

bool CounterMerge::log_is_behind_polls() const {
  const std::size_t starts = entries_at(InstanceState::starting);
  return log_joined_ && current_.log && matcher_.empty() &&
         std::any_of(histories_.begin(), histories_.end(), [&](const auto& entry) {
           return entry.second.current.polls[starts] > entry.second.current.log[starts];
         });
}

bool CounterMerge::distrust_log_if_behind() {
  const bool silent = log_is_behind_polls();
  if (silent) {
    current_.log = false;
    log_trusted_ = false;
  }
  return silent;
}

void CounterMerge::begin_anchor(std::uint64_t number) {
  abandon_mark();
  drop_anchor();
  anchor_ = Anchor{.number = number};
}

void CounterMerge::apply_survey(std::span<const InstanceDetail> instances, bool log_at_end) {
  if (!anchor_ || anchor_->surveyed) {
    return;
  }
  closing_.log = log_joined_ && current_.log && log_at_end;
  for (auto& [name, history] : histories_) {
    const InstanceDetail* const listed = find_detail(instances, name);
    TransitionCounts before_joined{};
    history.log.anchor_at(listed != nullptr ? listed->state : InstanceState::stopped,
                          closing_.log ? history.current.log : before_joined);
    history.spawned_pid = listed != nullptr ? listed->pid : std::nullopt;
    SourceCounts& closing = history.closing_counts();
    closing.log = std::exchange(history.current.log, {});
    closing.polls = std::exchange(history.current.polls, {});
    history.expected_starts = 0;
  }
  log_joined_ = log_at_end;
  if (log_at_end) {
    earlier_exits_.clear();
  }
  current_.log = log_at_end && log_trusted_;
  exits_known_ = exits_known_ || current_.log;
  anchor_->surveyed = true;
  if (anchor_->marked || !stream_joined_) {
    close_anchor();
  }
}

void CounterMerge::close_stream() {
  closing_.events = stream_joined_ && current_.events;
  current_.events = true;
  for (auto& [name, history] : histories_) {
    history.closing_counts().events = std::exchange(history.current.events, {});
  }
}

void CounterMerge::close_anchor() {
  if (!anchor_->marked) {
    close_stream();
    closing_.events = current_.events = false;
  }
  for (auto& [name, history] : histories_) {
    history.close(closing_);
  }
  stream_joined_ = anchor_->marked;
  exits_known_ = exits_known_ || stream_joined_;
  last_anchor_ = anchor_->number;
  anchor_.reset();
  if (stream_joined_) {
    close_backlog();
  }
}

void CounterMerge::drop_anchor() {
  if (!anchor_ || anchor_->surveyed) {
    return;
  }
  if (anchor_->marked) {
    current_.events = current_.events && closing_.events;
    for (auto& [name, history] : histories_) {
      if (!stream_joined_) {
        history.current.events = {};
      }
      history.reopen();
    }
  }
  anchor_.reset();
}

bool CounterMerge::awaits_mark() const {
  return anchor_ && anchor_->surveyed && !anchor_->marked;
}

bool CounterMerge::abandon_mark() {
  if (!awaits_mark()) {
    return false;
  }
  const bool is_gap = current_.events;
  close_anchor();
  return is_gap;
}

CompleteSources CounterMerge::complete() const {
  const bool closing_stream = anchor_ && anchor_->marked;
  const bool closing_log = anchor_ && anchor_->surveyed;
  return {.events = stream_live_ && stream_trusted_ && stream_joined_ && current_.events &&
                    (!closing_stream || closing_.events),
          .log = log_joined_ && current_.log && (!closing_log || closing_.log)};
}

PollRequests ProcessTable::apply_listing(PollResult poll, std::size_t& rejected) {
  if (has_duplicates(poll.listing)) {
    reject_duplicates(poll);
  }
  PollRequests requests;
  if (poll.survey) {
    requests = apply_log(poll.survey->text);
    // This is the listing and, if its text reaches the log's end, the anchor.
    requests.poll = false;
    requests.anchor = requests.anchor && poll.survey->text.again;
  }
  const CounterMerge::ListingOutcome outcome = counters_.apply_listing(
      {.instances = poll.listing.instances, .at = poll.at, .same_daemon = poll.same_daemon});
  requests.log_gaps += outcome.log_gap ? 1U : 0U;
  requests.stream_gaps += outcome.stream_gap ? 1U : 0U;
  if (poll.survey) {
    counters_.apply_survey(poll.listing.instances, poll.survey->at_end);
  }
  std::erase_if(changed_by_event_, [&](const auto& each) { return each.second < poll.asked; });
  replace_records(poll);
  rejected = poll.listing.rejected;
  return requests;
}

void ProcessTable::replace_records(PollResult& poll) {
  std::vector<ProcessList::Record> records;
  records.reserve(poll.listing.instances.size());
  auto known = records_.begin();
  // The event stream tells each transition, sooner or later than a poll.
  const bool polls_tell = !counters_.complete().events;
  for (std::size_t i = 0; i < poll.listing.instances.size(); ++i) {
    InstanceDetail& detail = poll.listing.instances[i];
    known = std::find_if(known, records_.end(), [&](const ProcessList::Record& each) {
      return !(each->detail.name < detail.name);
    });
    const bool is_known = known != records_.end() && (*known)->detail.name == detail.name;
    const ProcessSnapshot* const before = is_known ? known->get() : nullptr;
    const bool is_outdated = before != nullptr && changed_by_event_.contains(detail.name);
    ProcessSnapshot process;
    if (is_outdated) {
      process.detail = before->detail;
    } else {
      process.detail = std::move(detail);
    }
    process.read_at = is_outdated ? before->read_at : poll.at;
    extend_past(process, before, wall_clock(poll.at), polls_tell);
    if (i < poll.log_sizes.size()) {
      process.stdout_log_bytes = poll.log_sizes[i].standard_output;
      process.stderr_log_bytes = poll.log_sizes[i].standard_error;
    }
    fill_in(process);
    records.push_back(std::make_shared<const ProcessSnapshot>(std::move(process)));
  }
  records_ = std::move(records);
  list_outdated_ = true;
}

PollRequests ProcessTable::apply_log(const events::TailResult& text) {
  const CounterMerge::LogOutcome outcome = counters_.apply_log(text);
  return {.poll = outcome.needs_listing,
          .anchor = outcome.daemon_started || outcome.gap,
          .daemon_restarted = outcome.daemon_started,
          .log_gaps = outcome.gap ? 1U : 0U};
}

void ProcessTable::apply_process(const InstanceDetail& detail, const ReadTime& read) {
  ProcessList::Record* const record = record_of(detail.name);
  if (record == nullptr) {
    changed_by_event_.erase(detail.name);
    return;
  }
  counters_.apply_process(detail);
  const auto changed = changed_by_event_.find(detail.name);
  if (changed != changed_by_event_.end() && changed->second >= read.asked) {
    return;  // an event has arrived since: it is read again
  }
  changed_by_event_.erase(detail.name);
  const ProcessList::Record before = *record;
  change(*record, [&](ProcessSnapshot& process) {
    process.detail = detail;
    process.read_at = read.at;
    extend_past(process, before.get(), wall_clock(read.asked), !counters_.complete().events);
  });
}

PollRequests ProcessTable::apply_event(const events::StateChange& event, base::SteadyTime now) {
  PollRequests requests;
  requests.stream_gaps = counters_.apply_event(event) ? 0 : 1;
  requests.log = event.from == InstanceState::running || event.from == InstanceState::stopping ||
                 event.to == InstanceState::backoff;
  ProcessList::Record* const record = record_of(event.name);
  if (record == nullptr) {
    requests.poll = true;
    return requests;
  }
  changed_by_event_[event.name] = now;
  change(*record, [&](ProcessSnapshot& process) {
    // What a poll has told is not told again.
    if (counters_.complete().events || process.detail.state != event.to) {
      add_transition(process, event, wall_clock(now));
    }
    apply_change(process.detail, event);
  });
  return requests;
}

void ProcessTable::stop_watching(base::SystemTime at) {
  for (ProcessList::Record& record : records_) {
    if (record->past && record->past->watched_until) {
      change(record, [&](ProcessSnapshot& process) { interrupt_past(process, at); });
    }
  }
}

void ProcessTable::update_counters() {
  for (ProcessList::Record& record : records_) {
    const Derived now = derive(counters_.histories()[record->detail.name]);
    const LastExit shown{record->exit_status, record->exit_signal, record->last_exit_expected};
    if (now.counters != record->counters || now.last_exit != shown) {
      change(record, [](ProcessSnapshot& /*process*/) {});
    }
  }
}

ProcessTable::Derived ProcessTable::derive(ProcessHistory& history) const {
  const CompleteSources complete = counters_.complete();
  return {to_counters(history.update_published(complete), counters_.exits_known()),
          history.last_exit(complete)};
}

void ProcessTable::fill_in(ProcessSnapshot& process) {
  const Derived now = derive(counters_.histories()[process.detail.name]);
  process.counters = now.counters;
  process.exit_status = now.last_exit.exit_status;
  process.exit_signal = now.last_exit.exit_signal;
  process.last_exit_expected = now.last_exit.expected;
  complete_past(process);
}

ProcessList::Record* ProcessTable::record_of(const InstanceName& name) {
  return find_by_name(
      records_, name, [](const auto& each) -> const auto& { return each->detail.name; });
}

template <class Change>
void ProcessTable::change(ProcessList::Record& record, Change&& apply) {
  ProcessSnapshot next = *record;
  apply(next);
  fill_in(next);
  record = std::make_shared<const ProcessSnapshot>(std::move(next));
  list_outdated_ = true;
}

const ProcessList& ProcessTable::processes() {
  if (std::exchange(list_outdated_, false)) {
    list_ = ProcessList(records_);
  }
  return list_;
}

std::vector<RemovedProcess> ProcessTable::removed() {
  std::vector<RemovedProcess> removed;
  for (auto& [name, history] : counters_.histories()) {
    if (history.removed_at) {
      removed.push_back(
          {.name = name, .counters = derive(history).counters, .at = *history.removed_at});
    }
  }
  return removed;
}

bool some_run_survived(const ProcessList& before, const substrate::Listing& listing) {
  return std::any_of(listing.instances.begin(), listing.instances.end(), [&](const auto& now) {
    const ProcessSnapshot* const known = before.find(now.name);
    const auto incarnation = known == nullptr ? std::nullopt : known->detail.incarnation();
    // An earlier start: the clock was set back.
    return incarnation && now.incarnation() && now.incarnation()->pid == incarnation->pid &&
           now.incarnation()->start <= incarnation->start;
  });
}

}  // namespace reeve::monitor
