#include <algorithm>
#include <set>

#include "cli/commands.h"
#include "cli/session.h"
#include "cli/table.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;
using base::Result;
using substrate::ConfigChanges;
using substrate::StopMode;

void show_changes(const Session& session, const Supervisord& supervisord,
                  const ConfigChanges& changes) {
  if (session.output.json()) {
    session.output.write(changes_json(supervisord.options.name, changes) + '\n');
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
    session.output.write(escaped(session.label(supervisord, group)) + ": " + word + '\n');
  }
  if (lines.empty()) {
    const std::string prefix =
        session.supervisords.size() > 1 ? escaped(supervisord.options.name) + ": " : "";
    session.output.message(prefix + "no changes");
  }
}

/// Applies supervisord's changed configuration, group by group, as supervisorctl's update does.
/// Made before the reread: afterwards supervisord describes the new configuration.
class GroupUpdate {
 public:
  GroupUpdate(Session& session, const Supervisord& supervisord, const Names& wanted)
      : session_(session), supervisord_(supervisord), wanted_(wanted.begin(), wanted.end()) {
    for (const substrate::InstanceName& name : own_programs(session, supervisord)) {
      own_groups_.insert(name.group);
    }
    if (wanted_.contains("all")) {
      wanted_.clear();
    }
  }

  int apply(const ConfigChanges& changes) {
    auto listing = supervisord_.substrate->list_instances(session_.call_deadline(supervisord_));
    if (!listing) {
      return session_.report(Verb::update, listing.error(), supervisord_);
    }
    listing_ = *std::move(listing);
    report_unknown_groups(changes);
    for (const std::string& group : changes.removed) {
      update_group(
          group, [&] { return stop(group).and_then([&] { return remove(group); }); },
          "removed process group");
    }
    for (const std::string& group : changes.changed) {
      update_group(
          group,
          [&] {
            return stop(group).and_then([&] { return remove(group); }).and_then([&] {
              return add(group);
            });
          },
          "updated process group");
    }
    for (const std::string& group : changes.added) {
      update_group(
          group, [&] { return add(group); }, "added process group", IsNew::yes);
    }
    if (skipped_ > 0) {
      session_.output.notice("interrupted: " + std::to_string(skipped_) + " of " +
                             std::to_string(groups_) + " groups left as they are");
      code_ = exit_failure;
    }
    return code_;
  }

 private:
  void report_unknown_groups(const ConfigChanges& changes) {
    for (const std::string& group : wanted_) {
      const bool active = std::any_of(
          listing_.instances.begin(), listing_.instances.end(),
          [&](const substrate::InstanceDetail& detail) { return detail.name.group == group; });
      const bool added =
          std::find(changes.added.begin(), changes.added.end(), group) != changes.added.end();
      if (!active && !added) {
        code_ = session_.report(Verb::update, {ErrorKind::not_found, "no such group: " + group},
                                supervisord_, group);
      }
    }
  }

  enum class IsNew : bool { no, yes };

  template <class Work>
  void update_group(const std::string& group, const Work& work, const std::string& result,
                    IsNew is_new = IsNew::no) {
    if (!wanted_.empty() && !wanted_.contains(group)) {
      return;
    }
    ++groups_;
    if (session_.stop.stop_requested()) {
      ++skipped_;
      return;
    }
    if (own_groups_.contains(group) && is_new == IsNew::no) {  // to add it stops nothing
      session_.output.notice("leaving out " + session_.label(supervisord_, group) +
                             ": it runs Reeve itself; update it with supervisorctl");
      return;
    }
    if (const Result<void> done = work(); !done) {
      code_ = session_.report(Verb::update, done.error(), supervisord_, group);
    } else if (session_.output.json()) {
      session_.output.write(group_result_json(supervisord_.options.name, group, result) + '\n');
    } else {
      session_.output.message(escaped(session_.label(supervisord_, group)) + ": " + result);
    }
  }

  /// First a stop without waiting for each process, so that they stop in parallel; then waits.
  Result<void> stop(const std::string& group) {
    const WaitNotice notice(session_, "waiting for group " + group + " to stop");
    for (const StopMode mode : {StopMode::force, StopMode::graceful}) {
      for (const substrate::InstanceDetail& detail : listing_.instances) {
        if (detail.name.group != group || !substrate::is_active(detail.state)) {
          continue;
        }
        const auto stopped = supervisord_.substrate->stop_instance(detail.name, mode,
                                                                   session_.transition_deadline());
        if (!stopped) {
          return base::failure(stopped.error());
        }
      }
    }
    return {};
  }

  Result<void> remove(const std::string& group) {
    return supervisord_.administration->remove_group(
        group, session_.uninterruptible_deadline(supervisord_.options.timeout));
  }

  Result<void> add(const std::string& group) {
    return supervisord_.administration->add_group(
        group, session_.uninterruptible_deadline(supervisord_.options.timeout));
  }

  Session& session_;
  const Supervisord& supervisord_;
  std::set<std::string> wanted_;
  std::set<std::string> own_groups_;
  substrate::Listing listing_;
  std::size_t groups_ = 0;   ///< to be changed
  std::size_t skipped_ = 0;  ///< of these, because of an interrupt
  int code_ = exit_success;
};

}  // namespace

int run(Session& session, const Reread&) {
  int code = exit_success;
  for (const Supervisord& supervisord : session.supervisords) {
    const auto changes = call_supervisord(session, supervisord, [&] {
      return supervisord.administration->reread(session.transfer_deadline());
    });
    if (changes) {
      show_changes(session, supervisord, *changes);
    } else {
      code = session.report(Verb::reread, changes.error(), supervisord);
    }
  }
  return code;
}

int run(Session& session, const Update& command) {
  int code = exit_success;
  for (const Supervisord& supervisord : session.supervisords) {
    GroupUpdate update(session, supervisord, command.groups);
    const auto changes = supervisord.administration->reread(session.transfer_deadline());
    const int result = changes ? update.apply(*changes)
                               : session.report(Verb::update, changes.error(), supervisord);
    code = result == exit_success ? code : result;
  }
  return code;
}

}  // namespace reeve::cli
