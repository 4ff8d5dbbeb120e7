#include "supervisor/first_reached.h"

#include <optional>
#include <utility>

namespace reeve::supervisor {

using base::ErrorKind;
using base::Result;
using xmlrpc::Answer;
using xmlrpc::Call;
using xmlrpc::Caller;

namespace {

bool nobody_there(const Result<Answer>& answer) {
  return !answer && (answer.error().kind == ErrorKind::unreachable ||
                     answer.error().kind == ErrorKind::socket_missing);
}

}  // namespace

Caller& FirstReached::current() const {
  const auto reached = reached_.copy();
  return reached ? *reached : *peers_.front();
}

Result<Answer> FirstReached::call(const Call& call, const base::Deadline& deadline) {
  if (const auto reached = reached_.copy()) {
    return reached->call(call, deadline);
  }
  std::optional<Result<Answer>> first;
  for (const auto& peer : peers_) {
    auto answer = peer->call(call, deadline);
    if (!nobody_there(answer)) {
      if (answer) {
        reached_.with([&](auto& reached) { reached = peer; });
      }
      return answer;
    }
    if (!first) {
      first = std::move(answer);
    }
  }
  return *std::move(first);
}

std::vector<Result<Answer>> FirstReached::call_parallel(const std::vector<Call>& calls,
                                                        const base::Deadline& deadline) {
  return current().call_parallel(calls, deadline);
}

Result<void> FirstReached::stream(const std::string& path,
                                  const std::function<bool(std::string_view)>& consumer,
                                  const base::Deadline& deadline) {
  return current().stream(path, consumer, deadline);
}

}  // namespace reeve::supervisor
