#pragma once

// Who somebody is: the tokens and client certificates of the configuration, made ready to be
// compared. Immutable; a reload makes a new one.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/digest.h"
#include "api/options.h"
#include "http/message.h"

namespace reeve::api {

/// Somebody who was recognised.
struct Principal {
  std::string name;
  std::vector<Scope> scopes;
  std::vector<substrate::Selector> allow;

  [[nodiscard]] bool has(Scope scope) const;
};

class Access {
 public:
  explicit Access(const ControlOptions& options);

  /// By the bearer token; where none is sent, by the verified client certificate. Null for
  /// everybody else. Takes as long whatever the token is.
  [[nodiscard]] const Principal* recognise(const http::Request& request) const;

 private:
  struct Token {
    Digest digest;
    Principal principal;
  };
  [[nodiscard]] const Principal* by_token(std::string_view token) const;
  [[nodiscard]] const Principal* by_certificate(const std::vector<std::string>& names) const;

  std::vector<Token> tokens_;
  std::vector<Principal> clients_;  ///< named by their subject alternative name
};

/// What follows `scheme` and a blank in an Authorization header; the scheme in any case.
[[nodiscard]] std::optional<std::string_view> credentials(std::string_view header,
                                                          std::string_view scheme);

}  // namespace reeve::api
