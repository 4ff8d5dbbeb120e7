#pragma once

// Checks names and passwords against bcrypt hashes. One check takes a tenth of a second by
// design, so it is done on a thread of its own behind a short queue; who was right once is
// remembered by a keyed digest and passes at once. An unknown name takes as long as a known one.

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "api/digest.h"
#include "api/options.h"
#include "base/guarded.h"
#include "base/wakeup.h"
#include "reeve/base/clock.h"

namespace reeve::api {

struct Login {
  std::string name;
  base::Secret password;
};

/// The name and password of a Basic Authorization header; nothing if it is none.
[[nodiscard]] std::optional<Login> read_login(std::string_view authorization);

class Passwords {
 public:
  static constexpr std::size_t max_queued = 16;
  static constexpr std::size_t max_remembered = 64;

  /// `clock` must outlive this.
  Passwords(const std::vector<BasicUser>& users, const base::Clock& clock);

  /// Forgets who was right before.
  void configure(const std::vector<BasicUser>& users);
  /// Nobody has to log in.
  [[nodiscard]] bool open() const;
  [[nodiscard]] bool remembered(const Login& login) const;
  /// Calls `done` on the thread; false, and no call, if too many wait already.
  [[nodiscard]] bool check(Login login, std::function<void(bool right)> done);

 private:
  struct Job {
    Login login;
    std::function<void(bool)> done;
  };
  struct State {
    std::vector<BasicUser> users;
    std::deque<Digest> remembered;
    std::deque<Job> queue;
  };

  [[nodiscard]] Digest digest_of_login(const Login& login) const;
  [[nodiscard]] bool is_right(const Login& login);
  void work(const std::stop_token& stop);

  const base::Clock& clock_;
  const Digest key_ = random_key();
  base::Guarded<State> state_;
  base::Wakeup wakeup_;
  /// Starts with the first check, under the state's guard. Last: ends before what it uses.
  std::jthread thread_;
};

}  // namespace reeve::api
