#pragma once

// Debian's etcd in a temporary folder, on loopback ports: one node, or several that make a cluster.
// Up when constructed, ended by their pids when destroyed. Not where etcd is not installed:
// is_installed() says so.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "reeve/base/endpoint.h"
#include "support/temporary_folder.h"

namespace reeve::tests {

class RealEtcd {
 public:
  [[nodiscard]] static bool is_installed();

  /// `further`: arguments of each node. Throws if it does not come up.
  explicit RealEtcd(std::size_t nodes = 1, std::vector<std::string> further = {});
  RealEtcd(const RealEtcd&) = delete;
  RealEtcd& operator=(const RealEtcd&) = delete;
  ~RealEtcd();

  /// Of the nodes, in their order.
  [[nodiscard]] std::vector<base::Endpoint> endpoints() const;
  void freeze(std::size_t node) const;  ///< SIGSTOP: it is there and does not answer
  void thaw(std::size_t node) const;
  void kill(std::size_t node);
  /// One that was killed, with what it had on its disk.
  void start(std::size_t node);
  /// The answer's body to a POST of `body` to this path of the first node; empty on an error.
  [[nodiscard]] std::string post(const std::string& path, const std::string& body) const;
  /// Which node leads now; nothing while none does. A frozen node costs 5 s.
  [[nodiscard]] std::optional<std::size_t> leader() const;

 private:
  struct Node {
    std::uint16_t client_port = 0;
    std::uint16_t peer_port = 0;
    pid_t pid = -1;
  };

  [[nodiscard]] bool answers(const Node& node) const;

  TemporaryFolder folder_;
  std::vector<Node> nodes_;
  std::vector<std::string> further_;
};

}  // namespace reeve::tests
