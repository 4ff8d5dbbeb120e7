#include <algorithm>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/text.h"
#include "cli/agent_api.h"
#include "cli/fleet.h"

namespace reeve::cli {
namespace {

using base::Endpoint;
using base::ErrorKind;
using nlohmann::ordered_json;

constexpr std::size_t max_hosts = 10'000;
constexpr std::size_t max_file_bytes = std::size_t{1024} * 1024;

bool separates(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',';
}

/// Separated by blanks and commas; `#` begins a comment.
std::vector<std::string> url_words(std::string_view text) {
  std::vector<std::string> words;
  bool in_comment = false;
  bool in_word = false;
  for (const char c : text) {
    in_comment = c != '\n' && (in_comment || (c == '#' && !in_word));
    if (in_comment || separates(c)) {
      in_word = false;
    } else if (in_word) {
      words.back() += c;
    } else {
      words.emplace_back(1, c);
      in_word = true;
    }
  }
  return words;
}

bool is_local(const Endpoint& endpoint) {
  return endpoint.scheme == Endpoint::Scheme::unix_socket ||
         base::ListenAddress{endpoint.host, endpoint.port, ""}.is_local();
}

/// Whether the token may be sent there; a problem otherwise.
std::optional<base::Error> check_encryption(const Endpoint& endpoint, const FleetOptions& options) {
  if (endpoint.scheme != Endpoint::Scheme::http || is_local(endpoint) || options.plaintext) {
    return std::nullopt;
  }
  return base::Error{ErrorKind::denied, "the token is not sent unencrypted to " + endpoint.url() +
                                            ": use https, or --plaintext"};
}

FleetHost host_at(const std::string& url, const AgentSession& own, const FleetOptions& options) {
  FleetHost host{.name = url, .address = own.address};
  auto endpoint = Endpoint::parse(url, "/");
  if (!endpoint) {
    host.problem = endpoint.error();
    return host;
  }
  const std::string authority = endpoint->authority();
  host.name = authority.empty() ? url : authority;
  host.problem = check_encryption(*endpoint, options);
  host.address.endpoint = *std::move(endpoint);
  return host;
}

FleetHost member_host(const ordered_json& member, const AgentSession& own,
                      const FleetOptions& options) {
  const std::string name = text_of(member, "name");
  if (is_true(member, "self")) {
    return {.name = name, .address = own.address};
  }
  const std::string url = text_of(member, "control");
  if (url.empty()) {
    return {.name = name,
            .problem = base::Error{ErrorKind::not_found,
                                   "it gives no URL: set coordination.member.control there"}};
  }
  FleetHost host = host_at(url, own, options);
  host.name = name;
  const Endpoint& endpoint = host.address.endpoint;
  if (!host.problem && !is_trusted(endpoint.host, options.trusted_hosts)) {
    host.problem = {ErrorKind::denied,
                    "the token is not sent to " + endpoint.url() +
                        ", which comes from the list of members: --trusted-host names whom it may "
                        "go to, like --trusted-host '*.example.org'"};
  }
  return host;
}

tl::expected<std::vector<FleetHost>, int> members_of(const AgentSession& own,
                                                     const FleetOptions& options) {
  const auto members = call_agent(own.environment, own.address,
                                  {AgentRequest::Method::get, "/api/v1/fleet/members"}, own.stop);
  if (!members) {
    base::Error error = own.error_of(members.error());
    if (members.error().status == 404) {
      error.message += ": without coordination, name the agents with --agents URL,URL";
    }
    return tl::unexpected(own.report(error));
  }
  std::vector<FleetHost> hosts;
  for (const ordered_json& member : *members) {
    if (hosts.size() < max_hosts && !text_of(member, "name").empty()) {
      hosts.push_back(member_host(member, own, options));
    }
  }
  return hosts;
}

}  // namespace

bool is_trusted(const std::string& host, const std::vector<std::string>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    const std::string below = pattern.starts_with("*.") ? pattern.substr(1) : "";
    return below.empty() ? host == pattern : host.size() > below.size() && host.ends_with(below);
  });
}

tl::expected<std::vector<FleetHost>, int> find_hosts(const FleetOptions& options,
                                                     const AgentSession& own) {
  std::string named = options.agents.value_or("");
  if (options.agents_file) {
    const auto text = base::read_file(*options.agents_file, max_file_bytes);
    if (!text) {
      own.output.settings_error({.file = "--agents-file", .message = text.error().message});
      return tl::unexpected(exit_usage);
    }
    named += "\n" + *text;
  }
  if (!options.agents && !options.agents_file) {
    return members_of(own, options);
  }
  std::vector<FleetHost> hosts;
  for (const std::string& url : url_words(named)) {
    if (hosts.size() < max_hosts) {
      hosts.push_back(host_at(url, own, options));
    }
  }
  if (hosts.empty()) {
    own.output.settings_error({.file = "--agents", .message = "expected URLs of agents"});
    return tl::unexpected(exit_usage);
  }
  return hosts;
}

}  // namespace reeve::cli
