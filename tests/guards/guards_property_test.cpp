// Whatever happens, in whatever order: never more than the budgets say in any span, never two
// within a cooldown, and a latch stays until it is reset. Checked against a little model that
// lives in true time, which no clock that is set and no end of the agent can touch.

#include <algorithm>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "guards/guarded_world.h"
#include "guards/guards.h"
#include "support/catch.h"

namespace reeve::guards {
namespace {

using base::Duration;
using namespace std::chrono_literals;
using tests::alert_command;
using tests::GuardedWorld;
using tests::running_process;

constexpr Budget per_target{3, 1h};
constexpr Budget total{7, 90min};
const std::vector<std::string> names = {"web:front", "web:back", "job", "mail:out"};

/// What truly was done, and when.
struct Truth {
  struct Process {
    std::vector<Duration> actions;
    Duration cooldown_until{};
    unsigned in_row = 0;
    bool gave_up = false;
  };

  [[nodiscard]] static std::size_t used(const std::vector<Duration>& actions, Duration within,
                                        Duration now) {
    return static_cast<std::size_t>(std::count_if(actions.begin(), actions.end(),
                                                  [&](Duration at) { return at > now - within; }));
  }
  [[nodiscard]] Reason expected(const std::string& name) const {
    const auto found = processes.find(name);
    const Process process = found == processes.end() ? Process{} : found->second;
    if (now < process.cooldown_until) {
      return Reason::cooldown;
    }
    if (used(all, total.within, now) >= total.actions) {
      return Reason::budget;
    }
    return process.gave_up || used(process.actions, per_target.within, now) >= per_target.actions
               ? Reason::gave_up
               : Reason::accepted;
  }
  void act(const std::string& name, const Cooldown& cooldown, double random) {
    Process& process = processes[name];
    const bool grows =
        !process.actions.empty() && now - process.actions.back() < cooldown.reset_after;
    process.in_row = grows ? process.in_row + 1 : 0;
    double span = std::chrono::duration<double>(cooldown.initial).count();
    for (unsigned i = 0; i < process.in_row; ++i) {
      span *= cooldown.factor;
    }
    span = std::min(span, std::chrono::duration<double>(cooldown.max).count());
    span *= 1 + cooldown.jitter * (2 * random - 1);
    process.cooldown_until =
        now + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(span));
    process.actions.push_back(now);
    all.push_back(now);
  }

  Duration now{24h};
  std::vector<Duration> all;
  std::map<std::string, Process> processes;
};

class Play {
 public:
  explicit Play(unsigned seed) : random_(seed), world_({total, {}}) {}

  /// `exactly`: no less is permitted either. Over reboots less time may seem to have passed.
  void step(bool exactly) {
    world_.random = static_cast<double>(pick(5)) / 4;
    const std::string& name = names[pick(names.size())];
    const Command command = command_for(name);
    const Reason expected = truth_.expected(name);
    const bool only_asked = pick(3) == 0;
    const Reason verdict = only_asked
                               ? world_.guards->check(command, running_process(), false).reason
                               : world_.guards->check_and_record(command, running_process()).reason;
    CAPTURE(name, to_string(expected), to_string(verdict));
    if (verdict == Reason::accepted || exactly) {
      REQUIRE(verdict == expected);
    }
    if (verdict == Reason::accepted && !only_asked) {
      truth_.act(name, command.trigger->limits.cooldown, world_.random);
      ++accepted;
    }
    if (verdict == Reason::gave_up) {
      truth_.processes[name].gave_up = true;
    }
    seen.insert(verdict);
  }

  void pass_time() {
    const Duration span = std::chrono::seconds(pick(20 * 60));
    world_.manual.advance(span);
    truth_.now += span;
  }
  void set_clock(bool back_only) {
    const auto hours = static_cast<int>(pick(200));
    world_.manual.jump_system(std::chrono::hours(back_only ? -hours : hours - 100));
  }
  void restart() { world_.restart(); }
  /// Power off, and on again after a while, of which the system clock knows or not.
  void reboot() {
    world_.restart([&] {
      world_.boot += "'";
      const Duration away = std::chrono::seconds(pick(20 * 60));
      truth_.now += away;
      const Duration up = world_.manual.steady_now().time_since_epoch();
      world_.manual.advance(-up);
      world_.manual.jump_system(up + (pick(2) == 0 ? away : 0s));
    });
  }
  void fail_to_write() {
    world_.break_writing("guards.json");
    const std::string& name = names[pick(names.size())];
    const Command command = command_for(name);
    const auto verdict = world_.guards->check_and_record(command, running_process()).reason;
    CHECK(verdict != Reason::accepted);
    world_.mend_writing("guards.json");
    if (verdict == Reason::gave_up) {
      truth_.processes[name].gave_up = true;
      CHECK(world_.guards->check(command, running_process(), false).reason == verdict);
      world_.restart();  // what could not be written is by now
    }
  }
  void reset() {
    const std::string& name = names[pick(names.size())];
    const auto reset = world_.guards->reset(command_for(name).target);
    CHECK((reset || reset.error().kind == base::ErrorKind::not_found));
    truth_.processes.erase(name);
  }
  [[nodiscard]] std::size_t pick(std::size_t below) { return random_() % below; }

  std::set<Reason> seen;
  int accepted = 0;

 private:
  /// As two rules would ask, one of which is in a hurry.
  [[nodiscard]] Command command_for(const std::string& name) {
    Command command = alert_command(name);
    command.trigger->limits.per_target = per_target;
    command.trigger->limits.cooldown.max = pick(2) == 0 ? Duration(1h) : Duration(1min);
    return command;
  }

  std::mt19937 random_;
  GuardedWorld world_;
  Truth truth_;
};

TEST_CASE(
    "Guards: budgets, cooldowns and latches hold to the letter while the agent comes and goes") {
  std::set<Reason> seen;
  for (unsigned seed = 1; seed <= 4; ++seed) {
    Play play(seed);
    for (int step = 0; step < 200; ++step) {
      CAPTURE(seed, step);
      play.step(true);
      const std::size_t chance = play.pick(20);
      if (chance == 0) {
        play.set_clock(false);
      } else if (chance <= 2) {
        play.restart();
      } else if (chance == 3) {
        play.fail_to_write();
      } else if (chance == 4) {
        play.reset();
      } else {
        play.pass_time();
      }
    }
    CHECK(play.accepted > 10);
    seen.merge(play.seen);
  }
  CHECK(seen == std::set{Reason::accepted, Reason::cooldown, Reason::budget, Reason::gave_up});
}

TEST_CASE("Guards: over reboots, with a system clock that lags behind, no budget is exceeded") {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    Play play(seed);
    for (int step = 0; step < 200; ++step) {
      CAPTURE(seed, step);
      play.step(false);
      const std::size_t chance = play.pick(20);
      if (chance <= 1) {
        play.set_clock(true);
      } else if (chance <= 3) {
        play.reboot();
      } else if (chance == 4) {
        play.reset();
      } else {
        play.pass_time();
      }
    }
    CHECK(play.accepted > 10);
  }
}

TEST_CASE("Guards: rules that act at the same time exceed no budget") {
  const unsigned seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  GuardedWorld world({total, {}});
  std::mt19937 random(seed);
  std::vector<base::SteadyTime> all;
  std::map<std::string, std::vector<base::SteadyTime>> each_did;
  for (int round = 0; round < 20; ++round) {
    base::Guarded<std::vector<std::string>> did;
    {
      std::vector<std::jthread> threads;
      for (int rule = 0; rule < 4; ++rule) {
        Command command = alert_command(names[random() % names.size()]);
        command.trigger->limits.per_target = per_target;
        command.trigger->limits.cooldown.max = 0s;
        threads.emplace_back([&world, &did, command] {
          if (world.guards->check_and_record(command, running_process()).reason ==
              Reason::accepted) {
            did.with(
                [&](auto& names_so_far) { names_so_far.push_back(command.target.name.text()); });
          }
        });
      }
    }
    const auto now = world.manual.steady_now();
    const auto within = [&](const std::vector<base::SteadyTime>& times, Duration span) {
      return std::count_if(times.begin(), times.end(),
                           [&](base::SteadyTime at) { return now - at < span; });
    };
    for (const std::string& name : did.copy()) {
      all.push_back(now);
      each_did[name].push_back(now);
      CHECK(within(all, total.within) <= total.actions);
      CHECK(within(each_did[name], per_target.within) <= per_target.actions);
    }
    world.manual.advance(std::chrono::seconds(random() % 1200));
  }
  CHECK(all.size() >= total.actions);
}

}  // namespace
}  // namespace reeve::guards
