// The half of Watcher that events and the log drive.

#include <algorithm>

#include "monitor/watcher.h"

namespace reeve::monitor {
namespace {

/// A mark is heard within a second or two once what came before it has been, or not at all.
constexpr base::Duration mark_patience = std::chrono::seconds(5);
/// As long as other events come: a burst of some thousands takes supervisord many seconds to tell.
constexpr base::Duration longest_mark_patience = std::chrono::seconds(30);

std::vector<EventCount> no_events_yet() {
  std::vector<EventCount> counts;
  for (const std::string_view type : events::type_labels()) {
    counts.push_back({type, 0});
  }
  return counts;
}

}  // namespace

void Watcher::expect_events() {
  seen_.event_stream = EventStream{false, no_events_yet(), 0};
}

Step Watcher::hear(const Delivery& delivery, const Moment& now) {
  const Needs before = needs(now.steady);
  anchor_soon_ = anchor_soon_ || delivery.wants_mark_soon;
  stream_waits_ = stream_waits_ || delivery.wants_mark;
  for (const Heard& heard : delivery.heard) {
    if (const auto* const event = std::get_if<events::Event>(&heard)) {
      hear(*event, now);
    } else if (const auto* const mark = std::get_if<Mark>(&heard)) {
      tracker_.counting().marked(mark->anchor);
    } else {
      lose_events(std::get<events::Gap>(heard));
    }
  }
  const bool only_events =
      std::all_of(delivery.heard.begin(), delivery.heard.end(),
                  [](const Heard& heard) { return std::holds_alternative<events::Event>(heard); });
  if (!delivery.heard.empty()) {
    heard_at_ = std::max(heard_at_.value_or(delivery.last), delivery.last);
    reconsider(now.steady);
    only_events ? show() : recount();
  }
  const bool wake = !(needs(now.steady) == before);
  return {!delivery.heard.empty(), wake, false, std::nullopt};
}

void Watcher::hear(const events::Event& event, const Moment& now) {
  if (!seen_.event_stream) {
    seen_.event_stream = EventStream{true, no_events_yet(), 0};
  }
  for (EventCount& each : seen_.event_stream->counts) {
    each.count += each.type == events::type_label(event.type) ? 1U : 0U;
  }
  if (const auto* const change = std::get_if<events::StateChange>(&event.what)) {
    take(tracker_.hear(*change, now.steady));
  } else if (const auto* const group = std::get_if<events::GroupChange>(&event.what)) {
    tracker_.counting().hear(*group);
    (surveys_ ? anchor_soon_ : poll_soon_) = true;
  } else if (const auto* const manager = std::get_if<events::ManagerChange>(&event.what)) {
    const bool stopping = manager->kind == events::ManagerChange::Kind::stopping;
    seen_.shutting_down = seen_.up && stopping;
    if (going_down_ && !stopping && !restarted_) {
      note_restart();  // in place and so fast that no heartbeat saw it gone
    }
    going_down_ = stopping;
    poll_soon_ = poll_soon_ || !stopping;
  }
}

void Watcher::lose_events(const events::Gap& gap) {
  if (seen_.event_stream) {
    seen_.event_stream->lost += gap.events;
  }
  count_gap(CounterSource::events);
  tracker_.counting().events_lost();
  anchor_soon_ = true;
}

Step Watcher::log_read(const LogReading& reading) {
  const bool begun = reading.following && !log_followed_;
  const bool doubted = log_trusted_ && !reading.trusted;
  if (doubted && log_followed_) {
    count_gap(CounterSource::log);
  }
  log_followed_ = reading.following && reading.trusted;
  log_trusted_ = reading.trusted;
  log_soon_ = false;
  if (!reading.trusted) {
    tracker_.counting().log_lost();
  } else {
    take(tracker_.read(reading.step));
  }
  anchor_soon_ = anchor_soon_ || (begun && reading.trusted);
  const bool news = doubted || reading.step.gap || !reading.step.lines.empty();
  if (news) {
    recount();
  }
  Step step{news, false, false, std::nullopt};
  if (doubted) {
    step.log = base::LogRecord{
        base::LogLevel::warning,
        "supervisord's log is not counted from: at levels below info programs write in it, too",
        {{"url", seen_.url}}};
  }
  return step;
}

Step Watcher::log_compared() {
  if (!tracker_.counting().log_is_silent()) {
    return {};
  }
  count_gap(CounterSource::log);
  recount();
  return {true, false, false, std::nullopt};
}

Step Watcher::log_refused() {
  log_soon_ = false;
  if (!log_followed_) {
    return {};
  }
  log_followed_ = false;
  count_gap(CounterSource::log);
  tracker_.counting().log_lost();
  recount();
  return {true, false, false, std::nullopt};
}

Step Watcher::looked(const substrate::InstanceName& name,
                     const base::Result<substrate::InstanceDetail>& answer,
                     base::SteadyTime asked) {
  if (answer) {
    tracker_.look(*answer, asked);
  } else if (answer.error().kind == base::ErrorKind::not_found) {
    tracker_.forget_touched(name);
    poll_soon_ = true;
  }
  show();
  return {answer.has_value(), false, false, std::nullopt};
}

std::uint64_t Watcher::begin_survey() {
  anchor_soon_ = false;
  stream_waits_ = false;
  tracker_.counting().begin_anchor(++anchors_);
  return anchors_;
}

void Watcher::survey_not_implemented() {
  surveys_ = false;
  tracker_.counting().drop_anchor();
}

void Watcher::take(const Wants& wants) {
  poll_soon_ = poll_soon_ || wants.poll;
  anchor_soon_ = anchor_soon_ || wants.anchor;
  log_soon_ = log_soon_ || wants.log;
  perhaps_restarted_ = perhaps_restarted_ || wants.restart;
  seen_.counter_gaps.at(static_cast<std::size_t>(CounterSource::log)) += wants.log_gaps;
  seen_.counter_gaps.at(static_cast<std::size_t>(CounterSource::events)) += wants.stream_gaps;
}

void Watcher::count_gap(CounterSource source) {
  ++seen_.counter_gaps.at(static_cast<std::size_t>(source));
}

bool Watcher::stream_lives(base::SteadyTime now) const {
  return heard_at_ && now - *heard_at_ < event_stream_patience;
}

bool Watcher::mark_is_overdue(base::SteadyTime now) const {
  const base::SteadyTime quiet_since = std::max(surveyed_at_, heard_at_.value_or(surveyed_at_));
  return now - quiet_since >= mark_patience || now - surveyed_at_ >= longest_mark_patience;
}

bool Watcher::reconsider(base::SteadyTime now) {
  Counting& counting = tracker_.counting();
  if (mark_is_overdue(now) && counting.give_mark_up()) {
    count_gap(CounterSource::events);
  }
  const CounterSource source = seen_.counter_source;
  const bool was_up = seen_.event_stream && seen_.event_stream->up;
  const bool lives = stream_lives(now);
  counting.stream_lives(lives);
  choose_source();
  if (seen_.event_stream) {
    seen_.event_stream->up = lives;
  }
  const bool is_up = lives && seen_.event_stream;
  if (source == seen_.counter_source && was_up == is_up) {
    return false;
  }
  recount();
  return true;
}

void Watcher::choose_source() {
  const Completeness complete = tracker_.counting().complete();
  seen_.counter_source = complete.events ? CounterSource::events
                         : complete.log  ? CounterSource::log
                                         : CounterSource::polls;
}

void Watcher::recount() {
  choose_source();
  tracker_.recount();
  show();
}

void Watcher::show() {
  seen_.processes = tracker_.processes();
  seen_.removed = tracker_.removed();
}

Needs Watcher::needs(base::SteadyTime now) const {
  const Completeness complete = tracker_.counting().complete();
  Needs needs;
  needs.silent = silent();
  needs.poll_soon = poll_soon_;
  const bool surveys = surveys_ && !tracker_.counting().awaits_mark();
  needs.anchor_soon = surveys && anchor_soon_;
  const bool stream = !complete.events && (stream_waits_ || stream_lives(now));
  needs.anchor = surveys && (stream || (log_followed_ && !complete.log));
  needs.log = log_trusted_;
  needs.log_soon = log_soon_;
  needs.touched = tracker_.touched().size();
  needs.heard = complete.events && stream_lives(now);
  return needs;
}

base::Duration Watcher::names_age(base::SteadyTime now) const {
  using std::chrono::minutes;
  return poll_soon_ || anchor_soon_ ? minutes(0) : needs(now).heard ? minutes(10) : minutes(1);
}

std::vector<substrate::InstanceName> Watcher::touched() const {
  std::vector<substrate::InstanceName> names;
  for (const auto& [name, heard] : tracker_.touched()) {
    names.push_back(name);
  }
  return names;
}

}  // namespace reeve::monitor
