#include <algorithm>
#include <set>

#include "cli/commands.h"
#include "cli/display.h"
#include "cli/json_lines.h"
#include "substrate/own_program.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;
using base::Result;
using substrate::ConfigChanges;
using substrate::StopMode;

void show_changes(const Session& session, const Manager& manager, const ConfigChanges& changes) {
  if (session.output.json()) {
    session.output.write(changes_json(manager.options.name, changes) + '\n');
    return;
  }
  std::vector<std::pair<std::string, std::string>> lines;
  for (const auto& [groups, word] :
       {std::pair(&changes.added, "available"), std::pair(&changes.changed, "changed"),
        std::pair(&changes.removed, "disappeared")}) {
    for (const std::string& group : *groups) {
      lines.emplace_back(group, word);
    }
  }
  std::sort(lines.begin(), lines.end());
  for (const auto& [group, word] : lines) {
    session.output.write(visible(session.label(manager, group)) + ": " + word + '\n');
  }
  if (lines.empty()) {
    const std::string prefix =
        session.managers.size() > 1 ? visible(manager.options.name) + ": " : "";
    session.output.remark(prefix + "no changes");
  }
}

/// Takes over supervisord's changed configuration, group by group, as supervisorctl's update.
class Takeover {
 public:
  Takeover(Session& session, const Manager& manager, const Names& wanted)
      : session_(session), manager_(manager), wanted_(wanted.begin(), wanted.end()) {
    if (wanted_.contains("all")) {
      wanted_.clear();
    }
  }

  /// Before the re-read: afterwards supervisord describes the new configuration.
  void learn_own_groups() {
    const auto programs = manager_.peer.administration->programs(session_.listing_deadline());
    for (const substrate::ProgramConfig& program :
         programs.value_or(std::vector<substrate::ProgramConfig>{})) {
      if (substrate::runs_reeve(program)) {
        own_.insert(program.name.group);
      }
    }
  }

  int apply(const ConfigChanges& changes) {
    auto listing = manager_.peer.substrate->list_instances(session_.listing_deadline());
    if (!listing) {
      return session_.report(Verb::update, listing.error(), manager_);
    }
    listing_ = *std::move(listing);
    check_wanted(changes);
    for (const std::string& group : changes.removed) {
      each(
          group, [&] { return stop(group).and_then([&] { return remove(group); }); },
          "removed process group");
    }
    for (const std::string& group : changes.changed) {
      each(
          group,
          [&] {
            return stop(group).and_then([&] { return remove(group); }).and_then([&] {
              return add(group);
            });
          },
          "updated process group");
    }
    for (const std::string& group : changes.added) {
      each(
          group, [&] { return add(group); }, "added process group");
    }
    if (left_ > 0) {
      session_.output.notice("interrupted: " + std::to_string(left_) + " of " +
                             std::to_string(groups_) + " groups left as they are");
      code_ = exit_failed;
    }
    return code_;
  }

 private:
  void check_wanted(const ConfigChanges& changes) {
    for (const std::string& group : wanted_) {
      const bool active = std::any_of(
          listing_.instances.begin(), listing_.instances.end(),
          [&](const substrate::InstanceDetail& detail) { return detail.name.group == group; });
      const bool added =
          std::find(changes.added.begin(), changes.added.end(), group) != changes.added.end();
      if (!active && !added) {
        code_ = session_.report(Verb::update, {ErrorKind::not_found, "no such group: " + group},
                                manager_, group);
      }
    }
  }

  template <class Work>
  void each(const std::string& group, const Work& work, const std::string& result) {
    if (!wanted_.empty() && !wanted_.contains(group)) {
      return;
    }
    ++groups_;
    if (session_.stop.stop_requested()) {
      ++left_;
      return;
    }
    if (own_.contains(group)) {
      session_.output.notice("leaving out " + session_.label(manager_, group) +
                             ": it runs Reeve itself; update it with supervisorctl");
      return;
    }
    if (const Result<void> done = work(); !done) {
      code_ = session_.report(Verb::update, done.error(), manager_, group);
    } else if (session_.output.json()) {
      session_.output.write(group_result_json(manager_.options.name, group, result) + '\n');
    } else {
      session_.output.remark(visible(session_.label(manager_, group)) + ": " + result);
    }
  }

  /// All are asked first, so that they go down side by side; then each is waited for.
  Result<void> stop(const std::string& group) {
    const WaitNotice notice(session_, "waiting for group " + group + " to stop");
    for (const StopMode mode : {StopMode::force, StopMode::graceful}) {
      for (const substrate::InstanceDetail& detail : listing_.instances) {
        if (detail.name.group != group || !substrate::is_active(detail.state)) {
          continue;
        }
        const auto stopped =
            manager_.peer.substrate->stop_instance(detail.name, mode, session_.patient_deadline());
        if (!stopped) {
          return base::failure(stopped.error());
        }
      }
    }
    return {};
  }

  Result<void> remove(const std::string& group) {
    return manager_.peer.administration->remove_group(group,
                                                      session_.unstoppable_call_deadline(manager_));
  }

  Result<void> add(const std::string& group) {
    return manager_.peer.administration->add_group(group,
                                                   session_.unstoppable_call_deadline(manager_));
  }

  Session& session_;
  const Manager& manager_;
  std::set<std::string> wanted_;
  std::set<std::string> own_;
  substrate::Listing listing_;
  std::size_t groups_ = 0;  ///< that were to be changed
  std::size_t left_ = 0;    ///< of these, because of an interrupt
  int code_ = exit_done;
};

}  // namespace

int run(Session& session, const Reread&) {
  int code = exit_done;
  for (const Manager& manager : session.managers) {
    const auto changes = ask(session, manager, [&] {
      return manager.peer.administration->reread(session.listing_deadline());
    });
    if (changes) {
      show_changes(session, manager, *changes);
    } else {
      code = session.report(Verb::reread, changes.error(), manager);
    }
  }
  return code;
}

int run(Session& session, const Update& command) {
  int code = exit_done;
  for (const Manager& manager : session.managers) {
    Takeover takeover(session, manager, command.groups);
    takeover.learn_own_groups();
    const auto changes = manager.peer.administration->reread(session.listing_deadline());
    const int result =
        changes ? takeover.apply(*changes) : session.report(Verb::update, changes.error(), manager);
    code = result == exit_done ? code : result;
  }
  return code;
}

}  // namespace reeve::cli
