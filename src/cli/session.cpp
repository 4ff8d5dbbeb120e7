#include "cli/session.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "cli/table.h"
#include "substrate/own_program.h"
#include "substrate/selector.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;
using substrate::InstanceDetail;
using substrate::InstanceName;
using substrate::InstanceState;
using substrate::Selector;

constexpr std::chrono::minutes transition_timeout{10};
constexpr std::chrono::hours no_timeout{24 * 365};

/// supervisord's own calls for a group or for all leave out the processes that need no action.
bool needs_action(Verb verb, InstanceState state) {
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
    case Verb::agent_request:
    case Verb::restart:
      return true;
  }
  return true;
}

/// Turns names and patterns into targets, and prints an error for each that selects nothing.
class SelectionBuilder {
 public:
  SelectionBuilder(Session& session, Verb verb, bool for_action)
      : session_(session), verb_(verb), for_action_(for_action) {}

  void add(const std::string& text) {
    const bool all = text == "all";
    auto selector = Selector::parse(all ? "*" : text);
    if (!selector) {
      report_no_match({ErrorKind::not_found, selector.error().message}, text);
      return;
    }
    const std::vector<const Supervisord*> supervisords = candidates(*selector);
    if (supervisords.empty()) {
      report_no_match(
          {ErrorKind::not_found, "no supervisord is named '" + selector->supervisor() + "'"}, text);
    } else if (const auto name = selector->single()) {
      add_by_name(*name, supervisords, text);
    } else {
      add_by_pattern(*selector, supervisords, all);
    }
  }

  Selection take() { return std::move(selection_); }

 private:
  using Listings = std::map<const Supervisord*, std::optional<substrate::Listing>>;

  std::vector<const Supervisord*> candidates(const Selector& selector) const {
    std::vector<const Supervisord*> found;
    for (const Supervisord& supervisord : session_.supervisords) {
      if (selector.supervisor().empty() || selector.supervisor() == supervisord.options.name) {
        found.push_back(&supervisord);
      }
    }
    return found;
  }

  void report_no_match(base::Error error, const std::string& text) {
    selection_.code = exit_code(verb_, error.kind);
    session_.output.problem({std::move(error), {}, text});
  }

  void add_target(Target target) {
    if (selected_.emplace(target.supervisord, target.name).second) {
      selection_.targets.push_back(std::move(target));
    }
  }

  void add_by_name(const InstanceName& name, const std::vector<const Supervisord*>& supervisords,
                   const std::string& text) {
    if (for_action_ && supervisords.size() == 1) {
      add_target({supervisords.front(), name});
      return;
    }
    std::vector<Target> found;
    std::optional<std::pair<const Supervisord*, base::Error>> missing;
    for (const Supervisord* supervisord : supervisords) {
      auto detail = call_supervisord(session_, *supervisord, [&] {
        return supervisord->substrate->get_instance(name, session_.call_deadline(*supervisord));
      });
      if (detail) {
        found.push_back({supervisord, name, *std::move(detail)});
      } else if (detail.error().kind == ErrorKind::not_found) {
        missing.emplace(supervisord, std::move(detail.error()));
      } else {
        selection_.code = session_.report(verb_, std::move(detail.error()), *supervisord, text);
        return;
      }
    }
    if (found.empty()) {
      const Supervisord& supervisord = *missing->first;
      selection_.code = session_.report(verb_, std::move(missing->second), supervisord, text);
    } else if (for_action_ && found.size() > 1) {
      report_no_match(
          {ErrorKind::invalid_argument, "several supervisords have '" + text +
                                            "': put SUPERVISOR/ before it, as in " +
                                            session_.label(*found.front().supervisord, text)},
          text);
    } else {
      std::for_each(found.begin(), found.end(), [&](Target& each) { add_target(std::move(each)); });
    }
  }

  void add_by_pattern(const Selector& selector, const std::vector<const Supervisord*>& supervisords,
                      bool all) {
    bool matched = all;
    for (const Supervisord* supervisord : supervisords) {
      const auto& listing = listing_of(*supervisord);
      if (!listing) {
        matched = true;  // unknown; the error has been printed
        continue;
      }
      for (const InstanceDetail& detail : listing->instances) {
        if (selector.matches(supervisord->options.name, detail.name)) {
          matched = true;
          add_match(*supervisord, detail);
        }
      }
    }
    if (!matched) {
      report_no_match({ErrorKind::not_found, "no process matches '" + selector.text() + "'"},
                      selector.text());
      // supervisorctl's answer to the start of an uncached group.
      const bool unknown_group = selector.text().ends_with(":*") || selector.text().ends_with(':');
      if (unknown_group && (verb_ == Verb::start || verb_ == Verb::restart)) {
        selection_.code = exit_usage;
      }
    }
  }

  void add_match(const Supervisord& supervisord, const InstanceDetail& detail) {
    if (for_action_ && !needs_action(verb_, detail.state)) {
      return;
    }
    if (for_action_ && verb_ != Verb::clear && is_own_program(supervisord, detail.name)) {
      session_.output.notice("leaving out " + session_.label(supervisord, detail.name.text()) +
                             ": it runs Reeve itself; name it to act on it");
      return;
    }
    add_target({&supervisord, detail.name, detail, false});
  }

  bool is_own_program(const Supervisord& supervisord, const InstanceName& name) {
    auto cached = own_programs_.find(&supervisord);
    if (cached == own_programs_.end()) {
      cached = own_programs_.emplace(&supervisord, own_programs(session_, supervisord)).first;
    }
    return cached->second.contains(name);
  }

  const std::optional<substrate::Listing>& listing_of(const Supervisord& supervisord) {
    const auto cached = listings_.find(&supervisord);
    if (cached != listings_.end()) {
      return cached->second;
    }
    auto listing = call_supervisord(session_, supervisord, [&] {
      return supervisord.substrate->list_instances(session_.listing_deadline());
    });
    if (!listing) {
      selection_.code = session_.report(verb_, std::move(listing.error()), supervisord);
      return listings_[&supervisord];
    }
    if (listing->rejected > 0) {
      session_.output.notice("left out " + std::to_string(listing->rejected) +
                             " records of supervisord that could not be read");
    }
    return listings_[&supervisord] = *std::move(listing);
  }

  Session& session_;
  Verb verb_;
  bool for_action_;
  Selection selection_;
  std::set<std::pair<const Supervisord*, InstanceName>> selected_;
  Listings listings_;
  std::map<const Supervisord*, std::set<InstanceName>> own_programs_;
};

Selection select(Session& session, Verb verb, const Names& names, bool for_action) {
  SelectionBuilder builder(session, verb, for_action);
  for (const std::string& name : names.empty() ? Names{"all"} : names) {
    builder.add(name);
  }
  return builder.take();
}

}  // namespace

Session::Session(const config::Settings& settings, const CommonOptions& options,
                 const Environment& process_environment, std::stop_token stop_request)
    : output(process_environment, options),
      environment(process_environment),
      stop(std::move(stop_request)),
      timeout_(options.settings.timeout),
      listing_timeout_(settings.config.poll.timeout) {
  std::transform(settings.config.supervisors.begin(), settings.config.supervisors.end(),
                 std::back_inserter(supervisords), environment.connect);
}

base::Deadline Session::call_deadline(const Supervisord& supervisord) const {
  return base::Deadline::after(*environment.clock, supervisord.options.timeout, stop);
}

base::Deadline Session::listing_deadline() const {
  return base::Deadline::after(*environment.clock, timeout_.value_or(listing_timeout_), stop);
}

base::Deadline Session::transition_deadline() const {
  return base::Deadline::after(*environment.clock, timeout_.value_or(transition_timeout), stop);
}

base::Deadline Session::uninterruptible_deadline() const {
  return base::Deadline::after(*environment.clock, timeout_.value_or(transition_timeout));
}

base::Deadline Session::uninterruptible_call_deadline(const Supervisord& supervisord) const {
  return base::Deadline::after(*environment.clock, supervisord.options.timeout);
}

base::Deadline Session::follow_deadline() const {
  return base::Deadline::after(*environment.clock, timeout_.value_or(no_timeout), stop);
}

std::string Session::label(const Supervisord& supervisord, const std::string& name) const {
  return supervisords.size() > 1 ? supervisord.options.name + "/" + name : name;
}

int Session::report(Verb verb, base::Error error, const Supervisord& supervisord,
                    const std::string& process) {
  const int code = exit_code(verb, error.kind);
  output.problem({std::move(error), supervisord.options.name, process});
  return code;
}

WaitNotice::WaitNotice(const Session& session, std::string text) {
  if (!session.output.shows_progress()) {
    return;
  }
  const base::Clock* const clock = session.environment.clock;
  std::ostream* const err = session.output.console().err;
  thread_ = std::jthread([clock, err, text = escaped(text)](const std::stop_token& done) {
    if (!clock->wait_until(clock->steady_now() + std::chrono::seconds(1), done)) {
      return;
    }
    *err << text << std::flush;
    static_cast<void>(clock->wait_until(clock->steady_now() + no_timeout, done));
    *err << "\r\x1B[K" << std::flush;
  });
}

WaitNotice::~WaitNotice() = default;  // stops the thread and joins it

Selection select_for_action(Session& session, Verb verb, const Names& names) {
  return select(session, verb, names, true);
}

Selection select_for_query(Session& session, Verb verb, const Names& names) {
  return select(session, verb, names, false);
}

std::set<InstanceName> own_programs(const Session& session, const Supervisord& supervisord) {
  std::set<InstanceName> names;
  const auto programs = supervisord.administration->programs(session.listing_deadline());
  for (const substrate::ProgramConfig& program :
       programs.value_or(std::vector<substrate::ProgramConfig>{})) {
    if (substrate::runs_reeve(program)) {
      names.insert(program.name);
    }
  }
  return names;
}

}  // namespace reeve::cli
