#include "monitor/supervisor_state.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace reeve::monitor {
namespace {

using base::Error;
using base::ErrorKind;

PollFailure failure_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::timeout:
      return PollFailure::timeout;
    case ErrorKind::denied:
      return PollFailure::denied;
    case ErrorKind::malformed:
      return PollFailure::malformed;
    case ErrorKind::shutting_down:
      return PollFailure::shutting_down;
    case ErrorKind::unreachable:
    case ErrorKind::socket_missing:
    case ErrorKind::cancelled:
    case ErrorKind::internal:
      return PollFailure::unreachable;
    case ErrorKind::fault:
    case ErrorKind::not_found:
    case ErrorKind::no_file:
    case ErrorKind::conflict:
    case ErrorKind::stale:
    case ErrorKind::invalid_argument:
    case ErrorKind::spawn_failed:
    case ErrorKind::not_implemented:
      return PollFailure::fault;
  }
  return PollFailure::fault;
}

/// A daemon that goes down first answers "shutting down", then refuses connections. A timeout is no
/// sign of it.
bool may_be_going_down(PollFailure failure) {
  return failure == PollFailure::unreachable || failure == PollFailure::shutting_down;
}

/// A mark arrives within a second or two after the event before it, or not at all.
constexpr base::Duration mark_patience = std::chrono::seconds(5);
/// While other events arrive: supervisord takes many seconds to send some thousands.
constexpr base::Duration max_mark_patience = std::chrono::seconds(30);

bool tells_manager_start(const events::TailResult& text) {
  return std::any_of(text.lines.begin(), text.lines.end(), [](const events::LogLine& line) {
    return std::holds_alternative<events::ManagerStarted>(line.what);
  });
}

std::vector<EventCount> no_events_yet() {
  std::vector<EventCount> counts;
  for (const std::string_view type : events::type_labels()) {
    counts.push_back({type, 0});
  }
  return counts;
}

}  // namespace

SupervisorState::SupervisorState(std::string name, std::string url) {
  snapshot_.name = std::move(name);
  snapshot_.url = std::move(url);
}

Effects SupervisorState::apply_heartbeat(const base::Result<substrate::Pid>& answer,
                                         base::SteadyTime asked, const Moment& now) {
  if (!answer) {
    return answer.error().kind == ErrorKind::cancelled ? Effects{}
                                                       : mark_unreadable(answer.error(), now);
  }
  if (is_outdated(*answer, asked)) {
    return {};
  }
  const bool other_daemon = snapshot_.pid && snapshot_.pid != *answer;
  if (other_daemon && !restarted_) {
    record_restart();
  }
  Effects effects;
  effects.publish = snapshot_.pid != *answer || snapshot_.shutting_down;
  effects.publish = update_sources(now.steady) || effects.publish;
  effects.wake_poll = other_daemon || unresponsive();
  pid_changed_at_ = other_daemon ? now.steady : pid_changed_at_;
  poll_soon_ = poll_soon_ || effects.wake_poll;
  answering_ = true;
  snapshot_.pid = *answer;
  snapshot_.shutting_down = false;
  return effects;
}

std::optional<Effects> SupervisorState::apply_pid_of_poll(substrate::Pid pid,
                                                          base::SteadyTime asked,
                                                          const Moment& now) {
  if (is_outdated(pid, asked)) {
    return std::nullopt;
  }
  const bool poll_soon = poll_soon_;
  Effects effects = apply_heartbeat(pid, asked, now);
  poll_soon_ = poll_soon;  // what the pid requests is the poll that it came with
  effects.wake_poll = false;
  return effects;
}

Effects SupervisorState::apply_poll(base::Result<PollResult> answer, base::Duration took,
                                    const Moment& now) {
  if (answer && is_outdated(answer->pid, answer->asked)) {
    table_.counters().drop_anchor();
    return {};
  }
  if (answer) {
    return mark_up(std::move(*answer), took, now);
  }
  if (answer.error().kind == ErrorKind::cancelled) {
    return {};
  }
  table_.counters().drop_anchor();
  const bool was_responsive = !unresponsive();
  Effects effects = mark_unreadable(answer.error(), now);
  // It refused this poll or was too slow for it, but may still answer heartbeats.
  answering_ = was_responsive && !may_be_going_down(last_failure_);
  ++snapshot_.polls.failures.at(static_cast<std::size_t>(last_failure_));
  effects.publish = true;
  return effects;
}

Effects SupervisorState::skip_poll() {
  table_.counters().drop_anchor();
  ++snapshot_.polls.failures.at(static_cast<std::size_t>(last_failure_));
  return {.publish = true};
}

Effects SupervisorState::apply_description(substrate::ManagerDescription description) {
  snapshot_.description = std::move(description);
  described_ = true;
  return {.publish = true};
}

Effects SupervisorState::mark_unreadable(const Error& error, const Moment& now) {
  last_failure_ = failure_of(error.kind);
  perhaps_restarted_ = perhaps_restarted_ || (snapshot_.pid && may_be_going_down(last_failure_));
  const bool shutting_down = last_failure_ == PollFailure::shutting_down;
  const bool news = snapshot_.up || !tried_ || snapshot_.shutting_down != shutting_down ||
                    snapshot_.last_error != error.message;
  Effects effects{.publish = news, .abandon_poll = !unresponsive()};
  if (snapshot_.up) {
    count_gap(CounterSource::polls);
    table_.stop_watching(snapshot_.snapshot_at.value_or(now.system));
    update_lists();
  }
  answering_ = false;
  tried_ = true;
  snapshot_.up = false;
  snapshot_.shutting_down = shutting_down;
  snapshot_.last_error = error.message;
  if (!unreadable_since_) {
    unreadable_since_ = now.steady;
    effects.log.push_back({base::LogLevel::warning,
                           "supervisord cannot be read",
                           {{"url", snapshot_.url},
                            {"reason", std::string(base::to_string(error.kind))},
                            {"error", error.message}}});
  }
  return effects;
}

Effects SupervisorState::mark_up(PollResult poll, base::Duration took, const Moment& now) {
  perhaps_restarted_ =
      perhaps_restarted_ || (poll.survey && tells_manager_start(poll.survey->text));
  if (std::exchange(perhaps_restarted_, false) && !restarted_ &&
      !some_run_survived(snapshot_.processes, poll.listing)) {
    record_restart();
  }
  poll.same_daemon = !restarted_;
  table_.set_clock_offset(now.offset());
  std::size_t rejected = 0;
  surveyed_at_ = poll.survey ? now.steady : surveyed_at_;
  Effects effects{.publish = true};
  if (poll.survey) {
    track_listeners(poll.survey->text.lines, effects);
  }
  PollRequests requests = table_.apply_listing(std::move(poll), rejected);
  requests.daemon_restarted = false;  // by a survey's log; decided above
  add(requests);
  snapshot_.polls.rejected_records += rejected;
  record_duration(took);
  snapshot_.snapshot_at = now.system;
  snapshot_.up = true;
  snapshot_.shutting_down = false;
  snapshot_.last_error.clear();
  answering_ = true;
  tried_ = true;
  update_sources(now.steady);
  update_lists();
  log_recovery(effects, now);
  return effects;
}

void SupervisorState::record_restart() {
  ++snapshot_.restarts;
  restarted_ = true;
  perhaps_restarted_ = false;
  stopping_ = false;
  described_ = false;
  table_.counters().daemon_replaced();
}

void SupervisorState::record_duration(base::Duration took) {
  const double seconds = std::chrono::duration<double>(took).count();
  const auto* const bound =
      std::lower_bound(poll_duration_bounds.begin(), poll_duration_bounds.end(), seconds);
  ++snapshot_.polls.durations.at(static_cast<std::size_t>(bound - poll_duration_bounds.begin()));
  snapshot_.polls.duration_sum_seconds += seconds;
}

void SupervisorState::log_recovery(Effects& effects, const Moment& now) {
  const bool restarted = std::exchange(restarted_, false);
  const auto unreadable_since = std::exchange(unreadable_since_, std::nullopt);
  if (std::exchange(recovery_logged_, true) && !unreadable_since && !restarted) {
    return;
  }
  base::LogRecord record{base::LogLevel::info, "supervisord answers", {{"url", snapshot_.url}}};
  record.fields.push_back({"processes", std::to_string(snapshot_.processes.size())});
  if (unreadable_since) {
    record.fields.push_back(
        {"unread_for", base::readable_duration(now.steady - *unreadable_since)});
  }
  if (restarted) {
    record.fields.push_back({"restarted", "true"});
  }
  effects.log.push_back(std::move(record));
}

void SupervisorState::expect_events() {
  snapshot_.event_stream = EventStream{.up = false, .counts = no_events_yet()};
}

Effects SupervisorState::apply_events(const EventBatch& batch, const Moment& now) {
  const PollInputs before = poll_inputs(now.steady);
  table_.set_clock_offset(now.offset());
  anchor_soon_ = anchor_soon_ || batch.mark_requested_soon;
  mark_requested_ = mark_requested_ || batch.mark_requested;
  for (const StreamItem& item : batch.items) {
    if (const auto* const event = std::get_if<events::Event>(&item)) {
      apply_event(*event, now);
    } else if (const auto* const mark = std::get_if<Mark>(&item)) {
      table_.counters().apply_mark(mark->anchor);
    } else if (const auto* const backlog = std::get_if<Backlog>(&item)) {
      apply_backlog(*backlog);
    } else {
      apply_gap(std::get<events::Gap>(item));
    }
  }
  const bool only_events = std::all_of(
      batch.items.begin(), batch.items.end(),
      [](const StreamItem& item) { return std::holds_alternative<events::Event>(item); });
  if (!batch.items.empty()) {
    last_event_at_ = std::max(last_event_at_.value_or(batch.last_event_at), batch.last_event_at);
    update_sources(now.steady);
    only_events ? update_lists() : update_counters();
  }
  return {.publish = !batch.items.empty(), .wake_poll = !(poll_inputs(now.steady) == before)};
}

EventStream& SupervisorState::stream() {
  if (!snapshot_.event_stream) {
    snapshot_.event_stream = EventStream{.up = true, .counts = no_events_yet()};
  }
  return *snapshot_.event_stream;
}

/// Its events change no record: the last listing is newer than all of them.
void SupervisorState::apply_backlog(const Backlog& backlog) {
  for (EventCount& each : stream().counts) {
    const auto found = backlog.events.find(each.type);
    each.count += found == backlog.events.end() ? 0 : found->second;
  }
  stream().lost += backlog.lost;
  snapshot_.counter_gaps.at(static_cast<std::size_t>(CounterSource::events)) += backlog.gaps;
  table_.counters().apply_backlog(backlog.transitions);
}

void SupervisorState::apply_event(const events::Event& event, const Moment& now) {
  for (EventCount& each : stream().counts) {
    each.count += each.type == events::type_label(event.type) ? 1U : 0U;
  }
  if (const auto* const change = std::get_if<events::StateChange>(&event.what)) {
    add(table_.apply_event(*change, now.steady));
  } else if (const auto* const group = std::get_if<events::GroupChange>(&event.what)) {
    table_.counters().apply_event(*group);
    (can_survey_ ? anchor_soon_ : poll_soon_) = true;
  } else if (const auto* const manager = std::get_if<events::ManagerChange>(&event.what)) {
    const bool stopping = manager->kind == events::ManagerChange::Kind::stopping;
    snapshot_.shutting_down = snapshot_.up && stopping;
    if (stopping_ && !stopping && !restarted_) {
      record_restart();  // so fast that no heartbeat failed
    }
    stopping_ = stopping;
    poll_soon_ = poll_soon_ || !stopping;
  }
}

void SupervisorState::apply_gap(const events::Gap& gap) {
  if (snapshot_.event_stream) {
    snapshot_.event_stream->lost += gap.events;
  }
  count_gap(CounterSource::events);
  table_.counters().events_lost();
  anchor_soon_ = true;
}

Effects SupervisorState::apply_log(const LogReading& reading) {
  const bool follow_begins = reading.following && !log_followed_;
  const bool trust_lost = log_trusted_ && !reading.trusted;
  if (trust_lost && log_followed_) {
    count_gap(CounterSource::log);
  }
  log_followed_ = reading.following && reading.trusted;
  log_trusted_ = reading.trusted;
  log_soon_ = false;
  if (!reading.trusted) {
    table_.counters().log_lost();
  } else {
    PollRequests requests = table_.apply_log(reading.text);
    requests.poll = requests.poll && !reading.listing_follows;
    add(requests);
  }
  anchor_soon_ = anchor_soon_ || (follow_begins && reading.trusted);
  const bool news = trust_lost || reading.text.gap || !reading.text.lines.empty();
  if (news) {
    update_counters();
  }
  Effects effects{.publish = news};
  if (trust_lost) {
    effects.log.push_back(
        {base::LogLevel::warning,
         "supervisord's log is not counted from: at log levels below info, programs write into it",
         {{"url", snapshot_.url}}});
  }
  track_listeners(reading.text.lines, effects);
  return effects;
}

/// A listener that breaks the event protocol stays in UNKNOWN until it is spawned again.
void SupervisorState::track_listeners(const std::vector<events::LogLine>& lines, Effects& effects) {
  for (const events::LogLine& line : lines) {
    if (const auto* const spawned = std::get_if<events::Spawned>(&line.what)) {
      listeners_not_ready_.erase(spawned->name);
    } else if (std::holds_alternative<events::ManagerStarted>(line.what)) {
      listeners_not_ready_.clear();
    } else if (const auto* const listener = std::get_if<events::ListenerNotReady>(&line.what)) {
      ++snapshot_.listeners_not_ready;
      if (listeners_not_ready_.insert(listener->name).second) {
        effects.log.push_back({base::LogLevel::warning,
                               "an event listener broke the protocol and gets no more events: "
                               "restart it",
                               {{"url", snapshot_.url}, {"listener", listener->name}}});
      }
    }
  }
}

Effects SupervisorState::compare_log_with_poll() {
  if (!table_.counters().distrust_log_if_behind()) {
    return {};
  }
  count_gap(CounterSource::log);
  update_counters();
  return {.publish = true};
}

Effects SupervisorState::log_unavailable() {
  log_soon_ = false;
  if (!log_followed_) {
    return {};
  }
  log_followed_ = false;
  count_gap(CounterSource::log);
  table_.counters().log_lost();
  update_counters();
  return {.publish = true};
}

Effects SupervisorState::apply_process(const substrate::InstanceName& name,
                                       const base::Result<substrate::InstanceDetail>& answer,
                                       const ReadTime& read) {
  if (answer) {
    table_.apply_process(*answer, read);
  } else if (answer.error().kind == base::ErrorKind::not_found) {
    table_.forget_change(name);
    poll_soon_ = true;
  }
  update_lists();
  return {.publish = answer.has_value()};
}

std::uint64_t SupervisorState::begin_survey() {
  anchor_soon_ = false;
  mark_requested_ = false;
  table_.counters().begin_anchor(++anchors_);
  return anchors_;
}

void SupervisorState::surveys_not_implemented() {
  can_survey_ = false;
  table_.counters().drop_anchor();
}

void SupervisorState::add(const PollRequests& requests) {
  poll_soon_ = poll_soon_ || requests.poll;
  anchor_soon_ = anchor_soon_ || requests.anchor;
  log_soon_ = log_soon_ || requests.log;
  perhaps_restarted_ = perhaps_restarted_ || requests.daemon_restarted;
  snapshot_.counter_gaps.at(static_cast<std::size_t>(CounterSource::log)) += requests.log_gaps;
  snapshot_.counter_gaps.at(static_cast<std::size_t>(CounterSource::events)) +=
      requests.stream_gaps;
}

void SupervisorState::count_gap(CounterSource source) {
  ++snapshot_.counter_gaps.at(static_cast<std::size_t>(source));
}

bool SupervisorState::stream_is_live(base::SteadyTime now) const {
  return last_event_at_ && now - *last_event_at_ < event_stream_patience;
}

bool SupervisorState::mark_is_overdue(base::SteadyTime now) const {
  const base::SteadyTime quiet_since =
      std::max(surveyed_at_, last_event_at_.value_or(surveyed_at_));
  return now - quiet_since >= mark_patience || now - surveyed_at_ >= max_mark_patience;
}

bool SupervisorState::update_sources(base::SteadyTime now) {
  CounterMerge& counters = table_.counters();
  if (mark_is_overdue(now) && counters.abandon_mark()) {
    count_gap(CounterSource::events);
  }
  const CounterSource source = snapshot_.counter_source;
  const bool was_up = snapshot_.event_stream && snapshot_.event_stream->up;
  const bool is_live = stream_is_live(now);
  counters.set_stream_live(is_live);
  select_source();
  if (snapshot_.event_stream) {
    snapshot_.event_stream->up = is_live;
  }
  const bool is_up = is_live && snapshot_.event_stream;
  if (source == snapshot_.counter_source && was_up == is_up) {
    return false;
  }
  update_counters();
  return true;
}

void SupervisorState::select_source() {
  const CompleteSources complete = table_.counters().complete();
  snapshot_.counter_source = complete.events ? CounterSource::events
                             : complete.log  ? CounterSource::log
                                             : CounterSource::polls;
}

void SupervisorState::update_counters() {
  select_source();
  table_.update_counters();
  update_lists();
}

void SupervisorState::update_lists() {
  snapshot_.processes = table_.processes();
  snapshot_.removed = table_.removed();
  snapshot_.removed_dropped = table_.counters().removed_dropped();
}

PollInputs SupervisorState::poll_inputs(base::SteadyTime now) const {
  const CompleteSources complete = table_.counters().complete();
  PollInputs inputs;
  inputs.unresponsive = unresponsive();
  inputs.poll_soon = poll_soon_;
  const bool surveys = can_survey_ && !table_.counters().awaits_mark();
  inputs.anchor_soon = surveys && anchor_soon_;
  const bool stream = !complete.events && (mark_requested_ || stream_is_live(now));
  inputs.anchor = surveys && (stream || (log_followed_ && !complete.log));
  inputs.follow_log = log_trusted_;
  inputs.log_soon = log_soon_;
  inputs.changed = table_.changed_by_event().size();
  inputs.events_suffice = complete.events && stream_is_live(now);
  return inputs;
}

base::Duration SupervisorState::max_name_age(base::SteadyTime now) const {
  using std::chrono::minutes;
  return poll_soon_ || anchor_soon_        ? minutes(0)
         : poll_inputs(now).events_suffice ? minutes(10)
                                           : minutes(1);
}

std::vector<substrate::InstanceName> SupervisorState::changed_by_event() const {
  std::vector<substrate::InstanceName> names;
  for (const auto& [name, item] : table_.changed_by_event()) {
    names.push_back(name);
  }
  return names;
}

}  // namespace reeve::monitor
