#include "monitor/counting.h"

#include <algorithm>
#include <utility>

#include "monitor/find.h"

namespace reeve::monitor {

using substrate::InstanceDetail;
using substrate::InstanceState;

namespace {

/// Processes that events name and no list shows, the removed ones among them. Far more than one
/// configuration change brings between two polls.
constexpr std::size_t max_accounts_unlisted = 10000;

/// A start is heard of at most a second or two after a poll has seen it.
constexpr base::Duration longest_delay = std::chrono::seconds(10);

bool is_run_end(const events::StateChange& change) {
  return change.to == InstanceState::exited || change.to == InstanceState::backoff ||
         (change.to == InstanceState::stopped && change.from == InstanceState::stopping);
}

const InstanceDetail* find_detail(std::span<const InstanceDetail> instances,
                                  const substrate::InstanceName& name) {
  return find(
      instances, name, [](const auto& each) -> const auto& { return each.name; });
}

}  // namespace

bool Counting::hear(const events::StateChange& change) {
  if (!stream_counts()) {
    return true;
  }
  if (!has_room_for(change.name)) {
    const bool is_news = now_.events;
    events_lost();
    return !is_news;
  }
  stream_tells_starts_ = stream_tells_starts_ || change.to == InstanceState::starting;
  stream_believed_ = stream_believed_ || stream_tells_starts_;
  Account& account = accounts_[change.name];
  count(account.now.events, {change.from, change.to, change.expected.value_or(true)});
  if (is_run_end(change)) {
    account.note_end(change);
  }
  if (change.to == InstanceState::stopped && change.from == InstanceState::backoff) {
    account.chain.doubt();
  }
  return true;
}

bool Counting::has_room_for(const substrate::InstanceName& name) const {
  if (accounts_.size() < max_accounts_unlisted || accounts_.contains(name)) {
    return true;
  }
  const auto unlisted = std::count_if(accounts_.begin(), accounts_.end(),
                                      [](const auto& each) { return !each.second.look; });
  return static_cast<std::size_t>(unlisted) < max_accounts_unlisted;
}

void Counting::hear(const events::GroupChange& change) {
  for (auto& [name, account] : accounts_) {
    if (name.group == change.group) {
      account.chain.doubt();
    }
  }
}

void Counting::marked(std::uint64_t number) {
  if (anchor_ && anchor_->number == number && !anchor_->marked) {
    anchor_->marked = true;
    close_stream();
    if (anchor_->surveyed) {
      settle();
    }
  } else if (!anchor_ && number == settled_anchor_ && !stream_joined_) {
    stream_joined_ = true;  // from just where the others began their epoch
    now_.events = true;
    exits_known_ = true;
  }
}

void Counting::events_lost() {
  now_.events = false;
  if (!anchor_ || anchor_->marked) {
    return;
  }
  // The mark may be among what was lost: what has come until now came before it.
  ending_.events = false;
  stream_joined_ = false;
  if (anchor_->surveyed) {
    settle();
  }
}

void Counting::another_daemon() {
  if (anchor_ && anchor_->marked) {
    ending_.events = false;
  } else {
    events_lost();
  }
}

Counting::LogNews Counting::read(const events::LogTail::Step& step) {
  LogNews news;
  if (step.gap) {
    log_lost();
    news.gap = true;
  }
  for (const events::LogLine& line : step.lines) {
    if (std::holds_alternative<events::ManagerStarted>(line.what)) {
      news.wants_anchor = true;
      ties_.clear();
      for (auto& [name, account] : accounts_) {
        account.begin_anew();
      }
    }
    const auto* const failed = std::get_if<events::SpawnError>(&line.what);
    if (failed != nullptr && !failed->name) {
      now_.log = false;
      news.gap = true;
    }
    log_believed_ = log_believed_ || std::holds_alternative<events::Spawned>(line.what);
    news.wants_list = !note(line.what) || news.wants_list;
  }
  return news;
}

bool Counting::note(const LogTies::Line& line) {
  return ties_.put(line, accounts_,
                   [this](Account& account, const auto& tied) { note(account, tied); });
}

void Counting::note(Account& account, const LogTies::Line& line) {
  Tally before_joined{};
  Tally& tally = log_joined_ ? account.now.log : before_joined;
  std::visit(
      [&](const auto& what) {
        if constexpr (requires { account.chain.note(what, tally); }) {
          account.chain.note(what, tally);
        }
      },
      line);
}

void Counting::log_lost() {
  now_.log = false;
  ties_.clear();
  for (auto& [name, account] : accounts_) {
    account.chain.lose();
    account.spawned_pid.reset();
  }
}

Counting::ListNews Counting::list(const Roll& roll) {
  forget(roll.at);
  for (const InstanceDetail& detail : roll.instances) {
    Account& account = accounts_[detail.name];
    account.compare(detail, roll.same_daemon);
    account.removed_at.reset();
  }
  const auto tie_again = [this](Account& account, const auto& line) { note(account, line); };
  const bool untied = !ties_.resolve(accounts_, tie_again);
  if (untied) {
    now_.log = false;
  }
  for (auto& [name, account] : accounts_) {
    if (!account.removed_at && find_detail(roll.instances, name) == nullptr) {
      account.removed_at = roll.at;
      account.look.reset();
    }
  }
  return {untied, stream_is_silent(roll.at)};
}

bool Counting::stream_is_silent(base::SteadyTime now) {
  if (now - compared_at_ < longest_delay) {
    return false;
  }
  compared_at_ = now;
  const std::size_t starts = entries_at(InstanceState::starting);
  bool silent = false;
  for (auto& [name, account] : accounts_) {
    silent = silent || account.due_starts > account.now.events[starts];
    account.due_starts = account.now.polls[starts];
  }
  silent = silent && !stream_tells_starts_ && !anchor_ && complete().events;
  stream_believed_ = stream_believed_ && !silent;
  return silent;
}

void Counting::look(const InstanceDetail& detail) {
  accounts_[detail.name].compare(detail, true);
}

void Counting::forget(base::SteadyTime now) {
  std::erase_if(accounts_, [&](const auto& entry) {
    const auto& removed = entry.second.removed_at;
    return removed && now - *removed >= removed_process_memory;
  });
}

bool Counting::log_is_silent() {
  const std::size_t starts = entries_at(InstanceState::starting);
  const bool silent = log_joined_ && now_.log && ties_.empty() &&
                      std::any_of(accounts_.begin(), accounts_.end(), [&](const auto& entry) {
                        return entry.second.now.polls[starts] > entry.second.now.log[starts];
                      });
  if (silent) {
    now_.log = false;
    log_believed_ = false;
  }
  return silent;
}

void Counting::begin_anchor(std::uint64_t number) {
  give_mark_up();
  drop_anchor();
  anchor_ = Anchor{number, false, false};
}

void Counting::surveyed(std::span<const InstanceDetail> instances, bool log_at_end) {
  if (!anchor_ || anchor_->surveyed) {
    return;
  }
  ending_.log = log_joined_ && now_.log && log_at_end;
  for (auto& [name, account] : accounts_) {
    const InstanceDetail* const listed = find_detail(instances, name);
    Tally before_joined{};
    account.chain.reach(listed != nullptr ? listed->state : InstanceState::stopped,
                        ending_.log ? account.now.log : before_joined);
    account.spawned_pid = listed != nullptr ? listed->pid : std::nullopt;
    Epoch& ending = account.closing();
    ending.log = std::exchange(account.now.log, {});
    ending.polls = std::exchange(account.now.polls, {});
    account.due_starts = 0;
  }
  log_joined_ = log_at_end;
  now_.log = log_at_end && log_believed_;
  exits_known_ = exits_known_ || now_.log;
  anchor_->surveyed = true;
  if (anchor_->marked || !stream_joined_) {
    settle();
  }
}

void Counting::close_stream() {
  ending_.events = stream_joined_ && now_.events;
  now_.events = true;
  for (auto& [name, account] : accounts_) {
    account.closing().events = std::exchange(account.now.events, {});
  }
}

void Counting::settle() {
  if (!anchor_->marked) {
    close_stream();
    ending_.events = now_.events = false;
  }
  for (auto& [name, account] : accounts_) {
    account.settle(ending_);
  }
  stream_joined_ = anchor_->marked;
  exits_known_ = exits_known_ || stream_joined_;
  settled_anchor_ = anchor_->number;
  anchor_.reset();
}

void Counting::drop_anchor() {
  if (!anchor_ || anchor_->surveyed) {
    return;
  }
  if (anchor_->marked) {
    now_.events = now_.events && ending_.events;
    for (auto& [name, account] : accounts_) {
      if (!stream_joined_) {
        account.now.events = {};
      }
      account.reopen();
    }
  }
  anchor_.reset();
}

bool Counting::awaits_mark() const {
  return anchor_ && anchor_->surveyed && !anchor_->marked;
}

bool Counting::give_mark_up() {
  if (!awaits_mark()) {
    return false;
  }
  const bool is_gap = now_.events;
  settle();
  return is_gap;
}

Completeness Counting::complete() const {
  const bool closing_stream = anchor_ && anchor_->marked;
  const bool closing_log = anchor_ && anchor_->surveyed;
  return {stream_lives_ && stream_believed_ && stream_joined_ && now_.events &&
              (!closing_stream || ending_.events),
          log_joined_ && now_.log && (!closing_log || ending_.log)};
}

}  // namespace reeve::monitor
