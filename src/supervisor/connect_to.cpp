#include "reeve/supervisor/supervisor_substrate.h"
#include "reeve/xmlrpc/client.h"

namespace reeve::supervisor {

std::shared_ptr<SupervisorSubstrate> connect_to(const Options& options) {
  return std::make_shared<SupervisorSubstrate>(std::make_shared<xmlrpc::Client>(options.peer));
}

}  // namespace reeve::supervisor
