// What a test does to FakeSubstrate; its calls are in fake_substrate.cpp.

#include <algorithm>

#include "support/fake_substrate.h"

namespace reeve::tests {

using substrate::InstanceName;
using substrate::LogStream;

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
  settle();
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
  settle();
  world_.with([&](World& world) { world.supervisor.active.at(name).die(now(), exit_status); });
  settle();
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
  settle();
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
  settle();
  return world_.with(
      [&](World& world) { return world.supervisor.active.at(name).detail(clock_->system_now()); });
}

}  // namespace reeve::tests
