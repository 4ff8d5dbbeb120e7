// Any Host header: what passes names one of the agent's hosts to every reader, whatever it takes
// for the end of the name; what it is read as reads as itself.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "api/authentication.h"
#include "http/grammar.h"

namespace {

void expect(bool holds) {
  if (!holds) {
    std::abort();
  }
}

/// Without a port: at most five digits behind the last colon.
std::string_view without_port(std::string_view host) {
  const std::size_t digits = host.size() - (host.find_last_not_of("0123456789") + 1);
  const bool has_port = digits > 0 && digits < host.size() && host[host.size() - digits - 1] == ':';
  return has_port ? host.substr(0, host.size() - digits - 1) : host;
}

/// By hand, not by the grammar under test; an IPv6 address is any that has no other digit than 0
/// before a final 1.
bool is_own(std::string_view host) {
  std::string name;
  for (const char c : without_port(host)) {
    name += reeve::http::lower(c);
  }
  if (name.starts_with('[')) {
    return name.ends_with("1]") && name.find_first_not_of("[0:.1]") == std::string::npos &&
           name.find('1') == name.rfind('1');
  }
  return name == "localhost" || name == "localhost." || name == "127.0.0.1" || name == "127.0.0.1.";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const reeve::api::HostNames names("", {}, {"", [] { return std::string(); }});
  const std::string_view host(reinterpret_cast<const char*>(data), size);
  expect(!names.contains(host) || is_own(host));
  const auto read = reeve::http::host_of(host);
  expect(!read || reeve::http::host_of(*read) == read);
  expect(!read || read->find_first_of(std::string_view("@/?#\\ \0", 8)) == std::string::npos);
  return 0;
}
