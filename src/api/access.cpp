#include "api/access.h"

#include <algorithm>

#include "http/grammar.h"

namespace reeve::api {

bool Principal::has(Scope scope) const {
  return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}

Access::Access(const ControlOptions& options) {
  for (const TokenOptions& token : options.tokens) {
    tokens_.push_back({digest_of(token.secret.reveal()), {token.name, token.scopes, token.allow}});
  }
  for (const ClientOptions& client : options.clients) {
    clients_.push_back({client.san, client.scopes, client.allow});
  }
}

const Principal* Access::recognise(const http::Request& request) const {
  const auto header = request.header("Authorization");
  if (!header) {
    return by_certificate(request.client_names);
  }
  const auto token = credentials(*header, "Bearer");
  return token ? by_token(*token) : nullptr;
}

const Principal* Access::by_token(std::string_view token) const {
  const Digest digest = digest_of(token);
  const Principal* found = nullptr;
  for (const Token& each : tokens_) {
    const bool same = equal_in_constant_time(each.digest, digest);
    found = same && !token.empty() ? &each.principal : found;
  }
  return found;
}

const Principal* Access::by_certificate(const std::vector<std::string>& names) const {
  const auto found = std::find_if(clients_.begin(), clients_.end(), [&](const Principal& client) {
    return std::find(names.begin(), names.end(), client.name) != names.end();
  });
  return found == clients_.end() ? nullptr : &*found;
}

std::optional<std::string_view> credentials(std::string_view header, std::string_view scheme) {
  if (header.size() <= scheme.size() ||
      !http::same_ignoring_case(header.substr(0, scheme.size()), scheme) ||
      header[scheme.size()] != ' ') {
    return std::nullopt;
  }
  header.remove_prefix(std::min(header.find_first_not_of(' ', scheme.size()), header.size()));
  return header;
}

}  // namespace reeve::api
