#include "coordination/etcd_coordinator.h"

#include <algorithm>
#include <functional>
#include <stop_token>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/guarded.h"
#include "base/wakeup.h"
#include "coordination/etcd_changes.h"
#include "coordination/etcd_claims.h"
#include "coordination/etcd_gateway.h"
#include "coordination/etcd_keys.h"

namespace reeve::coordination {

using base::Deadline;
using base::ErrorKind;
using base::SteadyTime;
using etcd::Call;
using etcd::Json;
using etcd::KeyValue;
using std::chrono::seconds;

namespace {

/// What is watched is bounded: keys beyond are left out.
constexpr std::size_t max_keys = 20'000;
constexpr std::size_t max_entry_bytes = std::size_t{16} * 1024 * 1024;
constexpr seconds keeper_interval{1};
/// Between two attempts to be entered, to read anew, and to write a changed report.
constexpr seconds pause{5};

enum class Renewal { done, lost, unknown };

Renewal renewal_of(const base::Result<Json>& answer) {
  if (!answer) {
    return answer.error().kind == ErrorKind::not_found ? Renewal::lost : Renewal::unknown;
  }
  const auto result = answer->find("result");
  if (result == answer->end()) {
    return Renewal::unknown;  // an error in the place of an answer
  }
  return etcd::number(*result, "TTL") > 0 ? Renewal::done : Renewal::lost;
}

struct KnownKey {
  KeyValue entry;
  /// Parsed once: there are many, and each change of any key makes a view of all.
  std::optional<MemberInfo> member = std::nullopt;
};
std::string cluster_of(const Json& header) {
  const auto id = header.find("cluster_id");
  return id != header.end() && id->is_string() ? id->get<std::string>() : "";
}

using KeyMap = std::map<std::string, KnownKey>;

/// A watch is renewed now and then: its connection may be dead without a sign of it. Every two
/// leases on average, not by all members at the same time after they have lost etcd together.
base::Duration watch_span(const Options& options) {
  const auto spread = static_cast<int>(std::hash<std::string>()(options.member.name) % 100);
  return options.lease * (150 + spread) / 100;
}

KnownKey known(KeyValue entry, const etcd::Keys& keys) {
  KnownKey made{.entry = std::move(entry)};
  const auto parts = keys.parts_of(made.entry.key);
  if (parts && parts->kind == "members") {
    made.member = parse_member(parts->name, made.entry.value);
  }
  return made;
}

View view_of(const KeyMap& all, const etcd::Keys& keys) {
  View view;
  // `limits/` comes before `slots/`, but after `budget/`.
  std::map<std::string, unsigned> budget_used;
  for (const auto& [key, each] : all) {
    const KeyValue& entry = each.entry;
    const auto parts = keys.parts_of(key);
    if (!parts) {
      continue;
    }
    const std::string name(parts->name);
    if (parts->kind == "budget") {
      ++budget_used[name];
    } else if (parts->kind == "limits") {
      const auto limit = parse_limit(entry.value);
      if (limit && is_name(name) && view.limits.size() < Limit::max_limits) {
        view.limits[name] = {
            .name = name, .limit = *limit, .held = {}, .budget_used = budget_used[name]};
      }
    } else if (parts->kind == "slots") {
      const auto limit = view.limits.find(name);
      if (limit != view.limits.end()) {
        limit->second.held.push_back(
            {*parts->index, entry.lease, parse_holder(entry.value).value_or(unreadable_holder())});
      }
    } else if (parts->kind == "members") {
      if (each.member) {
        view.members.push_back(*each.member);
      }
    } else if (parts->kind == "maintenance") {
      if (auto window = parse_maintenance(entry.value)) {
        view.maintenance.push_back(*std::move(window));
      }
    }
  }
  return view;
}

}  // namespace

struct EtcdCoordinator::State {
  State(const Options& its_options, const base::Clock& its_clock, base::Log its_log)
      : options(its_options),
        clock(its_clock),
        log(std::move(its_log)),
        keys(options.cluster),
        gateway(options.etcd, clock),
        claims(gateway, keys, options.lease) {}

  /// A lease that is kept alive: a slot's, or with an empty limit the member's own.
  struct Kept {
    Slot slot;
    SteadyTime renew_at;
  };
  /// What has to be done as soon as etcd can be asked: a release, or a hold of so long.
  struct Owed {
    Slot slot;
    base::Duration hold = {};
    SteadyTime until;  ///< then the lease has ended by itself
  };
  struct Entry {
    std::int64_t lease = 0;  ///< 0: not entered
    bool is_refused = false;
    SteadyTime next_try;
  };
  struct Report {
    std::string text = "{}";
    bool is_written = false;
  };

  // The keeper.
  void keep(const std::stop_token& stop);
  void tick(const std::stop_token& stop);
  /// False: etcd cannot be asked.
  [[nodiscard]] bool renew_leases(const std::stop_token& stop);
  void forget_lost(std::int64_t lease);
  void write_report(const std::stop_token& stop);
  void enter(const std::stop_token& stop);
  void settle_owed(const Deadline& deadline);
  void count_alive(const std::stop_token& stop);
  void probe_space(const std::stop_token& stop);
  void log_contact();
  void end_silent_watch();
  void ask_for_reading();
  [[nodiscard]] Deadline one_call(const std::stop_token& stop) const {
    const auto all = options.etcd.timeout * static_cast<int>(options.etcd.endpoints.size());
    return Deadline::after(clock, all, stop);
  }
  void owe(const Slot& slot, base::Duration hold);
  void abandon(const std::vector<std::int64_t>& leases);

  // The watch.
  void follow(const std::stop_token& stop);
  [[nodiscard]] bool read_all(const std::stop_token& stop);
  /// False: what is watched has to be read anew.
  [[nodiscard]] bool watch_on(const std::stop_token& stop);
  [[nodiscard]] bool take(const Json& message, bool& must_read);
  void apply(const Json& events);
  /// Beyond the bounds a key is there without its value, or not at all.
  void remember(KeyValue told);
  void forget(const std::string& key);
  void publish(bool current);
  void set_current(bool current);

  const Options options;
  const base::Clock& clock;
  const base::Log log;
  const etcd::Keys keys;
  etcd::Gateway gateway;
  etcd::Claims claims;
  std::function<void()> observer;  ///< constant after start()

  base::Guarded<std::shared_ptr<const View>> view{std::make_shared<const View>()};
  base::Guarded<std::map<std::int64_t, Kept>> kept;
  base::Guarded<std::vector<Owed>> owed;
  base::Guarded<Report> report;
  base::Guarded<Stats> counted;  ///< claims, waits and members alone
  base::Wakeup keeper_wakeup;

  /// What the keeper wants of the watch.
  struct WatchControl {
    std::optional<SteadyTime> silent_until;  ///< it has not said anything yet
    bool must_read = false;                  ///< what is watched has to be read anew
    std::stop_source stop;                   ///< ends the watch in progress
  };
  base::Guarded<WatchControl> watch;

  // The keeper's own.
  Entry entry;
  SteadyTime report_at;
  SteadyTime count_at;
  SteadyTime probe_at;
  std::optional<bool> was_up;

  // The watch's own.
  KeyMap entries;
  std::size_t entry_bytes = 0;  ///< of their values
  std::int64_t revision = 0;
  std::string cluster;  ///< etcd's own id of its members

  std::jthread keeper;  // last: they end before what they use
  std::jthread watcher;
};

void EtcdCoordinator::State::keep(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    base::run_logged(log, "keeping leases in etcd", [&] { tick(stop); });
    (void)keeper_wakeup.wait_until(clock.steady_now() + keeper_interval, stop);
  }
}

void EtcdCoordinator::State::tick(const std::stop_token& stop) {
  end_silent_watch();
  // Nothing else takes its time from the leases while they cannot be renewed.
  if (renew_leases(stop)) {
    if (entry.lease == 0) {
      enter(stop);
    } else {
      write_report(stop);
    }
    settle_owed(one_call(stop));
    count_alive(stop);
    probe_space(stop);
  }
  log_contact();
}

/// All that are due, side by side: together they take no longer than one.
bool EtcdCoordinator::State::renew_leases(const std::stop_token& stop) {
  const SteadyTime now = clock.steady_now();
  std::vector<std::int64_t> due;
  std::vector<Json> bodies;
  kept.with([&](auto& all) {
    for (auto& [lease, each] : all) {
      if (each.renew_at <= now) {
        due.push_back(lease);
        bodies.push_back({{"ID", std::to_string(lease)}});
      }
    }
  });
  if (due.empty()) {
    return true;
  }
  bool is_answered = false;
  const auto answers = gateway.call_all(Call::keepalive, bodies, one_call(stop));
  for (std::size_t at = 0; at < due.size(); ++at) {
    const Renewal renewal = renewal_of(answers[at]);
    is_answered = is_answered || renewal != Renewal::unknown;
    if (renewal == Renewal::lost) {
      forget_lost(due[at]);
    } else if (renewal == Renewal::done) {
      kept.with([&](auto& all) {
        if (const auto found = all.find(due[at]); found != all.end()) {
          found->second.renew_at = now + options.lease / 3;
        }
      });
    }
  }
  return is_answered;
}

void EtcdCoordinator::State::forget_lost(std::int64_t lease) {
  const auto slot = kept.with([&](auto& all) {
    const auto found = all.find(lease);
    auto lost = found == all.end() ? std::nullopt : std::optional(found->second.slot);
    all.erase(lease);
    return lost;
  });
  if (lease == entry.lease) {
    entry = {};
    // Etcd may be another one in its place, or an old state of it, that never knew the lease.
    ask_for_reading();
  } else if (slot) {
    log.warning("etcd has ended the lease of a slot, which others may claim now",
                {{"limit", slot->limit}});
  }
}

void EtcdCoordinator::State::enter(const std::stop_token& stop) {
  if (clock.steady_now() < entry.next_try) {
    return;
  }
  entry.next_try = clock.steady_now() + pause;
  const auto lease = claims.grant(options.lease, one_call(stop));
  if (!lease) {
    return;
  }
  const std::string text = report.copy().text;
  const std::string& name = options.member.name;
  const auto answer = gateway.call(
      Call::transaction,
      etcd::transaction(
          {etcd::is_absent(keys.alive(name))},
          {etcd::in_transaction("request_put",
                                etcd::put(keys.member(name), to_text(options.member))),
           etcd::in_transaction("request_put", etcd::put(keys.alive(name), text, *lease))},
          {etcd::in_transaction("request_range", etcd::get(keys.alive(name)))}),
      one_call(stop));
  const auto others =
      answer ? etcd::key_values(etcd::range_answer(*answer, 0)) : std::vector<KeyValue>();
  const bool is_own = !others.empty() && others.front().lease == *lease;  // it was sent twice
  if (!answer || (!etcd::succeeded(*answer) && !is_own)) {
    abandon({*lease});
    if (answer && !std::exchange(entry.is_refused, true)) {
      log.warning(
          "another agent has this member's name, or this one's previous run had it until a moment"
          " ago: it is not entered among the members, and tries again",
          {{"member", name}});
    }
    return;
  }
  if (entry.is_refused) {
    log.info("the member's name is free: it is entered", {{"member", name}});
  }
  entry = {.lease = *lease, .is_refused = false, .next_try = {}};
  report_at = clock.steady_now() + pause;
  report.with([&](Report& now) { now.is_written = now.text == text; });
  kept.with([&](auto& all) { all[*lease] = {{}, clock.steady_now() + options.lease / 3}; });
}

void EtcdCoordinator::State::write_report(const std::stop_token& stop) {
  const Report current = report.copy();
  if (current.is_written || clock.steady_now() < report_at) {
    return;
  }
  report_at = clock.steady_now() + pause;
  const std::string key = keys.alive(options.member.name);
  const auto answer = gateway.call(
      Call::transaction,
      etcd::transaction(
          {etcd::is_there(key)},
          {etcd::in_transaction("request_put", etcd::put(key, current.text, entry.lease))}),
      one_call(stop));
  if (answer && etcd::succeeded(*answer)) {
    report.with([&](Report& now) { now.is_written = now.text == current.text; });
  } else if (answer) {
    // The member's key was deleted by hand. Without a lease tick() calls enter(), which writes it.
    kept.with([&](auto& all) { all.erase(entry.lease); });
    abandon({std::exchange(entry, {}).lease});
  }
}

void EtcdCoordinator::State::owe(const Slot& slot, base::Duration hold) {
  owed.with([&](auto& all) {
    all.push_back({slot, hold, clock.steady_now() + std::max(hold, options.lease)});
  });
  keeper_wakeup.nudge();
}

void EtcdCoordinator::State::abandon(const std::vector<std::int64_t>& leases) {
  for (const std::int64_t lease : leases) {
    owed.with([&](auto& all) {
      // A budget entry's lease may be long: it is revoked as soon as that is possible.
      all.push_back({Slot{"", 0, lease, 0}, {}, clock.steady_now() + Limit::max_span});
    });
  }
}

/// What is left at the deadline is owed still.
void EtcdCoordinator::State::settle_owed(const Deadline& deadline) {
  auto all = owed.with([](auto& waiting) { return std::exchange(waiting, {}); });
  bool is_down = false;
  for (Owed& each : all) {
    if (clock.steady_now() >= each.until) {
      kept.with([&](auto& leases) { leases.erase(each.slot.lease); });
      continue;
    }
    base::Result<void> done;
    if (!is_down) {
      done = each.hold > base::Duration::zero() ? claims.hold(each.slot, each.hold, deadline)
                                                : claims.revoke(each.slot.lease, deadline);
      is_down = !done && done.error().kind != ErrorKind::not_found;
    }
    if (is_down) {
      owed.with([&](auto& waiting) { waiting.push_back(std::move(each)); });
    } else {
      kept.with([&](auto& leases) { leases.erase(each.slot.lease); });
    }
  }
}

void EtcdCoordinator::State::count_alive(const std::stop_token& stop) {
  if (clock.steady_now() < count_at) {
    return;
  }
  count_at = clock.steady_now() + options.lease / 3;
  Json body = etcd::get(keys.all_alive());
  body["count_only"] = true;
  const auto answer = gateway.call(Call::range, body, one_call(stop));
  if (answer) {
    const auto alive =
        static_cast<std::size_t>(std::max<std::int64_t>(etcd::number(*answer, "count"), 0));
    counted.with([&](Stats& stats) { stats.members_alive = alive; });
  }
}

/// Nothing else may want to write for hours.
void EtcdCoordinator::State::probe_space(const std::stop_token& stop) {
  if (!gateway.contact().has_no_space || clock.steady_now() < probe_at) {
    return;
  }
  probe_at = clock.steady_now() + pause;
  if (const auto lease = claims.grant(options.lease, one_call(stop))) {
    abandon({*lease});
  }
}

void EtcdCoordinator::State::log_contact() {
  const auto contact = gateway.contact();
  const bool is_unknown = !contact.up && contact.error.empty();
  if (is_unknown || was_up == contact.up) {
    return;
  }
  if (!contact.up) {
    log.error("etcd cannot be asked: rules with a limit do not act until it can",
              {{"error", contact.error}});
  } else if (was_up.has_value()) {
    log.info("etcd answers again");
  } else {
    log.info("etcd answers", {{"cluster", options.cluster}, {"member", options.member.name}});
  }
  was_up = contact.up;
}

void EtcdCoordinator::State::end_silent_watch() {
  watch.with([&](WatchControl& control) {
    if (control.silent_until && clock.steady_now() >= *control.silent_until) {
      control.stop.request_stop();
      control.silent_until.reset();
    }
  });
}

void EtcdCoordinator::State::ask_for_reading() {
  watch.with([](WatchControl& control) {
    control.must_read = true;
    control.stop.request_stop();
  });
}

void EtcdCoordinator::State::follow(const std::stop_token& stop) {
  bool must_read = true;
  while (!stop.stop_requested()) {
    bool has_failed = true;
    base::run_logged(log, "watching etcd", [&] {
      if (!must_read || read_all(stop)) {
        must_read = true;  // also if this throws
        must_read = !watch_on(stop);
        has_failed = false;
      }
    });
    if (has_failed) {
      base::run_logged(log, "watching etcd", [&] { set_current(false); });
      (void)clock.wait_until(clock.steady_now() + options.etcd.timeout, stop);
    }
  }
}

bool EtcdCoordinator::State::read_all(const std::stop_token& stop) {
  watch.with([](WatchControl& control) { control.must_read = false; });
  const auto answer = gateway.call(Call::range, etcd::get(keys.watched()), one_call(stop));
  if (!answer) {
    return false;
  }
  entries.clear();
  entry_bytes = 0;
  for (KeyValue& each : etcd::key_values(*answer)) {
    remember(std::move(each));
  }
  revision = etcd::revision(*answer);
  const auto header = answer->find("header");
  cluster = header == answer->end() ? "" : cluster_of(*header);
  publish(false);
  return true;
}

bool EtcdCoordinator::State::watch_on(const std::stop_token& stop) {
  Json create = etcd::get(keys.watched());
  create["start_revision"] = std::to_string(revision + 1);
  const std::stop_source ended;
  const std::stop_callback forward(stop, [ended]() mutable { ended.request_stop(); });
  const bool is_wanted = watch.with([&](WatchControl& control) {
    control.silent_until = clock.steady_now() + options.etcd.timeout;
    control.stop = ended;
    return !control.must_read;
  });
  if (!is_wanted) {
    return false;
  }
  bool must_read = false;
  bool is_broken = false;
  const auto deadline = Deadline::after(clock, watch_span(options), ended.get_token());
  const auto watched = gateway.watch(
      {{"create_request", std::move(create)}},
      [&](const Json& message) {
        watch.with([](WatchControl& control) { control.silent_until.reset(); });
        is_broken = !take(message, must_read);
        return !is_broken;
      },
      deadline);
  const bool is_asked_for = watch.with([](WatchControl& control) {
    control.silent_until.reset();
    return control.must_read;
  });
  const bool has_ended_itself = deadline.expired() || stop.stop_requested();
  if (!watched || is_broken || !has_ended_itself) {
    set_current(false);
    (void)clock.wait_until(clock.steady_now() + seconds(1), stop);
  }
  return !must_read && !is_asked_for;
}

/// False: the watch has ended.
bool EtcdCoordinator::State::take(const Json& message, bool& must_read) {
  const auto result = message.find("result");
  if (result == message.end() || !result->is_object()) {
    return false;  // an error of the stream, such as the loss of the leader
  }
  if (const auto header = result->find("header"); header != result->end()) {
    // Another etcd in its place, such as one that was restored from a backup.
    const std::string told = cluster_of(*header);
    must_read = etcd::number(*header, "revision") < revision || (!told.empty() && told != cluster);
    if (must_read) {
      return false;
    }
  }
  const auto canceled = result->find("canceled");
  if (canceled != result->end() && canceled->is_boolean() && canceled->get<bool>()) {
    must_read = true;  // compacted, or the token is not accepted: reading signs in again
    return false;
  }
  if (const auto events = result->find("events"); events != result->end()) {
    apply(*events);
    publish(true);
  } else if (!view.copy()->current) {
    set_current(true);
  }
  return true;
}

void EtcdCoordinator::State::apply(const Json& events) {
  for (const Json& event : events) {
    const auto kv = event.find("kv");
    auto changed = kv == event.end() ? std::nullopt : etcd::key_value(*kv);
    if (!changed) {
      continue;
    }
    revision = std::max(revision, changed->modified);
    const auto type = event.find("type");
    const std::string key = changed->key;
    if (type != event.end() && type->is_string() && type->get<std::string>() == "DELETE") {
      forget(key);
    } else {
      remember(*std::move(changed));
    }
  }
}

void EtcdCoordinator::State::forget(const std::string& key) {
  if (const auto found = entries.find(key); found != entries.end()) {
    entry_bytes -= found->second.entry.value.size();
    entries.erase(found);
  }
}

void EtcdCoordinator::State::remember(KeyValue told) {
  forget(told.key);
  if (entries.size() >= max_keys || told.key.size() > max_document_bytes) {
    return;
  }
  if (told.value.size() > max_document_bytes || entry_bytes + told.value.size() > max_entry_bytes) {
    told.value.clear();
  }
  entry_bytes += told.value.size();
  const std::string key = told.key;
  entries.insert_or_assign(key, known(std::move(told), keys));
}

void EtcdCoordinator::State::publish(bool current) {
  View next = view_of(entries, keys);
  next.read = true;
  next.current = current;
  view.with([&](auto& published) { published = std::make_shared<const View>(std::move(next)); });
  if (observer) {
    observer();
  }
}

void EtcdCoordinator::State::set_current(bool current) {
  const bool changed = view.with([&](auto& published) {
    if (published->current == current) {
      return false;
    }
    View next = *published;
    next.current = current;
    published = std::make_shared<const View>(std::move(next));
    return true;
  });
  if (changed && observer) {
    observer();
  }
}

EtcdCoordinator::EtcdCoordinator(const Options& options, const base::Clock& clock, base::Log log)
    : state_(std::make_unique<State>(options, clock, std::move(log))) {}

EtcdCoordinator::~EtcdCoordinator() = default;

void EtcdCoordinator::start() {
  state_->keeper = std::jthread([this](const std::stop_token& stop) { state_->keep(stop); });
  state_->watcher = std::jthread([this](const std::stop_token& stop) { state_->follow(stop); });
}

void EtcdCoordinator::stop(const Deadline& deadline) {
  state_->watcher = {};
  state_->keeper = {};
  const auto one_call = deadline.within(state_->options.etcd.timeout);
  state_->settle_owed(one_call);  // what ended while the keeper did
  const std::int64_t lease = std::exchange(state_->entry, {}).lease;
  if (lease != 0) {
    (void)state_->claims.revoke(lease, one_call);
  }
}

std::shared_ptr<const View> EtcdCoordinator::view() const {
  return state_->view.copy();
}

void EtcdCoordinator::on_change(std::function<void()> observer) {
  state_->observer = std::move(observer);
}

void EtcdCoordinator::report(const MemberReport& report) {
  state_->report.with([text = to_text(report)](State::Report& current) {
    if (current.text != text) {
      current = {.text = text, .is_written = false};
    }
  });
}

base::Result<std::vector<Member>> EtcdCoordinator::members(const Deadline& deadline) {
  const etcd::Keys& keys = state_->keys;
  auto answers = state_->gateway.call_all(
      Call::range, {etcd::get(keys.members()), etcd::get(keys.all_alive())}, deadline);
  for (const auto& answer : answers) {
    if (!answer) {
      return base::failure(answer.error());
    }
  }
  std::map<std::string, std::string> reports;
  for (KeyValue& each : etcd::key_values(*answers[1])) {
    if (const auto parts = keys.parts_of(each.key)) {
      reports[std::string(parts->name)] = std::move(each.value);
    }
  }
  std::vector<Member> members;
  for (const KeyValue& each : etcd::key_values(*answers[0])) {
    const auto parts = keys.parts_of(each.key);
    auto info = parts ? parse_member(parts->name, each.value) : std::nullopt;
    if (!info) {
      continue;
    }
    const auto found = reports.find(info->name);
    members.push_back(
        {.info = *std::move(info),
         .alive = found != reports.end(),
         .report = found == reports.end() ? std::nullopt : parse_report(found->second)});
  }
  return members;
}

ClaimResult EtcdCoordinator::claim(const ClaimRequest& request, const Deadline& deadline) {
  std::vector<std::int64_t> abandoned;
  ClaimResult result = state_->claims.claim(request, deadline, abandoned);
  state_->abandon(abandoned);
  if (result.outcome == ClaimOutcome::won) {
    const SteadyTime now = state_->clock.steady_now();
    state_->kept.with([&](auto& all) {
      all[result.slot.lease] = {result.slot, now + state_->options.lease / 3};
    });
  }
  state_->counted.with([&](Stats& stats) {
    ++stats.claims[{request.limit, result.outcome}];
    if (result.outcome == ClaimOutcome::won) {
      WaitTimes& waits = stats.waits[request.limit];
      const double waited = std::chrono::duration<double>(request.waited).count();
      const auto* const bound = std::lower_bound(wait_bounds.begin(), wait_bounds.end(), waited);
      ++waits.counts.at(static_cast<std::size_t>(bound - wait_bounds.begin()));
      waits.sum_seconds += waited;
    }
  });
  return result;
}

void EtcdCoordinator::release(const Slot& slot, const Deadline& deadline) {
  // Not kept any longer, whatever becomes of this: it ends by itself at the latest.
  state_->kept.with([&](auto& all) { all.erase(slot.lease); });
  // The budget first: who gets the slot must not find it used up.
  if (slot.budget_lease != 0 && !state_->claims.revoke(slot.budget_lease, deadline)) {
    state_->abandon({slot.budget_lease});
  }
  if (!state_->claims.revoke(slot.lease, deadline)) {
    state_->owe(slot, {});
  }
}

void EtcdCoordinator::hold(const Slot& slot, base::Duration span, const Deadline& deadline) {
  const auto held = state_->claims.hold(slot, span, deadline);
  if (held || held.error().kind == ErrorKind::not_found) {
    state_->kept.with([&](auto& all) { all.erase(slot.lease); });
  } else {
    state_->owe(slot, span);  // and is kept alive until then
  }
}

base::Result<void> EtcdCoordinator::change(const Change& change, const Deadline& deadline) {
  std::vector<std::int64_t> abandoned;
  const auto seen = state_->view.copy();
  auto made = etcd::carry_out(change, {.gateway = state_->gateway,
                                       .keys = state_->keys,
                                       .claims = state_->claims,
                                       .seen = *seen,
                                       .deadline = deadline,
                                       .abandoned = abandoned});
  state_->abandon(abandoned);
  return made;
}

Stats EtcdCoordinator::stats() const {
  Stats stats = state_->counted.copy();
  const auto contact = state_->gateway.contact();
  stats.up = contact.up;
  stats.last_contact = contact.last;
  stats.requests = state_->gateway.counts();
  const auto view = state_->view.copy();
  stats.members_not_alive =
      view->members.size() - std::min(stats.members_alive, view->members.size());
  stats.limits = view->limits;
  return stats;
}

}  // namespace reeve::coordination
