#include "api/host_names.h"

#include <array>

#include <netdb.h>
#include <unistd.h>

#include "api/text.h"

namespace reeve::api {
namespace {

std::string own_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string canonical_name(const std::string& name) {
  addrinfo hints{};
  hints.ai_flags = AI_CANONNAME;
  addrinfo* answers = nullptr;
  std::string canonical;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &answers) == 0) {
    canonical = answers->ai_canonname != nullptr ? answers->ai_canonname : "";
    ::freeaddrinfo(answers);
  }
  return canonical;
}

/// As names are compared: without port and final dot, in lower case.
std::string name_of(std::string_view host) {
  const bool bracketed = host.starts_with('[');
  const std::size_t end = bracketed ? host.find(']') : host.find(':');
  if (bracketed) {
    return lower_case(host.substr(0, end == std::string_view::npos ? end : end + 1));
  }
  std::string name = lower_case(host.substr(0, end));
  if (name.ends_with('.')) {
    name.pop_back();
  }
  return name;
}

}  // namespace

MachineName this_machine() {
  const std::string name = own_name();
  return {name, [name] { return canonical_name(name); }};
}

HostNames::HostNames(std::string_view listen_host, const std::vector<std::string>& more,
                     MachineName machine)
    : names_{"localhost", "127.0.0.1", "[::1]"}, machine_(std::move(machine)) {
  const auto add = [&](std::string_view host) {
    const bool bare_v6 = !host.starts_with('[') && host.find(':') != host.rfind(':');
    names_.insert(bare_v6 ? "[" + lower_case(host) + "]" : name_of(host));
  };
  add(listen_host);
  add(machine_.name);
  for (const std::string& host : more) {
    add(host);
  }
  names_.erase("");
}

bool HostNames::allow(std::string_view host) const {
  const std::string name = name_of(host);
  if (names_.contains(name)) {
    return true;
  }
  const std::string beginning = lower_case(machine_.name) + ".";
  if (machine_.name.empty() || !name.starts_with(beginning)) {
    return false;
  }
  auto qualified = qualified_.copy();
  if (!qualified) {
    qualified = name_of(machine_.qualified());
    qualified_.with([&](auto& known) { known = qualified; });
  }
  return name == qualified;
}

}  // namespace reeve::api
