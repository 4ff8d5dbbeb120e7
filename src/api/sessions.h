#pragma once

// Sessions: a token that was sent once, in exchange for a cookie. A session has no rights of its
// own: it names a token of the configuration, which each request looks up anew, and ends when a
// reload removes or changes that. Only digests are kept: of the cookie's value, and of the token.
// In memory: they end with the agent. Thread-safe.

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/options.h"
#include "base/guarded.h"
#include "http/message.h"
#include "reeve/base/clock.h"

namespace reeve::api {

/// The token that a session stands for.
struct SessionToken {
  std::string name;
  Digest digest{};
  friend bool operator==(const SessionToken&, const SessionToken&) = default;
};

class Sessions {
 public:
  static constexpr std::size_t max_sessions = 64;
  static constexpr std::chrono::hours lifetime{12};

  /// `clock` must outlive this.
  explicit Sessions(const base::Clock& clock);

  /// Returns the new session's id, the value of its cookie. If there are too many, the one that was
  /// unused for longest ends, of the token that has most.
  [[nodiscard]] std::string open(const SessionToken& token);
  /// What a session's cookie stands for; nothing if there is no such session. By the id's digest.
  [[nodiscard]] std::optional<SessionToken> use(const Digest& id) const;
  [[nodiscard]] std::optional<base::SystemTime> expires_at(const Digest& id) const;
  /// False if there was none.
  bool end(const Digest& id);
  /// Ends those whose token is not `accepted`.
  void end_unless(const std::function<bool(const SessionToken&)>& accepted);
  /// Forgets those that have expired; false if there were none.
  bool end_expired();

  /// Follows from the id alone, for this run of the agent; so it need not be kept.
  [[nodiscard]] std::string csrf_token(std::string_view id) const;
  [[nodiscard]] bool is_csrf_token(std::string_view text, std::string_view id) const;

 private:
  struct Session {
    Digest id{};
    SessionToken token;
    base::SteadyTime ends;
    base::SystemTime expires_at;
    base::SteadyTime last_use;
  };

  const base::Clock& clock_;
  const Digest csrf_key_;
  mutable base::Guarded<std::vector<Session>> sessions_;
};

/// The value of the request's session cookie; nothing without one. Over TLS the cookie has another
/// name, which browsers accept from nowhere else.
[[nodiscard]] std::optional<std::string_view> session_cookie(const http::Request& request);
/// Set-Cookie: sets the cookie; an empty id removes it.
[[nodiscard]] http::Header set_session_cookie(const http::Request& request, std::string_view id);

}  // namespace reeve::api
