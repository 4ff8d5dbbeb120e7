#include "cli/select.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "substrate/own_program.h"
#include "substrate/selector.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;
using substrate::InstanceDetail;
using substrate::InstanceName;
using substrate::InstanceState;
using substrate::Selector;

/// supervisord's own group and all calls pass by what needs nothing.
bool concerns(Verb verb, InstanceState state) {
  const bool started = state == InstanceState::starting || state == InstanceState::running ||
                       state == InstanceState::backoff;
  switch (verb) {
    case Verb::start:
      return !started;
    case Verb::stop:
      return started;
    case Verb::signal:
      return state == InstanceState::starting || state == InstanceState::running ||
             state == InstanceState::stopping;
    case Verb::list:
    case Verb::status:
    case Verb::pid:
    case Verb::tail:
    case Verb::clear:
    case Verb::reread:
    case Verb::update:
    case Verb::healthcheck:
    case Verb::ask_agent:
    case Verb::restart:
      return true;
  }
  return true;
}

class Search {
 public:
  Search(Session& session, Verb verb, bool acts) : session_(session), verb_(verb), acts_(acts) {}

  void add(const std::string& text) {
    const bool all = text == "all";
    auto selector = Selector::parse(all ? "*" : text);
    if (!selector) {
      nothing({ErrorKind::not_found, selector.error().message}, text);
      return;
    }
    const std::vector<const Manager*> managers = candidates(*selector);
    if (managers.empty()) {
      nothing({ErrorKind::not_found, "no supervisord is named '" + selector->supervisor() + "'"},
              text);
    } else if (const auto name = selector->single()) {
      add_single(*name, managers, text);
    } else {
      add_pattern(*selector, managers, all);
    }
  }

  Selection take() { return std::move(selection_); }

 private:
  using Listings = std::map<const Manager*, std::optional<substrate::Listing>>;

  std::vector<const Manager*> candidates(const Selector& selector) const {
    std::vector<const Manager*> found;
    for (const Manager& manager : session_.managers) {
      if (selector.supervisor().empty() || selector.supervisor() == manager.options.name) {
        found.push_back(&manager);
      }
    }
    return found;
  }

  void nothing(base::Error error, const std::string& text) {
    selection_.code = exit_code(verb_, error.kind);
    session_.output.problem({std::move(error), {}, text});
  }

  void put(Target target) {
    if (taken_.emplace(target.manager, target.name).second) {
      selection_.targets.push_back(std::move(target));
    }
  }

  void add_single(const InstanceName& name, const std::vector<const Manager*>& managers,
                  const std::string& text) {
    if (acts_ && managers.size() == 1) {
      put({managers.front(), name});
      return;
    }
    std::vector<Target> found;
    std::optional<std::pair<const Manager*, base::Error>> missing;
    for (const Manager* manager : managers) {
      auto seen = ask(session_, *manager, [&] {
        return manager->peer.substrate->get_instance(name, session_.call_deadline(*manager));
      });
      if (seen) {
        found.push_back({manager, name, *std::move(seen)});
      } else if (seen.error().kind == ErrorKind::not_found) {
        missing.emplace(manager, std::move(seen.error()));
      } else {
        selection_.code = session_.report(verb_, std::move(seen.error()), *manager, text);
        return;
      }
    }
    if (found.empty()) {
      const Manager& manager = *missing->first;
      selection_.code = session_.report(verb_, std::move(missing->second), manager, text);
    } else if (acts_ && found.size() > 1) {
      nothing({ErrorKind::invalid_argument, "several supervisords have '" + text +
                                                "': put SUPERVISOR/ before it, as in " +
                                                session_.label(*found.front().manager, text)},
              text);
    } else {
      std::for_each(found.begin(), found.end(), [&](Target& each) { put(std::move(each)); });
    }
  }

  void add_pattern(const Selector& selector, const std::vector<const Manager*>& managers,
                   bool all) {
    bool matched = all;
    for (const Manager* manager : managers) {
      const auto& listing = listing_of(*manager);
      if (!listing) {
        matched = true;  // or perhaps not: the error was reported
        continue;
      }
      for (const InstanceDetail& detail : listing->instances) {
        if (selector.matches(manager->options.name, detail.name)) {
          matched = true;
          put_matched(*manager, detail);
        }
      }
    }
    if (!matched) {
      nothing({ErrorKind::not_found, "no process matches '" + selector.text() + "'"},
              selector.text());
      // supervisorctl's answer to the start of an unknown group.
      const bool unknown_group = selector.text().ends_with(":*") || selector.text().ends_with(':');
      if (unknown_group && (verb_ == Verb::start || verb_ == Verb::restart)) {
        selection_.code = exit_usage;
      }
    }
  }

  void put_matched(const Manager& manager, const InstanceDetail& detail) {
    if (acts_ && !concerns(verb_, detail.state)) {
      return;
    }
    if (acts_ && verb_ != Verb::clear && own_programs(manager).contains(detail.name)) {
      session_.output.notice("leaving out " + session_.label(manager, detail.name.text()) +
                             ": it runs Reeve itself; name it to act on it");
      return;
    }
    put({&manager, detail.name, detail, false});
  }

  const std::optional<substrate::Listing>& listing_of(const Manager& manager) {
    const auto known = listings_.find(&manager);
    if (known != listings_.end()) {
      return known->second;
    }
    auto listing = ask(session_, manager, [&] {
      return manager.peer.substrate->list_instances(session_.listing_deadline());
    });
    if (!listing) {
      selection_.code = session_.report(verb_, std::move(listing.error()), manager);
      return listings_[&manager];
    }
    if (listing->rejected > 0) {
      session_.output.notice("left out " + std::to_string(listing->rejected) +
                             " records of supervisord that could not be read");
    }
    return listings_[&manager] = *std::move(listing);
  }

  /// Empty where supervisord cannot tell.
  const std::set<InstanceName>& own_programs(const Manager& manager) {
    const auto known = own_.find(&manager);
    if (known != own_.end()) {
      return known->second;
    }
    const auto programs = manager.peer.administration->programs(session_.listing_deadline());
    std::set<InstanceName>& own = own_[&manager];
    for (const substrate::ProgramConfig& program :
         programs.value_or(std::vector<substrate::ProgramConfig>{})) {
      if (substrate::runs_reeve(program)) {
        own.insert(program.name);
      }
    }
    return own;
  }

  Session& session_;
  Verb verb_;
  bool acts_;
  Selection selection_;
  std::set<std::pair<const Manager*, InstanceName>> taken_;
  Listings listings_;
  std::map<const Manager*, std::set<InstanceName>> own_;
};

Selection select(Session& session, Verb verb, const Names& names, bool acts) {
  Search search(session, verb, acts);
  for (const std::string& name : names.empty() ? Names{"all"} : names) {
    search.add(name);
  }
  return search.take();
}

}  // namespace

Selection select_to_act(Session& session, Verb verb, const Names& names) {
  return select(session, verb, names, true);
}

Selection select_to_look(Session& session, Verb verb, const Names& names) {
  return select(session, verb, names, false);
}

}  // namespace reeve::cli
