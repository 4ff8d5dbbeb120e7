#include "support/fake_substrate.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/text.h"

namespace reeve::tests {

using base::Deadline;
using base::ErrorKind;
using base::failure;
using base::Result;
using substrate::InstanceName;
using substrate::InstanceState;
using substrate::LogStream;
using substrate::Outcome;

namespace {

tl::unexpected<base::Error> no_such(const std::string& what) {
  return base::failure(base::ErrorKind::not_found, "no such process or group: " + what);
}

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

struct Edges {
  std::size_t begin;
  std::size_t end;
};

Edges edges_of(const std::string& text, const substrate::LogRange& range) {
  const std::uint64_t size = text.size();
  const std::uint64_t begin = range.from == substrate::LogRange::From::end
                                  ? size - std::min(size, range.length)
                                  : std::min(size, range.offset);
  return {begin, begin + std::min(range.length, size - begin)};
}

/// Characters cut by an edge of the range are left out.
std::string range_of(const std::string& text, const substrate::LogRange& range) {
  auto [begin, end] = edges_of(text, range);
  while (begin > 0 && begin < end && continues_character(text[begin])) {
    ++begin;
  }
  while (end < text.size() && end > begin && continues_character(text[end])) {
    --end;
  }
  return base::to_utf8(std::string_view(text).substr(begin, end - begin));
}

/// Nothing unless it is UTF-8 as it stands.
std::optional<std::string> slice_of(const std::string& text, const substrate::LogRange& range) {
  const auto [begin, end] = edges_of(text, range);
  const std::string_view slice = std::string_view(text).substr(begin, end - begin);
  return base::is_utf8(slice) ? std::optional(std::string(slice)) : std::nullopt;
}

/// By name as supervisord takes it, and whether it ends a process that does not catch it.
std::optional<bool> ends_process(const std::string& signal) {
  static const std::map<std::string, bool> known = {{"HUP", true},  {"INT", true},  {"KILL", true},
                                                    {"TERM", true}, {"USR1", true}, {"USR2", true},
                                                    {"URG", false}, {"CONT", false}};
  const auto found = known.find(signal.starts_with("SIG") ? signal.substr(3) : signal);
  return found == known.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

template <class Work>
auto FakeSubstrate::serve(const FakeCall& call, const base::Deadline& deadline, Work&& work)
    -> decltype(work()) {
  world_.with([&](World& world) { world.calls.push_back(call); });
  if (const auto possible = deadline.check("calling supervisord"); !possible) {
    return base::failure(possible.error());
  }
  if (const auto scripted = take_failure(call.operation, false)) {
    if (scripted->late_by == base::Duration::zero()) {
      return base::failure(suffer(*scripted, deadline));
    }
    if (!deadline.wait(scripted->late_by)) {
      return base::failure(deadline.check("waiting for an answer").error());
    }
  }
  apply_due();
  auto result = work();
  apply_due();
  if (const auto scripted = take_failure(call.operation, true)) {
    return base::failure(suffer(*scripted, deadline));
  }
  return result;
}

template <class Use>
auto FakeSubstrate::with_process(const substrate::InstanceName& name, Use&& use)
    -> decltype(use(std::declval<World&>(), std::declval<FakeProcess&>())) {
  return world_.with([&](World& world) -> decltype(use(world, std::declval<FakeProcess&>())) {
    FakeProcess* const process = world.supervisor.find(name);
    if (process == nullptr) {
      return no_such(name.text());
    }
    return use(world, *process);
  });
}

FakeSubstrate::FakeSubstrate(ManualClock& clock) : clock_(&clock) {}

FakeMoment FakeSubstrate::now() const {
  return {clock_->steady_now(), clock_->system_now()};
}

void FakeSubstrate::apply_due() {
  const FakeMoment moment = now();
  const auto due = world_.with([&](World& world) {
    const auto first_due =
        std::stable_partition(world.scheduled.begin(), world.scheduled.end(),
                              [&](const Scheduled& each) { return each.at > moment.steady; });
    std::vector<Scheduled> taken(std::make_move_iterator(first_due),
                                 std::make_move_iterator(world.scheduled.end()));
    world.scheduled.erase(first_due, world.scheduled.end());
    world.supervisor.apply_due(moment);
    return taken;
  });
  for (const Scheduled& each : due) {
    each.action();
  }
  world_.with([&](World& world) { world.supervisor.apply_due(moment); });
}

void FakeSubstrate::tick(base::Duration span) {
  clock_->advance(span);
  apply_due();
}

void FakeSubstrate::let_test_turn_clock() {
  world_.with([](World& world) { world.test_turns_clock = true; });
}

void FakeSubstrate::let_time_pass(const Deadline& deadline) {
  const auto [by_test, next] = world_.with([](World& world) {
    auto soonest = world.supervisor.next_due();
    for (const Scheduled& each : world.scheduled) {
      soonest = std::min(each.at, soonest.value_or(each.at));
    }
    return std::pair(world.test_turns_clock, soonest);
  });
  const bool own_clock = &deadline.clock() == clock_;
  if (by_test) {
    // Real time: the clock may have been turned since the caller looked.
    static const base::SystemClock real;
    (void)Deadline::after(real, std::chrono::seconds(1), deadline.stop())
        .wait(std::chrono::milliseconds(5));
  } else if (next && (!own_clock || *next < deadline.at())) {
    clock_->advance_to(*next);
  } else if (own_clock) {
    clock_->advance_to(deadline.at());
  } else {
    (void)deadline.wait(deadline.remaining());
  }
  apply_due();
}

std::size_t FakeSubstrate::follows_begun() const {
  return world_.with([](const World& world) { return world.follows_begun; });
}

std::optional<FakeFailure> FakeSubstrate::take_failure(Operation operation, bool after_its_work) {
  return world_.with([&](World& world) -> std::optional<FakeFailure> {
    const auto found = std::find_if(
        world.failures.begin(), world.failures.end(), [&](const FakeFailure& candidate) {
          return candidate.after_its_work == after_its_work &&
                 (candidate.operation == Operation::any || candidate.operation == operation);
        });
    if (found == world.failures.end()) {
      return std::nullopt;
    }
    const FakeFailure taken = *found;
    if (found->times != FakeFailure::always && --found->times == 0) {
      world.failures.erase(found);
    }
    return taken;
  });
}

base::Error FakeSubstrate::suffer(const FakeFailure& scripted, const Deadline& deadline) {
  if (!scripted.hangs) {
    return scripted.error;
  }
  while (deadline.check("waiting for an answer")) {
    let_time_pass(deadline);
  }
  return deadline.check("waiting for an answer").error();
}

void FakeSubstrate::after(base::Duration span, std::function<void()> action) {
  world_.with([&](World& world) {
    world.scheduled.push_back({clock_->steady_now() + span, std::move(action)});
  });
}

void FakeSubstrate::add(const FakeProgram& program) {
  world_.with([&](World& world) {
    world.supervisor.configure(program);
    world.supervisor.active.insert_or_assign(program.name,
                                             FakeProcess(program, clock_->steady_now()));
  });
  apply_due();
}

void FakeSubstrate::remove(const std::string& group) {
  world_.with([&](World& world) {
    world.supervisor.unconfigure(group);
    world.supervisor.deactivate(group);
  });
}

void FakeSubstrate::configure(const FakeProgram& program) {
  world_.with([&](World& world) { world.supervisor.configure(program); });
}

void FakeSubstrate::unconfigure(const std::string& group) {
  world_.with([&](World& world) { world.supervisor.unconfigure(group); });
}

void FakeSubstrate::change(const InstanceName& name,
                           const std::function<void(FakeProgram&)>& edit) {
  world_.with([&](World& world) {
    edit(world.supervisor.active.at(name).program);
    edit(world.supervisor.configuration.at(name));
  });
}

void FakeSubstrate::crash(const InstanceName& name, int exit_status) {
  apply_due();
  world_.with([&](World& world) { world.supervisor.active.at(name).die(now(), exit_status); });
  apply_due();
}

void FakeSubstrate::lose(const InstanceName& name) {
  world_.with([&](World& world) { world.supervisor.active.at(name).lose(); });
}

void FakeSubstrate::write_log(const InstanceName& name, LogStream stream, std::string_view bytes) {
  world_.with([&](World& world) { world.supervisor.active.at(name).text(stream).append(bytes); });
}

void FakeSubstrate::write_manager_log(std::string_view bytes) {
  world_.with([&](World& world) { world.log.append(bytes); });
}

void FakeSubstrate::reject(const InstanceName& name) {
  world_.with([&](World& world) { world.rejected.push_back(name); });
}

void FakeSubstrate::restart_manager(substrate::Pid pid) {
  world_.with([&](World& world) {
    world.pid = pid;
    world.supervisor.restart(clock_->steady_now());
  });
  apply_due();
}

void FakeSubstrate::set_description(substrate::ManagerDescription description) {
  world_.with([&](World& world) { world.description = std::move(description); });
}

void FakeSubstrate::fail(FakeFailure scripted) {
  world_.with([&](World& world) { world.failures.push_back(std::move(scripted)); });
}

void FakeSubstrate::recover() {
  world_.with([](World& world) { world.failures.clear(); });
}

std::vector<FakeCall> FakeSubstrate::calls() const {
  return world_.with([](const World& world) { return world.calls; });
}

std::size_t FakeSubstrate::count(Operation operation) const {
  return world_.with([&](const World& world) {
    return static_cast<std::size_t>(
        std::count_if(world.calls.begin(), world.calls.end(),
                      [&](const FakeCall& call) { return call.operation == operation; }));
  });
}

std::vector<std::string> FakeSubstrate::marks() const {
  return world_.with([](const World& world) { return world.marks; });
}

substrate::InstanceDetail FakeSubstrate::look(const InstanceName& name) {
  apply_due();
  return world_.with(
      [&](World& world) { return world.supervisor.active.at(name).detail(clock_->system_now()); });
}

Result<substrate::Pid> FakeSubstrate::connect(const Deadline& deadline) {
  return serve({Operation::connect, ""}, deadline, [&]() -> Result<substrate::Pid> {
    return world_.with([](World& world) { return world.pid; });
  });
}

substrate::Listing FakeSubstrate::listing(const World& world) const {
  substrate::Listing listing;
  for (const auto& [name, process] : world.supervisor.active) {
    if (std::find(world.rejected.begin(), world.rejected.end(), name) != world.rejected.end()) {
      ++listing.rejected;
    } else {
      listing.instances.push_back(process.detail(clock_->system_now()));
    }
  }
  return listing;
}

Result<substrate::Listing> FakeSubstrate::list_instances(const Deadline& deadline) {
  return serve({Operation::list, ""}, deadline, [&]() -> Result<substrate::Listing> {
    return world_.with([&](World& world) { return listing(world); });
  });
}

Result<substrate::InstanceDetail> FakeSubstrate::get_instance(const InstanceName& name,
                                                              const Deadline& deadline) {
  return serve({Operation::get, name.text()}, deadline, [&] {
    return with_process(name, [&](World&, FakeProcess& process) {
      return Result<substrate::InstanceDetail>(process.detail(clock_->system_now()));
    });
  });
}

Result<Outcome> FakeSubstrate::start_instance(const InstanceName& name, const Deadline& deadline) {
  return serve({Operation::start, name.text()}, deadline, [&]() -> Result<Outcome> {
    const auto begun =
        with_process(name, [&](World& world, FakeProcess& process) -> Result<Outcome> {
          switch (process.state()) {
            case InstanceState::running:
            case InstanceState::starting:
            case InstanceState::backoff:
              return Outcome::unchanged;
            case InstanceState::stopping:
              return failure(ErrorKind::conflict, name.text() + " is being stopped");
            case InstanceState::unknown:
              return failure(ErrorKind::fault, name.text() + " is in the state UNKNOWN");
            case InstanceState::stopped:
            case InstanceState::exited:
            case InstanceState::fatal:
              break;
          }
          if (process.program.command_missing) {
            return failure(ErrorKind::no_file,
                           "can't find command '" + process.program.command + "'");
          }
          process.spawn(now(), world.supervisor.next_pid());
          return Outcome::changed;
        });
    return begun.and_then([&](Outcome outcome) { return finish_start(name, outcome, deadline); });
  });
}

Result<Outcome> FakeSubstrate::finish_start(const InstanceName& name, Outcome outcome,
                                            const Deadline& deadline) {
  for (;; let_time_pass(deadline)) {
    apply_due();
    const auto seen = with_process(name, [&](World&, FakeProcess& process) {
      return Result<substrate::InstanceDetail>(process.detail(clock_->system_now()));
    });
    if (!seen) {
      return failure(seen.error());
    }
    const InstanceState state = seen->state;
    if (state == InstanceState::running || state == InstanceState::exited) {
      return outcome;  // EXITED is reached through RUNNING alone
    }
    const bool joined_retries = state == InstanceState::backoff && outcome == Outcome::unchanged;
    if (state != InstanceState::starting && !joined_retries) {
      return failure(ErrorKind::spawn_failed,
                     name.text() + " did not stay up: " + seen->spawn_error);
    }
    if (const auto patient = deadline.check("waiting for " + name.text() + " to run"); !patient) {
      return failure(patient.error());
    }
  }
}

Result<Outcome> FakeSubstrate::stop_instance(const InstanceName& name, substrate::StopMode mode,
                                             const Deadline& deadline) {
  const bool force = mode == substrate::StopMode::force;
  return serve({Operation::stop, name.text()}, deadline, [&]() -> Result<Outcome> {
    const auto begun =
        with_process(name, [&](World& world, FakeProcess& process) -> Result<Outcome> {
          if (process.state() == InstanceState::exited && process.due()) {
            process.spawn(now(), world.supervisor.next_pid());  // a call wakes supervisord's loop
          }
          if (process.state() == InstanceState::unknown) {
            return failure(ErrorKind::conflict, name.text() + " is in the state UNKNOWN");
          }
          if (!substrate::is_active(process.state())) {
            return Outcome::unchanged;
          }
          if (process.state() == InstanceState::stopping) {
            return force ? Outcome::unchanged : Outcome::changed;
          }
          process.stop(now());
          return Outcome::changed;
        });
    return begun && *begun == Outcome::changed && !force ? finish_stop(name, deadline) : begun;
  });
}

Result<Outcome> FakeSubstrate::finish_stop(const InstanceName& name, const Deadline& deadline) {
  for (;; let_time_pass(deadline)) {
    apply_due();
    const bool stopping = world_.with([&](World& world) {
      const FakeProcess* const process = world.supervisor.find(name);
      return process != nullptr && process->state() == InstanceState::stopping;
    });
    if (!stopping) {
      return Outcome::changed;
    }
    if (const auto patient = deadline.check("waiting for " + name.text() + " to stop"); !patient) {
      return failure(patient.error());
    }
  }
}

Result<void> FakeSubstrate::create_instance(const substrate::InstanceConfig&, const Deadline&) {
  return failure(ErrorKind::not_implemented, "programs come from the configuration");
}

Result<void> FakeSubstrate::delete_instance(const InstanceName&, substrate::StopMode,
                                            const Deadline&) {
  return failure(ErrorKind::not_implemented, "programs come from the configuration");
}

Result<substrate::CommandOutput> FakeSubstrate::execute_command(const InstanceName&,
                                                                const std::string&,
                                                                const Deadline&) {
  return failure(ErrorKind::not_implemented, "there is no inside of a process");
}

Result<std::string> FakeSubstrate::read_log(const InstanceName& name, LogStream stream,
                                            const substrate::LogRange& range,
                                            const Deadline& deadline) {
  return serve({Operation::read_log, name.text()}, deadline, [&] {
    return with_process(name, [&](World&, FakeProcess& process) -> Result<std::string> {
      if (!process.program.has_logs) {
        return failure(ErrorKind::no_file, name.text() + " has no log");
      }
      return range_of(process.text(stream), range);
    });
  });
}

Result<std::uint64_t> FakeSubstrate::log_size(const InstanceName& name, LogStream stream,
                                              const Deadline& deadline) {
  return serve({Operation::log_size, name.text()}, deadline, [&] {
    return with_process(name, [&](World&, FakeProcess& process) -> Result<std::uint64_t> {
      return process.text(stream).size();
    });
  });
}

Result<void> FakeSubstrate::follow_log(const InstanceName& name, LogStream stream,
                                       const substrate::LogConsumer& consumer,
                                       const Deadline& deadline) {
  constexpr std::size_t tail_bytes = 1024;
  return serve({Operation::follow_log, name.text()}, deadline, [&]() -> Result<void> {
    std::optional<std::size_t> handed_on;
    for (;; let_time_pass(deadline)) {
      const auto fresh =
          with_process(name, [&](World& world, FakeProcess& process) -> Result<std::string> {
            if (!process.program.has_logs) {
              return failure(ErrorKind::no_file, name.text() + " has no log");
            }
            const std::string& text = process.text(stream);
            world.follows_begun += handed_on ? 0U : 1U;
            const std::size_t begin =
                handed_on.value_or(text.size() - std::min(text.size(), tail_bytes));
            handed_on = text.size();
            return text.substr(std::min(begin, text.size()));
          });
      if (!fresh) {
        return failure(fresh.error());
      }
      if (!fresh->empty() && !consumer(*fresh)) {
        return {};
      }
      if (const auto patient = deadline.check("following the log"); !patient) {
        return patient;
      }
    }
  });
}

Result<void> FakeSubstrate::clear_logs(const InstanceName& name, const Deadline& deadline) {
  return serve({Operation::clear_logs, name.text()}, deadline, [&] {
    return with_process(name, [](World&, FakeProcess& process) -> Result<void> {
      process.text(LogStream::standard_output).clear();
      process.text(LogStream::standard_error).clear();
      return {};
    });
  });
}

Result<std::string> FakeSubstrate::read_manager_log(const substrate::LogRange& range,
                                                    const Deadline& deadline) {
  return serve({Operation::read_manager_log, ""}, deadline, [&]() -> Result<std::string> {
    return world_.with([&](World& world) { return range_of(world.log, range); });
  });
}

Result<substrate::ManagerDescription> FakeSubstrate::describe(const Deadline& deadline) {
  return serve({Operation::describe, ""}, deadline, [&]() -> Result<substrate::ManagerDescription> {
    return world_.with([](World& world) { return world.description; });
  });
}

Result<std::vector<substrate::ProgramConfig>> FakeSubstrate::programs(const Deadline& deadline) {
  using Programs = std::vector<substrate::ProgramConfig>;
  return serve({Operation::programs, ""}, deadline, [&]() -> Result<Programs> {
    return world_.with([](World& world) {
      Programs programs;
      for (const auto& [name, program] : world.supervisor.configuration) {
        programs.push_back({name, world.supervisor.is_active(name.group), program.autostart,
                            program.start_seconds, program.stop_wait_seconds,
                            std::pair<std::int64_t, std::int64_t>{
                                name.group == name.name ? program.priority : 999, program.priority},
                            program.command});
      }
      return programs;
    });
  });
}

Result<void> FakeSubstrate::signal(const InstanceName& name, const std::string& signal,
                                   const Deadline& deadline) {
  return serve({Operation::signal, name.text()}, deadline, [&] {
    return with_process(name, [&](World&, FakeProcess& process) -> Result<void> {
      const auto ends = ends_process(signal);
      if (!ends) {
        return failure(ErrorKind::invalid_argument, "'" + signal + "' is no signal");
      }
      const InstanceState state = process.state();
      if (!substrate::is_active(state) || state == InstanceState::backoff) {
        return failure(ErrorKind::conflict, name.text() + " is not running");
      }
      if (*ends) {
        process.die(now(), -1);
      }
      return {};
    });
  });
}

Result<substrate::ConfigChanges> FakeSubstrate::reread(const Deadline& deadline) {
  return serve({Operation::reread, ""}, deadline, [&]() -> Result<substrate::ConfigChanges> {
    return world_.with([](World& world) { return world.supervisor.reread(); });
  });
}

Result<void> FakeSubstrate::add_group(const std::string& group, const Deadline& deadline) {
  return serve({Operation::add_group, group}, deadline, [&]() -> Result<void> {
    return world_.with([&](World& world) -> Result<void> {
      if (!world.supervisor.is_active(group) &&
          !world.supervisor.activate(group, clock_->steady_now())) {
        return no_such(group);
      }
      return {};
    });
  });
}

Result<void> FakeSubstrate::remove_group(const std::string& group, const Deadline& deadline) {
  return serve({Operation::remove_group, group}, deadline, [&]() -> Result<void> {
    return world_.with([&](World& world) -> Result<void> {
      if (!world.supervisor.is_active(group)) {
        return no_such(group);
      }
      for (const auto& [name, process] : world.supervisor.active) {
        if (name.group == group && substrate::is_active(process.state())) {
          return failure(ErrorKind::conflict, name.text() + " still runs");
        }
      }
      world.supervisor.deactivate(group);
      return {};
    });
  });
}

Result<substrate::PollAnswer> FakeSubstrate::poll(const substrate::PollRequest& request,
                                                  const Deadline& deadline) {
  const auto pid = connect(deadline);
  if (!pid) {
    return failure(pid.error());
  }
  substrate::PollAnswer answer{.pid = *pid, .listing = {}, .of_one_moment = true, .log = ""};
  const auto read_log = [&](const World& world) -> Result<std::string> {
    const auto slice = slice_of(world.log, *request.log);
    return slice ? Result<std::string>(*slice) : failure(ErrorKind::fault, "not UTF-8");
  };
  if (request.mark) {
    return serve({Operation::survey, *request.mark}, deadline,
                 [&]() -> Result<void> {
                   const auto is_control = [](char byte) {
                     return static_cast<unsigned char>(byte) < ' ';
                   };
                   if (std::any_of(request.mark->begin(), request.mark->end(), is_control)) {
                     return failure(ErrorKind::invalid_argument, "XML cannot express this mark");
                   }
                   world_.with([&](World& world) {
                     world.marks.push_back(*request.mark);
                     answer.listing = listing(world);
                     answer.log = request.log ? read_log(world) : answer.log;
                   });
                   return {};
                 })
        .map([&] { return answer; });
  }
  auto listed = list_instances(deadline);
  if (!listed) {
    return failure(std::move(listed.error()));
  }
  answer.listing = *std::move(listed);
  if (request.log) {
    answer.log = serve({Operation::read_manager_log, ""}, deadline, [&]() -> Result<std::string> {
      return world_.with([&](const World& world) { return read_log(world); });
    });
  }
  return answer;
}

}  // namespace reeve::tests
