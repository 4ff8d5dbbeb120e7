#pragma once

// XML-RPC over HTTP/1.1 on TCP, TLS or a unix socket. Each call runs a private event loop on
// the caller's thread with a fresh connection: that is what supervisord answers fastest, and no
// state is left behind. One deadline bounds the whole call, resolving and dripping peers
// included, and a stop ends it at once. The destructor may have to wait for the system's resolver
// to give up on a host name.

#include <cstddef>
#include <memory>
#include <string>

#include "reeve/base/endpoint.h"
#include "reeve/base/secret.h"
#include "xmlrpc/caller.h"

namespace reeve::http {
class Transport;
}

namespace reeve::xmlrpc {

struct ClientOptions {
  base::Endpoint endpoint;
  std::string username;  ///< empty: no Authorization header
  base::Secret password;
  std::size_t max_answer_bytes = std::size_t{64} * 1024 * 1024;  ///< header and body
};

class Client final : public Caller {
 public:
  explicit Client(ClientOptions options);
  ~Client() override;

  [[nodiscard]] base::Result<Answer> call(const Call& call,
                                          const base::Deadline& deadline) override;
  [[nodiscard]] std::vector<base::Result<Answer>> call_parallel(
      const std::vector<Call>& calls, const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<void> stream(const std::string& path,
                                          const std::function<bool(std::string_view)>& consumer,
                                          const base::Deadline& deadline) override;

 private:
  ClientOptions options_;
  std::unique_ptr<http::Transport> transport_;
};

}  // namespace reeve::xmlrpc
