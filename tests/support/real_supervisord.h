#pragma once

// Debian's supervisord in a temporary folder, on a unix socket and on loopback TCP with a
// password. Up when constructed, ended by its pid, its programs with it, when destroyed. For
// contract tests, for other parts' component tests, for tools.

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "reeve/base/secret.h"
#include "reeve/supervisor/options.h"
#include "support/temporary_folder.h"
#include "xmlrpc/client.h"

namespace reeve::tests {

class RealSupervisord {
 public:
  static constexpr const char* username = "alice";
  static constexpr const char* password = "pass:wörd";

  /// `programs` are sections of its configuration. Throws if it does not come up.
  explicit RealSupervisord(std::string_view programs);
  RealSupervisord(const RealSupervisord&) = delete;
  RealSupervisord& operator=(const RealSupervisord&) = delete;
  ~RealSupervisord();

  /// Over the unix socket, which asks for no password.
  [[nodiscard]] supervisor::Options over_socket() const;
  /// Over TCP, with the password.
  [[nodiscard]] supervisor::Options over_tcp() const;
  /// Over the unix socket, for calls that no substrate makes.
  [[nodiscard]] xmlrpc::ClientOptions rpc_over_socket() const;
  [[nodiscard]] std::string folder() const { return folder_.path(); }
  [[nodiscard]] pid_t pid() const { return pid_; }

  /// Replaces the sections in the configuration file; a reread finds them.
  void rewrite(std::string_view programs) const;
  void freeze() const;  ///< SIGSTOP: it is there and does not answer
  void thaw() const;
  /// Kills it and its programs. Safe to call twice.
  void end();

 private:
  void spawn();
  [[nodiscard]] bool answers() const;

  TemporaryFolder folder_;
  std::uint16_t port_;
  pid_t pid_ = -1;
};

}  // namespace reeve::tests
