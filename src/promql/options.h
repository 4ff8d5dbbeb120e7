#pragma once

// A condition that Prometheus decides: one query, and where it is asked. A value.

#include <string>

#include "reeve/base/clock.h"
#include "reeve/base/endpoint.h"
#include "reeve/base/secret.h"

namespace reeve::promql {

struct Query {
  base::Endpoint server;  ///< its path is that below which the API is, `/` by default
  std::string text;       ///< PromQL
  base::Duration timeout = std::chrono::seconds(2);  ///< of the whole request
  std::string username;                              ///< empty: none
  base::Secret password;
  friend bool operator==(const Query&, const Query&) = default;
};

}  // namespace reeve::promql
