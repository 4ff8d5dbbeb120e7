// Whatever happens, however late, and whatever is lost: what is counted never exceeds the truth and
// never falls, and it is the truth where a source told all of it.
#include <deque>

#include "events/inbox.h"
#include "monitor/model_supervisord.h"
#include "monitor/process_table.h"
#include "support/catch.h"

namespace reeve::monitor {
namespace {

using namespace std::chrono_literals;
using substrate::InstanceName;
using tests::ModelSupervisord;

struct Troubles {
  bool stream = true;         ///< there is a stream of events
  bool log = true;            ///< the log can be read
  bool stream_gaps = true;    ///< events are lost
  bool log_gaps = true;       ///< lines are lost
  bool surveys_fail = true;   ///< now and then
  bool marks_vanish = false;  ///< the listener is not subscribed to them, now and then
};

struct MarkSent {
  std::uint64_t anchor = 0;
};

/// An agent before a model, and the wires between them.
class World {
 public:
  World(unsigned seed, const ModelSupervisord::Habits& habits, const Troubles& troubles)
      : dice_(seed * 7919 + 1), by_hand_(habits.by_hand), model_(seed, habits) {
    troubles_.log = troubles.log;
    troubles_.log_gaps = troubles_.surveys_fail = false;
    poll();
    survey();
    deliver_all();
    restarts_hold_ = true;
    troubles_ = troubles;
  }

  void step() {
    const auto throw_of_dice = dice_() % 100;
    if (throw_of_dice < 60) {
      model_.step();
      collect();
    } else if (throw_of_dice < 80) {
      deliver(dice_() % 4);
    } else if (throw_of_dice < 87) {
      read_log();
    } else if (throw_of_dice < 92) {
      poll_and_compare();
    } else if (throw_of_dice < 95) {
      survey();
    } else if (throw_of_dice < 96 && troubles_.stream_gaps) {
      lose_events();
    } else if (throw_of_dice < 97 && troubles_.log_gaps) {
      log_gap_ = true;
      log_.clear();
    } else if (throw_of_dice < 98 && table_.counters().awaits_mark() && troubles_.marks_vanish) {
      table_.counters().abandon_mark();
    } else if (troubles_.stream) {
      look();
    }
    clock_ += 100ms;
    check();
  }

  /// Everything that is under way arrives.
  void settle() {
    deliver_all();
    table_.counters().abandon_mark();
    poll_and_compare();
    poll();  // ties lines that waited
    check();
  }

  [[nodiscard]] ModelSupervisord& model() { return model_; }
  [[nodiscard]] ProcessTable& table() { return table_; }

  [[nodiscard]] std::map<InstanceName, ProcessCounters> shown() {
    table_.update_counters();
    std::map<InstanceName, ProcessCounters> all;
    for (const ProcessSnapshot& each : table_.processes()) {
      all[each.detail.name] = each.counters;
    }
    for (const RemovedProcess& each : table_.removed()) {
      all[each.name] = each.counters;
    }
    return all;
  }

 private:
  void collect() {
    if (model_.take_death()) {
      (void)model_.take_events();  // its listeners died with it
      stream_.emplace_back(events::Gap{events::Gap::Cause::pool_restarted, 0});
      same_daemon_ = false;
    }
    for (auto& told : model_.take_events()) {
      std::visit([this](auto& what) { stream_.emplace_back(std::move(what)); }, told);
    }
    for (auto& line : model_.take_log()) {
      log_.push_back(std::move(line));
    }
  }

  void deliver(std::size_t count) {
    for (; count > 0 && !stream_.empty(); --count) {
      auto what = std::move(stream_.front());
      stream_.pop_front();
      if (!troubles_.stream) {
        continue;
      }
      if (const auto* const change = std::get_if<events::StateChange>(&what)) {
        (void)table_.apply_event(*change, clock_);
      } else if (const auto* const group = std::get_if<events::GroupChange>(&what)) {
        table_.counters().apply_event(*group);
      } else if (const auto* const mark = std::get_if<MarkSent>(&what)) {
        table_.counters().apply_mark(mark->anchor);
      } else {
        table_.counters().events_lost();
      }
      note_sources();
    }
  }
  void deliver_all() { deliver(stream_.size()); }

  void lose_events() {
    const std::size_t lost = std::min<std::size_t>(stream_.size(), dice_() % 5 + 1);
    stream_.erase(stream_.begin(), stream_.begin() + static_cast<std::ptrdiff_t>(lost));
    stream_.emplace_front(events::Gap{events::Gap::Cause::lost, lost});
  }

  events::TailResult log_step() {
    events::TailResult step;
    step.lines = std::exchange(log_, {});
    step.gap = std::exchange(log_gap_, false);
    return step;
  }

  void read_log() {
    if (troubles_.log) {
      (void)table_.apply_log(log_step());
    }
  }

  PollResult listing() {
    PollResult poll;
    poll.listing.instances = model_.list();
    poll.asked = clock_;
    poll.same_daemon = same_daemon_;
    return poll;
  }

  void apply(PollResult poll) {
    deliver(dice_() % 3);  // while the answer was under way
    if (!poll.same_daemon) {
      table_.counters().daemon_replaced();
      same_daemon_ = true;
    }
    clock_ += 100ms;
    poll.at = clock_;
    std::size_t rejected = 0;
    (void)table_.apply_listing(std::move(poll), rejected);
  }

  void poll() { apply(listing()); }

  /// The log always tells its starts here, or has a gap.
  void poll_and_compare() {
    poll();
    if (troubles_.log) {
      read_log();
      REQUIRE_FALSE(table_.counters().distrust_log_if_behind());
    }
  }

  void survey() {
    if (table_.counters().awaits_mark()) {
      return;
    }
    table_.counters().begin_anchor(++anchors_);
    // From a joined stream nothing vanishes without a gap.
    const bool mark_goes =
        table_.counters().stream_joined() || !troubles_.marks_vanish || dice_() % 2 == 0;
    if (mark_goes) {
      stream_.emplace_back(MarkSent{anchors_});
    }
    if (troubles_.surveys_fail && dice_() % 5 == 0) {
      deliver(dice_() % 3);
      table_.counters().drop_anchor();
      return;
    }
    PollResult poll = listing();
    poll.survey.emplace();
    if (troubles_.log && (!troubles_.log_gaps || dice_() % 8 != 0)) {
      poll.survey->text = log_step();
      poll.survey->at_end = true;
    }
    apply(std::move(poll));
  }

  void look() {
    for (const auto& detail : model_.list()) {
      if (table_.changed_by_event().contains(detail.name)) {
        table_.apply_process(detail, {clock_ + 1ms, clock_ + 1ms});
        return;
      }
    }
  }

  /// By polls any new run is a restart, and so is by the log the one after a silent stop: after
  /// they have spoken, there may be too many.
  void note_sources() {
    const CompleteSources complete = table_.counters().complete();
    restarts_hold_ = restarts_hold_ && (complete.events || (complete.log && !by_hand_));
  }

  void check() {
    note_sources();
    for (const auto& [name, now] : shown()) {
      INFO(name.full());
      const TransitionCounts& truth = model_.truth().at(name).counts;
      const std::string breach = breach_of(now, before_[name], truth);
      REQUIRE(breach.empty());
      REQUIRE(now.restarts <= (restarts_hold_ ? truth[restarts_at] : now.starts));
      before_[name] = now;
    }
  }

  static std::string breach_of(const ProcessCounters& now, const ProcessCounters& before,
                               const TransitionCounts& truth) {
    std::string breach;
    for (const auto state : substrate::all_instance_states) {
      const std::size_t at = entries_at(state);
      if (now.transitions[at] > truth[at] || now.transitions[at] < before.transitions[at]) {
        breach += std::string(substrate::to_string(state)) + " ";
      }
    }
    const auto exits = now.unexpected_exits.value_or(0);
    if (exits > truth[unexpected_exits_at] || exits < before.unexpected_exits.value_or(0)) {
      breach += "exits ";
    }
    if (now.restarts < before.restarts) {
      breach += "restarts ";
    }
    return breach;
  }

  std::mt19937 dice_;
  Troubles troubles_;
  const bool by_hand_;
  ModelSupervisord model_;
  ProcessTable table_;
  base::SteadyTime clock_{1h};
  std::deque<std::variant<events::StateChange, events::GroupChange, MarkSent, events::Gap>> stream_;
  std::vector<events::LogLine> log_;
  bool log_gap_ = false;
  bool same_daemon_ = true;
  std::uint64_t anchors_ = 0;
  std::map<InstanceName, ProcessCounters> before_;
  bool restarts_hold_ = true;
};

constexpr unsigned worlds = 150;
constexpr int steps = 400;

void check_equal(World& world) {
  const auto shown = world.shown();
  for (const auto& [name, truth] : world.model().truth()) {
    INFO(name.full());
    const auto found = shown.find(name);
    const ProcessCounters now = found == shown.end() ? ProcessCounters{} : found->second;
    const ProcessCounters wanted = to_counters(truth.counts, now.unexpected_exits.has_value());
    REQUIRE(now.transitions == wanted.transitions);
    REQUIRE(now.restarts == wanted.restarts);
    REQUIRE(now == wanted);
  }
}

void check_last_ends(World& world, bool all_known) {
  for (const ProcessSnapshot& each : world.table().processes()) {
    const auto& truth = world.model().truth().at(each.detail.name);
    INFO(each.detail.name.full());
    if (all_known) {
      REQUIRE(each.exit_status.has_value() == truth.last_end.has_value());
    }
    if (each.exit_status) {
      REQUIRE(truth.last_end);
      const auto& end = *truth.last_end;
      REQUIRE(*each.exit_status == (end.signal ? -1 : *end.exit_status));
      REQUIRE((!each.exit_signal || each.exit_signal == end.signal));
    }
  }
}

TEST_CASE(
    "CounterMerge: a stream without gaps is the truth, whatever happens to the log and to polls") {
  for (unsigned seed = 1; seed <= worlds; ++seed) {
    INFO("seed " << seed);
    Troubles troubles;
    troubles.stream_gaps = false;
    troubles.log = seed % 3 != 0;
    ModelSupervisord::Habits habits;
    habits.dies = false;
    World world(seed, habits, troubles);
    for (int i = 0; i < steps; ++i) {
      world.step();
    }
    world.settle();
    check_equal(world);
    check_last_ends(world, false);
  }
}

TEST_CASE(
    "CounterMerge: a log without gaps is the truth, alone or beside a stream that loses events") {
  for (unsigned seed = 1; seed <= worlds; ++seed) {
    INFO("seed " << seed);
    Troubles troubles;
    troubles.log_gaps = false;
    troubles.stream = seed % 2 == 0;
    troubles.marks_vanish = seed % 4 == 0;
    ModelSupervisord::Habits habits;
    habits.by_hand = habits.nameless_lines = habits.namesakes = false;
    habits.dies = seed % 3 == 0;
    World world(seed, habits, troubles);
    for (int i = 0; i < steps; ++i) {
      world.step();
    }
    world.settle();
    check_equal(world);
    check_last_ends(world, true);
  }
}

TEST_CASE(
    "CounterMerge: with gaps everywhere nothing exceeds the truth, nothing falls, and no end is a "
    "wrong one") {
  for (unsigned seed = 1; seed <= 4 * worlds; ++seed) {
    INFO("seed " << seed);
    Troubles troubles;
    troubles.stream = seed % 5 != 0;
    troubles.log = seed % 7 != 0;
    troubles.marks_vanish = seed % 2 == 0;
    ModelSupervisord::Habits habits;
    habits.namesakes = seed % 3 == 0;
    habits.nameless_lines = seed % 4 < 2;
    World world(seed, habits, troubles);
    for (int i = 0; i < steps; ++i) {
      world.step();
    }
    world.settle();
    check_last_ends(world, false);
  }
}

}  // namespace
}  // namespace reeve::monitor
