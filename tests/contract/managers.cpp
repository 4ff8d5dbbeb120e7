#include "contract/managers.h"

#include <map>

namespace reeve::tests {

using namespace std::chrono_literals;

namespace {

std::string seconds_text(base::Duration span) {
  const auto tenths = std::chrono::duration_cast<std::chrono::milliseconds>(span).count() / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

/// A command that behaves as the program is described.
std::string command_of(const FakeProgram& program) {
  const std::string exit = "exit " + std::to_string(program.exit_status);
  if (program.dies_after == base::Duration::zero()) {
    return "/bin/sh -c \"" + exit + "\"";
  }
  if (program.dies_after) {
    return "/bin/sh -c \"sleep " + seconds_text(*program.dies_after) + "; " + exit + "\"";
  }
  return program.command;
}

std::string section_of(const FakeProgram& program) {
  using Restart = FakeProgram::Restart;
  const std::map<Restart, std::string> restarts = {
      {Restart::never, "false"}, {Restart::unexpected, "unexpected"}, {Restart::always, "true"}};
  std::string section = "[program:" + program.name.name + "]\ncommand=" + command_of(program);
  section += "\nautostart=" + std::string(program.autostart ? "true" : "false");
  section += "\nautorestart=" + restarts.at(program.autorestart);
  section += "\nstartsecs=" + std::to_string(program.start_seconds.count());
  section += "\nstartretries=" + std::to_string(program.start_retries);
  section += "\nstopwaitsecs=" + std::to_string(program.stop_wait_seconds.count());
  if (!program.stops_after) {
    section += "\nstopsignal=URG";  // which does nothing to a process that does not catch it
  }
  return section + (program.has_logs ? "\n" : "\nstdout_logfile=none\nstderr_logfile=none\n");
}

FakeProgram program(const char* name) {
  FakeProgram made;
  made.name = substrate::InstanceName::parse(name).value();
  made.start_seconds = 0s;
  made.autorestart = FakeProgram::Restart::never;
  return made;
}

FakeProgram resting(const char* name) {
  FakeProgram made = program(name);
  made.autostart = false;
  // Between fork and exec supervisord's own handlers swallow the stop signal: then it is this
  // long until the kill.
  made.stop_wait_seconds = 2s;
  return made;
}

std::vector<FakeProgram> programs_at_rest() {
  FakeProgram slow = resting("slow_start");
  slow.start_seconds = 1s;
  FakeProgram quick = resting("quick_exit");
  quick.start_seconds = 5s;  // supervisord may notice the death a second late
  quick.start_retries = 0;
  quick.dies_after = 0s;
  quick.exit_status = 1;
  FakeProgram missing = resting("missing_command");
  missing.command_missing = true;
  missing.command = "/nonexistent/binary";
  FakeProgram deaf = resting("deaf");
  deaf.stops_after.reset();
  deaf.stop_wait_seconds = 5s;
  FakeProgram very_deaf = deaf;
  very_deaf.name = {"very_deaf", "very_deaf"};
  very_deaf.stop_wait_seconds = 3600s;
  FakeProgram crashing = resting("crashing");
  crashing.autorestart = FakeProgram::Restart::always;
  crashing.dies_after = 100ms;
  crashing.exit_status = 3;
  return {resting("stopped_never"),
          resting("stopped_after_run"),
          resting("obedient"),
          slow,
          quick,
          missing,
          deaf,
          very_deaf,
          crashing};
}

std::vector<FakeProgram> programs_that_run() {
  FakeProgram starting = program("starting");
  starting.start_seconds = 600s;
  FakeProgram backoff = program("backoff");
  backoff.command_missing = true;
  backoff.command = "/nonexistent/binary";
  backoff.start_retries = 1000000;
  FakeProgram retrying = backoff;
  retrying.name = {"retrying", "retrying"};
  FakeProgram fatal = program("fatal");
  fatal.command_missing = true;
  fatal.command = "/nonexistent/binary";
  fatal.start_retries = 0;
  FakeProgram exited_ok = program("exited_ok");
  exited_ok.dies_after = 0s;
  FakeProgram exited_bad = exited_ok;
  exited_bad.name = {"exited_bad", "exited_bad"};
  exited_bad.exit_status = 7;
  FakeProgram nolog = program("nolog");
  nolog.has_logs = false;
  FakeProgram chatty = program("chatty");
  chatty.command = "/bin/sh -c \"printf 0123456789; printf oops >&2; exec sleep 100000\"";
  return {program("running"),
          program("naïve-日本"),
          program("a&b<c>\"d'"),
          program("worker:worker_00"),
          program("worker:worker_01"),
          starting,
          backoff,
          retrying,
          fatal,
          exited_ok,
          exited_bad,
          nolog,
          chatty};
}

RealSupervisord& the_supervisord() {
  static RealSupervisord supervisord(sections_of(contract_programs()));
  return supervisord;
}

}  // namespace

std::vector<FakeProgram> contract_programs() {
  std::vector<FakeProgram> programs = programs_at_rest();
  for (FakeProgram& running : programs_that_run()) {
    programs.push_back(std::move(running));
  }
  return programs;
}

std::string sections_of(const std::vector<FakeProgram>& programs) {
  std::string sections;
  std::map<std::string, std::string> groups;
  for (const FakeProgram& each : programs) {
    sections += section_of(each);
    if (each.name.group != each.name.name) {
      std::string& members = groups[each.name.group];
      members += (members.empty() ? "" : ",") + each.name.name;
    }
  }
  for (const auto& [group, members] : groups) {
    sections += "[group:" + group + "]\nprograms=" + members + "\n";
  }
  return sections;
}

FakeManager::FakeManager() {
  for (const FakeProgram& each : contract_programs()) {
    fake_.add(each);
  }
  fake_.write_log({"chatty", "chatty"}, substrate::LogStream::standard_output, "0123456789");
  fake_.write_log({"chatty", "chatty"}, substrate::LogStream::standard_error, "oops");
  fake_.write_manager_log(
      "2026-11-22 05:43:00,000 INFO supervisord started with pid 100\n"
      "2026-11-22 05:43:01,000 INFO spawned: 'naïve-日本' with pid 1001\n");
}

bool FakeManager::eventually(const std::function<bool()>& predicate) {
  for (int turns = 0; turns < 600; ++turns) {
    if (predicate()) {
      return true;
    }
    fake_.tick(100ms);
  }
  return predicate();
}

void FakeManager::configure(const std::vector<FakeProgram>& programs) {
  const auto configured = fake_.programs(within(1s)).value();
  for (const substrate::ProgramConfig& each : configured) {
    fake_.unconfigure(each.name.group);
  }
  for (const FakeProgram& each : programs) {
    fake_.configure(each);
  }
}

RealManager::RealManager()
    : supervisord_(connect_to(the_supervisord().over_socket())), poll_source_(*supervisord_) {}

void RealManager::configure(const std::vector<FakeProgram>& programs) {
  the_supervisord().rewrite(sections_of(programs));
}

}  // namespace reeve::tests
