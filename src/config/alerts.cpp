#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "config/sections.h"

namespace reeve::config {
namespace {

using guards::Action;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr DurationRange up_to_a_day{seconds(0), hours(24)};
constexpr DurationRange up_to_a_week{seconds(1), hours(7 * 24)};
constexpr DurationRange up_to_a_month{seconds(1), hours(30 * 24)};
/// Alertmanager's defaults.
constexpr minutes default_group_interval{5};
constexpr hours default_repeat_interval{4};

const Choices<alerts::Mode> modes = {
    {"off", alerts::Mode::off},
    {"dry_run", alerts::Mode::dry_run},
    {"enforce", alerts::Mode::enforce},
};
const Choices<Action> actions = {
    {"restart", Action::restart},
    {"start", Action::start},
    {"stop", Action::stop},
};

struct NumberRange {
  double min;
  double max;
};

tl::unexpected<base::Error> expected(const std::string& form) {
  return base::failure(base::ErrorKind::invalid_argument, "expected " + form);
}

/// The whole text as a number; `form` is for the error.
base::Result<double> parse_in(std::string_view text, NumberRange range, const std::string& form) {
  const auto number = base::parse_number<double>(text);
  const bool fits = number && *number >= range.min && *number <= range.max;
  return fits ? base::Result<double>(*number) : expected(form);
}

void read_percent(Section& section, const std::string& key, double& value, NumberRange range) {
  section.parsed<double>(key, value, [&](std::string_view text) -> base::Result<double> {
    const std::string form = "a share like " + std::to_string(std::lround(range.max)) +
                             "%, at least " + std::to_string(std::lround(range.min)) + "%";
    if (!text.ends_with('%')) {
      return expected(form);
    }
    return parse_in(text.substr(0, text.size() - 1), range, form).map([](double percent) {
      return percent / 100;
    });
  });
}

void read_count(Section& section, const std::string& key, unsigned& value, unsigned max) {
  section.parsed<unsigned>(key, value, [&](std::string_view text) -> base::Result<unsigned> {
    const auto number = base::parse_number<unsigned>(text);
    const bool fits = number && *number >= 1 && *number <= max;
    return fits ? base::Result<unsigned>(*number)
                : expected("a number from 1 to " + std::to_string(max));
  });
}

/// `3/1h`: three in any hour.
base::Result<guards::Budget> parse_budget(std::string_view text) {
  constexpr unsigned max = 1000;
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto count = base::parse_number<unsigned>(text.substr(0, slash));
  const auto within =
      base::parse_duration(slash == text.size() ? std::string_view() : text.substr(slash + 1));
  const bool fits = count && *count >= 1 && *count <= max && within &&
                    *within >= up_to_a_week.min && *within <= up_to_a_week.max;
  return fits ? base::Result<guards::Budget>(guards::Budget{*count, *within})
              : expected("a number up to 1000 and a span up to 168h, like 3/1h");
}

void read_budget(Section& section, const std::string& key, const std::string& part,
                 guards::Budget& budget) {
  if (const Node* const node = section.find(key)) {
    Section inner(*node, section.path(key), section.config_file());
    inner.parsed<guards::Budget>(part, budget, parse_budget);
    inner.finish();
  }
}

void read_cooldown(Section& rule, guards::Cooldown& cooldown) {
  const Node* const node = rule.find("cooldown");
  if (node == nullptr) {
    return;
  }
  Section section(*node, rule.path("cooldown"), rule.config_file());
  section.duration("initial", cooldown.initial, up_to_a_day);
  section.parsed<double>("factor", cooldown.factor, [](std::string_view text) {
    return parse_in(text, {1, 100}, "a number from 1 to 100");
  });
  cooldown.max = std::max(cooldown.max, cooldown.initial);
  section.duration("max", cooldown.max, {cooldown.initial, up_to_a_week.max});
  read_percent(section, "jitter", cooldown.jitter, {0, 50});
  section.duration("reset_after", cooldown.reset_after, up_to_a_month);
  section.finish();
}

void read_states(Section& rule, Action action, std::vector<substrate::InstanceState>& states) {
  const auto possible = alerts::possible_states(action);
  states = alerts::default_states(action);
  if (rule.find("only_if_state") == nullptr) {
    return;
  }
  states.clear();
  bool all_known = true;
  const auto name = [](substrate::InstanceState state) { return std::string(to_string(state)); };
  const std::string choices = base::join(possible, ", ", name);
  rule.each_text("only_if_state", [&](const std::string& text, Position position) {
    const auto found = std::find_if(possible.begin(), possible.end(),
                                    [&](auto state) { return to_string(state) == text; });
    all_known = all_known && found != possible.end();
    if (found != possible.end()) {
      states.push_back(*found);
    } else {
      rule.config_file().error(
          position, rule.path("only_if_state") + ": '" + text + "' is no state for a " +
                        std::string(to_string(action)) + ": expected some of " + choices);
    }
  });
  if (states.empty() && all_known) {
    rule.error("only_if_state", "expected some of " + choices);
  }
}

bool is_encrypted_or_local(const base::Endpoint& server) {
  return server.scheme != base::Endpoint::Scheme::http ||
         base::ListenAddress{server.host, server.port, ""}.is_local();
}

void read_login(Section& section, promql::Query& query) {
  section.text("username", query.username);
  std::string file;
  section.text("password_file", file);
  if (!file.empty() && section.config_file().opens_files()) {
    query.password = section.secret("password_file", file).value_or(base::Secret());
  }
  if (query.username.empty() && !file.empty()) {
    section.error("password_file", "a password needs a user name: username");
  }
  if (!query.username.empty() && !is_encrypted_or_local(query.server)) {
    section.error("username",
                  "the password would cross the network unencrypted: use https, or a Prometheus on"
                  " this machine");
  }
}

void read_only_if(Section& rule, std::optional<promql::Query>& only_if) {
  constexpr std::size_t max_query_bytes = 4096;
  const Node* const node = rule.find("only_if");
  if (node == nullptr) {
    return;
  }
  Section section(*node, rule.path("only_if"), rule.config_file());
  promql::Query query;
  if (section.find("prometheus") == nullptr) {
    section.error("prometheus", "expected the URL of a Prometheus, like http://localhost:9090");
  }
  section.parsed<base::Endpoint>("prometheus", query.server, [](std::string_view text) {
    return base::Endpoint::parse(text, "/");
  });
  section.text("query", query.text);
  if (query.text.empty() || query.text.size() > max_query_bytes) {
    section.error("query", "expected a PromQL query of at most " + std::to_string(max_query_bytes) +
                               " bytes");
  }
  section.duration("timeout", query.timeout, {std::chrono::milliseconds(100), seconds(10)});
  read_login(section, query);
  section.finish();
  only_if = std::move(query);
}

void read_match(Section& rule, alerts::Match& match) {
  const Node* const node = rule.find("match");
  if (node != nullptr) {
    Section section(*node, rule.path("match"), rule.config_file());
    section.each_pair([&](const std::string& label, const std::string& expression) {
      const auto checked = alerts::check_expression(expression);
      if (!alerts::is_label_name(label)) {
        section.error(label, "not a valid label name");
      } else if (!checked) {
        section.error(label, checked.error().message);
      }
      match.emplace(label, expression);
    });
    section.finish();
  }
  if (match.empty()) {
    rule.error("match", "a rule without a label to match would apply to every alert");
  }
}

void read_target(Section& rule, const Config& config, std::string& target) {
  rule.text("target", target);
  if (target.empty()) {
    rule.error("target", "expected the process to act on, like \"{{group}}:{{name}}\"");
  } else if (const auto checked = alerts::check_target(target); !checked) {
    rule.error("target", checked.error().message);
  } else if (config.supervisors.size() > 1 && target.find('/') == std::string::npos) {
    rule.error("target",
               "several supervisords are configured: name one, like"
               " \"{{supervisor}}/{{group}}:{{name}}\"");
  }
}

void read_name(Section& rule, const std::vector<alerts::Rule>& others, std::string& name) {
  constexpr std::size_t max_length = 64;
  rule.text("name", name);
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_.").find(c) != std::string_view::npos;
  });
  if (name.empty() || !plain || name.size() > max_length) {
    rule.error("name", "a rule has a name of at most 64 letters, digits, '-', '_' and '.'");
  } else if (name == "none") {
    rule.error("name", "'none' stands for alerts without a rule");
  } else if (std::any_of(others.begin(), others.end(),
                         [&](const auto& other) { return other.name == name; })) {
    rule.error("name", "another rule has the name '" + name + "'");
  }
}

void read_action(Section& rule, Action& action) {
  if (rule.find("action") == nullptr) {
    rule.error("action", "expected restart, start or stop");
  }
  rule.choice("action", action, actions);
}

void read_limit(Section& section, const Config& config, alerts::Rule& rule) {
  section.text("limit", rule.limit);
  if (rule.limit.empty()) {
    return;
  }
  if (!coordination::is_name(rule.limit)) {
    section.error("limit", "a limit has a name of at most 64 letters, digits, '-', '_' and '.'");
  } else if (!config.coordination) {
    section.error("limit", "limits are shared through etcd: set coordination");
  } else if (rule.pending_for == base::Duration::zero()) {
    section.error("limit", "an alert waits for its slot: pending_for must exceed 0s");
  }
}

void warn_of_short_cooldown(Section& rule, const guards::Cooldown& cooldown) {
  if (cooldown.initial < default_group_interval) {
    rule.config_file().warning(
        rule.position("cooldown"),
        rule.path("cooldown") + ".initial: " + base::format_duration(cooldown.initial) +
            " is shorter than Alertmanager's default group_interval of 5m: it should exceed the"
            " scrape interval, the alert's `for` and group_interval together, or the next"
            " notification describes the process before the action");
  }
}

void read_rule(Section& section, Config& config) {
  alerts::Rule rule;
  read_name(section, config.alerts.rules, rule.name);
  read_match(section, rule.match);
  read_target(section, config, rule.target);
  read_selectors(section, "allow", rule.allow);
  if (rule.allow.empty()) {
    section.error("allow", "a rule acts only on the processes listed here");
  }
  read_action(section, rule.action);
  alerts::Mode mode = config.alerts.mode;
  section.choice("mode", mode, modes);
  if (section.find("mode") != nullptr) {
    rule.mode = mode;
  }
  guards::Limits& limits = rule.limits;
  read_states(section, rule.action, limits.only_if_state);
  section.flag("respect_stopped", limits.respect_stopped);
  section.duration("min_uptime", limits.min_uptime, up_to_a_day);
  section.duration("settle", limits.settle, up_to_a_day);
  read_count(section, "max_attempts", rule.max_attempts, 20);
  section.duration("pending_for", rule.pending_for, up_to_a_day);
  read_limit(section, config, rule);
  read_cooldown(section, limits.cooldown);
  read_budget(section, "budget", "per_target", limits.per_target);
  read_only_if(section, rule.only_if);
  warn_of_short_cooldown(section, limits.cooldown);
  config.alerts.rules.push_back(std::move(rule));
}

/// Whether the identity was given; `any` counts.
bool read_identity(Section& section, std::map<std::string, std::string>& identity) {
  const Node* const node = section.find("identity");
  if (node == nullptr || (node->kind == Node::Kind::scalar && node->text == "any")) {
    return node != nullptr;
  }
  Section inner(*node, section.path("identity"), section.config_file());
  inner.each_pair([&](const std::string& label, const std::string& value) {
    if (!alerts::is_label_name(label)) {
      inner.error(label, "not a valid label name");
    }
    identity.emplace(label, value);
  });
  inner.finish();
  return !identity.empty();
}

void read_breaker(Section& section, guards::BreakerOptions& breaker) {
  const Node* const node = section.find("breaker");
  if (node == nullptr) {
    return;
  }
  Section inner(*node, section.path("breaker"), section.config_file());
  read_percent(inner, "targets", breaker.targets, {1, 100});
  read_count(inner, "min_targets", breaker.min_targets, 100'000);
  inner.duration("within", breaker.within, up_to_a_week);
  inner.duration("hold", breaker.hold, up_to_a_week);
  inner.finish();
}

void check_consistency(Section& section, const Config& config, bool has_identity) {
  const alerts::Options& options = config.alerts;
  const bool acts = std::any_of(options.rules.begin(), options.rules.end(), [&](const auto& rule) {
    return alerts::mode_of(rule, options) == alerts::Mode::enforce;
  });
  if (acts && !has_identity) {
    section.error("identity",
                  "to enforce rules, name the labels that alerts of this agent carry, like"
                  " {instance: \"host7:19001\"}, or `any` for every alert that is posted");
  }
  if (!options.rules.empty() && !config.control_enabled) {
    section.error("rules", "alerts come in through the control listener: set control.enabled");
  }
  const auto may_post = [](const auto& caller) {
    return std::find(caller.scopes.begin(), caller.scopes.end(), api::Scope::alerts) !=
           caller.scopes.end();
  };
  const auto& tokens = config.control_api.tokens;
  const auto& clients = config.control_api.clients;
  if (!options.rules.empty() && config.control_enabled &&
      std::none_of(tokens.begin(), tokens.end(), may_post) &&
      std::none_of(clients.begin(), clients.end(), may_post)) {
    section.config_file().warning(section.position("rules"),
                                  section.path("rules") +
                                      ": no token and no client has the scope alerts, which"
                                      " posting an alert needs");
  }
  if (!options.rules.empty() && options.episode_ttl <= default_repeat_interval) {
    section.config_file().warning(
        section.position("episode_ttl"),
        section.path("episode_ttl") + ": " + base::format_duration(options.episode_ttl) +
            " does not exceed Alertmanager's default repeat_interval of 4h: an alert that keeps"
            " firing would count as a new one");
  }
}

}  // namespace

void read_alerts(const Node& node, ConfigFile& file, Config& config) {
  Section section(node, "alerts", file);
  section.choice("mode", config.alerts.mode, modes);
  const bool has_identity = read_identity(section, config.alerts.identity);
  section.duration("episode_ttl", config.alerts.episode_ttl, up_to_a_month);
  read_budget(section, "budget", "total", config.guards.total);
  read_breaker(section, config.guards.breaker);
  section.each_map("rules", [&](Section& rule) { read_rule(rule, config); });
  section.finish();
  check_consistency(section, config, has_identity);
}

}  // namespace reeve::config
