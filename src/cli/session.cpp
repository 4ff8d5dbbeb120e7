#include "cli/session.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "base/side_by_side.h"
#include "cli/table.h"
#include "substrate/own_program.h"
#include "substrate/selector.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;
using substrate::InstanceDetail;
using substrate::InstanceName;
using substrate::InstanceState;
using substrate::KnownNames;
using substrate::Selector;

constexpr std::chrono::minutes transition_timeout{10};
constexpr std::chrono::seconds transfer_timeout{30};
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
    const auto name = selector->single("", no_process_known());
    if (name) {
      add_by_name(*name, supervisords, *selector);
    } else {
      add_by_pattern(*selector, supervisords, all);
    }
  }

  Selection take() { return std::move(selection_); }

 private:
  using Listings = std::map<const Supervisord*, std::optional<substrate::Listing>>;

  /// Which supervisords there are, before any is asked for its processes.
  [[nodiscard]] KnownNames no_process_known() const {
    return {.has_supervisor =
                [this](std::string_view name) {
                  const auto& all = session_.supervisords;
                  return std::any_of(all.begin(), all.end(), [&](const Supervisord& each) {
                    return each.options.name == name;
                  });
                },
            .has_process = [](std::string_view, const InstanceName&) { return false; }};
  }

  /// The names on this supervisord: its listing.
  [[nodiscard]] KnownNames known(const substrate::Listing& listing) const {
    KnownNames names = no_process_known();
    names.has_process = [&listing](std::string_view, const InstanceName& name) {
      const auto& all = listing.instances;
      const auto found = std::lower_bound(
          all.begin(), all.end(), name, [](const InstanceDetail& each, const InstanceName& wanted) {
            return each.name < wanted;
          });
      return found != all.end() && found->name == name;
    };
    return names;
  }

  [[nodiscard]] std::vector<const Supervisord*> candidates(const Selector& selector) const {
    const std::string wanted = selector.supervisor(no_process_known());
    std::vector<const Supervisord*> found;
    for (const Supervisord& supervisord : session_.supervisords) {
      if (wanted.empty() || wanted == supervisord.options.name) {
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
                   const Selector& selector) {
    const std::string& text = selector.text();
    if (for_action_ && supervisords.size() == 1) {
      add_target({supervisords.front(), name});
      return;
    }
    std::vector<std::optional<base::Result<InstanceDetail>>> looks(supervisords.size());
    const auto look = [&](std::size_t at) {
      looks[at] = supervisords[at]->substrate->get_instance(
          name, session_.look_deadline(*supervisords[at]));
    };
    with_wait_notice(session_, waiting_for(supervisords),
                     [&] { base::side_by_side(supervisords.size(), look); });
    std::vector<Target> found;
    std::optional<std::size_t> missing;
    for (std::size_t at = 0; at < looks.size(); ++at) {
      auto& detail = *looks[at];
      if (detail) {
        found.push_back({supervisords[at], name, *std::move(detail)});
      } else if (detail.error().kind == ErrorKind::not_found) {
        missing = at;
      } else {
        selection_.code =
            session_.report(verb_, std::move(detail.error()), *supervisords[at], text);
        return;
      }
    }
    if (found.empty()) {
      report_missing(selector, name, *supervisords[*missing], std::move(looks[*missing]->error()));
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

  void report_missing(const Selector& selector, const InstanceName& name,
                      const Supervisord& supervisord, base::Error error) {
    const std::string& prefix = selector.supervisor();
    if (!prefix.empty() && selector.supervisor(no_process_known()).empty()) {
      report_no_match({ErrorKind::not_found, "no supervisord is named '" + prefix + "'"},
                      selector.text());
      return;
    }
    if (const auto suggestion = suggestion_for(session_, supervisord, name)) {
      error.message += ": " + *suggestion;
    }
    selection_.code = session_.report(verb_, std::move(error), supervisord, selector.text());
  }

  static std::string waiting_for(const std::vector<const Supervisord*>& supervisords) {
    return "waiting for " +
           (supervisords.size() == 1 ? supervisords.front()->options.endpoint.url()
                                     : std::to_string(supervisords.size()) + " supervisords") +
           " to answer";
  }

  void add_by_pattern(const Selector& selector, const std::vector<const Supervisord*>& supervisords,
                      bool all) {
    bool matched = all;
    ask_for_listings(supervisords);
    for (const Supervisord* supervisord : supervisords) {
      const auto& listing = listings_.at(supervisord);
      if (!listing) {
        matched = true;  // unknown; the error has been printed
        continue;
      }
      const KnownNames names = known(*listing);
      for (const InstanceDetail& detail : listing->instances) {
        if (selector.matches(supervisord->options.name, detail.name, names)) {
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

  /// All at once: one that does not answer delays no other.
  void ask_for_listings(std::vector<const Supervisord*> supervisords) {
    std::erase_if(supervisords, [&](const Supervisord* each) { return listings_.contains(each); });
    std::vector<std::optional<base::Result<substrate::Listing>>> answers(supervisords.size());
    const auto ask = [&](std::size_t at) {
      answers[at] =
          supervisords[at]->substrate->list_instances(session_.look_deadline(*supervisords[at]));
    };
    with_wait_notice(session_, waiting_for(supervisords),
                     [&] { base::side_by_side(supervisords.size(), ask); });
    for (std::size_t at = 0; at < answers.size(); ++at) {
      auto& listing = *answers[at];
      if (!listing) {
        selection_.code = session_.report(verb_, std::move(listing.error()), *supervisords[at]);
        listings_[supervisords[at]] = std::nullopt;
        continue;
      }
      if (listing->rejected > 0) {
        session_.output.notice("left out " + std::to_string(listing->rejected) +
                               " records of supervisord that could not be read");
      }
      listings_[supervisords[at]] = *std::move(listing);
    }
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

Session::Session(std::vector<Supervisord> its_supervisords, const CommonOptions& options,
                 const Environment& process_environment, std::stop_token stop_request)
    : output(process_environment, options),
      environment(process_environment),
      stop(std::move(stop_request)),
      supervisords(std::move(its_supervisords)),
      timeout_(options.settings.timeout),
      look_begun_(process_environment.clock->steady_now()) {}

base::Deadline Session::call_deadline(const Supervisord& supervisord) const {
  return base::Deadline::after(*environment.clock, supervisord.options.timeout, stop);
}

base::Deadline Session::transfer_deadline() const {
  return base::Deadline::after(*environment.clock, timeout_.value_or(transfer_timeout), stop);
}

base::Deadline Session::look_deadline(const Supervisord& supervisord) const {
  return {*environment.clock, look_begun_ + supervisord.options.timeout, stop};
}

base::Deadline Session::transition_deadline() const {
  return base::Deadline::after(*environment.clock, timeout_.value_or(transition_timeout), stop);
}

base::Deadline Session::uninterruptible_deadline(base::Duration span) const {
  return base::Deadline::after(*environment.clock, std::min(timeout_.value_or(span), span));
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

const std::vector<substrate::ProgramConfig>& Session::programs(const Supervisord& supervisord) {
  auto cached = programs_.find(&supervisord);
  if (cached == programs_.end()) {
    auto asked = supervisord.administration->programs(transfer_deadline());
    cached = programs_
                 .emplace(&supervisord,
                          std::move(asked).value_or(std::vector<substrate::ProgramConfig>{}))
                 .first;
  }
  return cached->second;
}

WaitNotice::WaitNotice(const Session& session, const std::string& text) {
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

std::set<InstanceName> own_programs(Session& session, const Supervisord& supervisord) {
  std::set<InstanceName> names;
  for (const substrate::ProgramConfig& program : session.programs(supervisord)) {
    if (substrate::runs_reeve(program)) {
      names.insert(program.name);
    }
  }
  return names;
}

std::optional<std::string> suggestion_for(const Session& session, const Supervisord& supervisord,
                                          const InstanceName& name) {
  if (name.group != name.name) {
    return std::nullopt;
  }
  const auto listing = supervisord.substrate->list_instances(session.call_deadline(supervisord));
  const bool is_group = listing && std::any_of(listing->instances.begin(), listing->instances.end(),
                                               [&](const InstanceDetail& each) {
                                                 return each.name.group == name.group;
                                               });
  return is_group ? std::optional(name.group + " is a group: " + name.group + ":*") : std::nullopt;
}

}  // namespace reeve::cli
