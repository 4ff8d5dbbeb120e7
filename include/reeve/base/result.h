#pragma once

// Result<T>: a T or an Error. Functions that return one are [[nodiscard]].

#include <string>
#include <utility>

#include <tl/expected.hpp>

#include "reeve/base/error.h"

namespace reeve::base {

template <class T>
using Result = tl::expected<T, Error>;

/// The failing half of a Result: `return failure(ErrorKind::timeout, "…");`
[[nodiscard]] inline tl::unexpected<Error> failure(ErrorKind kind, std::string message) {
  return tl::unexpected<Error>(Error{kind, std::move(message)});
}

[[nodiscard]] inline tl::unexpected<Error> failure(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace reeve::base
