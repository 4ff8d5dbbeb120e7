#include <algorithm>
#include <iterator>

#include "reeve/supervisor/supervisor_substrate.h"
#include "supervisor/first_reached.h"
#include "xmlrpc/client.h"

namespace reeve::supervisor {

std::shared_ptr<SupervisorSubstrate> connect_to(const Options& options) {
  std::vector<std::shared_ptr<xmlrpc::Caller>> peers = {
      std::make_shared<xmlrpc::Client>(options.peer)};
  if (options.usual_sockets.empty()) {
    return std::make_shared<SupervisorSubstrate>(std::move(peers.front()));
  }
  std::transform(options.usual_sockets.begin(), options.usual_sockets.end(),
                 std::back_inserter(peers), [&](const std::string& socket) {
                   xmlrpc::ClientOptions peer = options.peer;
                   peer.endpoint.scheme = base::Endpoint::Scheme::unix_socket;
                   peer.endpoint.socket_path = socket;
                   return std::make_shared<xmlrpc::Client>(std::move(peer));
                 });
  return std::make_shared<SupervisorSubstrate>(std::make_shared<FirstReached>(std::move(peers)));
}

}  // namespace reeve::supervisor
