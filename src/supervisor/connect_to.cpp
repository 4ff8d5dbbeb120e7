#include <algorithm>
#include <iterator>

#include "reeve/supervisor/supervisor_substrate.h"
#include "supervisor/first_reached.h"
#include "xmlrpc/client.h"

namespace reeve::supervisor {

namespace {

std::shared_ptr<xmlrpc::Caller> caller_at(const Options& options, base::Endpoint endpoint) {
  return std::make_shared<xmlrpc::Client>(
      xmlrpc::ClientOptions{.endpoint = std::move(endpoint),
                            .username = options.username,
                            .password = options.password,
                            .max_answer_bytes = options.max_answer_bytes});
}

}  // namespace

base::Result<Options> options_for(std::string_view url) {
  return base::Endpoint::parse(url, "/RPC2").map([](base::Endpoint endpoint) {
    Options options;
    options.endpoint = std::move(endpoint);
    return options;
  });
}

std::shared_ptr<SupervisorSubstrate> connect_to(const Options& options) {
  std::vector<std::shared_ptr<xmlrpc::Caller>> callers = {caller_at(options, options.endpoint)};
  if (options.usual_sockets.empty()) {
    return std::make_shared<SupervisorSubstrate>(std::move(callers.front()));
  }
  std::transform(options.usual_sockets.begin(), options.usual_sockets.end(),
                 std::back_inserter(callers), [&](const std::string& socket) {
                   base::Endpoint endpoint = options.endpoint;
                   endpoint.scheme = base::Endpoint::Scheme::unix_socket;
                   endpoint.socket_path = socket;
                   return caller_at(options, std::move(endpoint));
                 });
  return std::make_shared<SupervisorSubstrate>(std::make_shared<FirstReached>(std::move(callers)));
}

}  // namespace reeve::supervisor
