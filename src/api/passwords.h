#pragma once

// Names and passwords of the metrics listener, checked against bcrypt hashes. One check takes a
// tenth of a second by design: it runs on a thread of its own behind a short queue, in which each
// address has one place. Who was right once stays known, by a keyed digest, as long as his hash is
// in the configuration: no storm of wrong passwords can lock him out. Thread-safe.

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "api/authentication.h"
#include "api/options.h"
#include "base/guarded.h"
#include "base/wakeup.h"
#include "reeve/base/clock.h"
#include "reeve/base/secret.h"

namespace reeve::api {

struct Login {
  std::string name;
  base::Secret password;
  friend bool operator==(const Login&, const Login&) = default;
};

/// The name and password of a Basic Authorization header; nothing if it is malformed.
[[nodiscard]] std::optional<Login> read_login(std::string_view authorization);

class PasswordChecker {
 public:
  static constexpr std::size_t max_queued = 16;

  /// `clock` must outlive this.
  PasswordChecker(const std::vector<BasicUser>& users, const base::Clock& clock);

  /// Logins that were right stay known if their user's hash is unchanged.
  void configure(const std::vector<BasicUser>& users);
  /// False if no users are configured.
  [[nodiscard]] bool requires_login() const;
  [[nodiscard]] bool is_known(const Login& login) const;
  /// Calls `done` on the thread. False, and no call, if the queue is full, or another login from
  /// this address waits in it; the same one is checked once for all. An unknown name takes as long
  /// as a known one.
  [[nodiscard]] bool check(Login login, const std::string& address,
                           std::function<void(bool right)> done);

 private:
  struct Job {
    Login login;
    std::string address;
    std::vector<std::function<void(bool)>> done;
  };
  struct State {
    std::vector<BasicUser> users;
    std::map<std::string, Digest> known;  ///< by the user's name
    std::deque<Job> queue;
  };

  /// Of the password and the hash that it was right for.
  [[nodiscard]] Digest digest_of_login(const Login& login, const BasicUser& user) const;
  [[nodiscard]] bool verify(const Login& login);
  void run(const std::stop_token& stop);

  const base::Clock& clock_;
  const Digest key_ = random_key();
  base::Guarded<State> state_;
  base::Wakeup wakeup_;
  /// Starts with the first check, under the state's guard. Last: it ends before what it uses.
  std::jthread thread_;
};

}  // namespace reeve::api
