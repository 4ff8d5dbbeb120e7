// FakeSubstrate's Logs, Administration and PollSource.

#include <algorithm>
#include <map>

#include "base/text.h"
#include "support/fake_serving.h"

namespace reeve::tests {

using base::Deadline;
using base::ErrorKind;
using base::failure;
using base::Result;
using substrate::InstanceName;
using substrate::InstanceState;
using substrate::LogStream;

namespace {

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
          with_process(name, [&](World&, FakeProcess& process) -> Result<std::string> {
            if (!process.program.has_logs) {
              return failure(ErrorKind::no_file, name.text() + " has no log");
            }
            const std::string& text = process.text(stream);
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
                            program.start_seconds, program.stop_wait_seconds, program.command});
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

Result<substrate::Survey> FakeSubstrate::survey(const substrate::SurveyRequest& request,
                                                const Deadline& deadline) {
  return serve({Operation::survey, request.mark}, deadline, [&]() -> Result<substrate::Survey> {
    const auto is_control = [](char byte) { return static_cast<unsigned char>(byte) < ' '; };
    if (std::any_of(request.mark.begin(), request.mark.end(), is_control)) {
      return failure(ErrorKind::invalid_argument, "XML cannot express this mark");
    }
    return world_.with([&](World& world) -> Result<substrate::Survey> {
      world.marks.push_back(request.mark);
      substrate::Survey survey{listing(world), std::nullopt};
      if (request.log) {
        survey.log = slice_of(world.log, *request.log);
      }
      return survey;
    });
  });
}

Result<substrate::PollAnswer> FakeSubstrate::poll(const substrate::PollRequest& request,
                                                  const Deadline& deadline) {
  const auto pid = connect(deadline);
  if (!pid) {
    return failure(pid.error());
  }
  substrate::PollAnswer answer{.pid = *pid, .state = {1, "RUNNING"}, .listing = {}, .log = ""};
  if (request.mark) {
    auto surveyed = survey({*request.mark, request.log}, deadline);
    if (!surveyed) {
      return failure(std::move(surveyed.error()));
    }
    answer.listing = std::move(surveyed->listing);
    if (surveyed->log) {
      answer.log = *std::move(surveyed->log);
    } else if (request.log) {
      answer.log = failure(ErrorKind::fault, "not UTF-8");
    }
    return answer;
  }
  auto listed = list_instances(deadline);
  if (!listed) {
    return failure(std::move(listed.error()));
  }
  answer.listing = *std::move(listed);
  if (request.log) {
    answer.log = serve({Operation::read_manager_log, ""}, deadline, [&]() -> Result<std::string> {
      const auto slice =
          world_.with([&](World& world) { return slice_of(world.log, *request.log); });
      return slice ? Result<std::string>(*slice) : failure(ErrorKind::fault, "not UTF-8");
    });
  }
  return answer;
}

}  // namespace reeve::tests
