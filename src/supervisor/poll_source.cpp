#include "supervisor/poll_source.h"

#include <algorithm>
#include <utility>

#include "supervisor/lister.h"

namespace reeve::supervisor {

using base::Deadline;
using base::failure;
using base::Result;
using substrate::LogRange;
using xmlrpc::Value;

namespace {

constexpr const char* doing_poll = "polling supervisord";
/// supervisord serves no other request while it makes a large answer.
constexpr std::uint64_t max_log_bytes = std::uint64_t{64} * 1024;

xmlrpc::Call mark_call(const std::string& mark) {
  return supervisor_call("sendRemoteCommEvent", {substrate::survey_mark_type, mark});
}

/// No call for a range without bytes: to supervisord a length of 0 means the whole log.
void append_log_call(const std::optional<LogRange>& range, std::vector<xmlrpc::Call>& calls) {
  if (!range || range->length == 0) {
    return;
  }
  const auto length = static_cast<std::int64_t>(std::min(range->length, max_log_bytes));
  calls.push_back(
      range->from == LogRange::From::end
          ? supervisor_call("readLog", {-length, 0})
          : supervisor_call("readLog", {static_cast<std::int64_t>(range->offset), length}));
}

/// The log's text, which is the result at `position` if there was a call for it.
Result<std::string> take_log(Results& results, std::size_t position) {
  if (position >= results.size()) {
    return std::string();
  }
  Result<Value>& result = results[position];
  if (!result) {
    return failure(std::move(result.error()));
  }
  std::string* const text = result->as_string();
  return text == nullptr ? Result<std::string>(unexpected_answer(doing_poll)) : std::move(*text);
}

/// The first of `count` results that is an error, or null.
const base::Error* first_error(const Results& results, std::size_t count) {
  const auto end = results.begin() + static_cast<std::ptrdiff_t>(count);
  const auto failed =
      std::find_if(results.begin(), end, [](const auto& result) { return !result; });
  return failed == end ? nullptr : &failed->error();
}

}  // namespace

Result<substrate::PollAnswer> SupervisorPollSource::poll(const substrate::PollRequest& request,
                                                         const Deadline& deadline) {
  FurtherCalls calls;
  calls.before = {supervisor_call("getPID")};
  if (request.mark) {
    calls.before.push_back(mark_call(*request.mark));
  }
  append_log_call(request.log, calls.after);
  auto all = request.mark ? lister_->list_at_once(calls, deadline)
                          : lister_->list_with(calls, request.max_name_age, deadline);
  const base::Error* const error =
      all ? first_error(all->results, calls.before.size()) : &all.error();
  if (error != nullptr) {
    if (error->kind != base::ErrorKind::not_implemented) {
      lister_->observe_pid(std::nullopt);
    }
    return failure(*error);
  }
  const std::int64_t* const pid = all->results[0]->as_integer();
  if (pid == nullptr || *pid <= 0) {
    return unexpected_answer(doing_poll);
  }
  return substrate::PollAnswer{.pid = substrate::Pid{*pid},
                               .listing = std::move(all->listing),
                               .of_one_moment = all->of_one_moment,
                               .log = take_log(all->results, calls.before.size())};
}

}  // namespace reeve::supervisor
