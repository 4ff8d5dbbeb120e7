#include "supervisor/poll_source.h"

#include <algorithm>

#include "supervisor/lister.h"
#include "supervisor/peer.h"
#include "supervisor/records.h"

namespace reeve::supervisor {

using base::failure;
using base::Result;
using substrate::LogRange;

namespace {

constexpr const char* surveying = "surveying supervisord";
/// supervisord serves nobody else while it makes a large answer.
constexpr std::uint64_t max_log_bytes = std::uint64_t{64} * 1024;

/// A length of 0 would mean all there is.
bool asks_for_text(const substrate::SurveyRequest& request) {
  return request.log && request.log->length > 0;
}

xmlrpc::Call read_log_call(const LogRange& range) {
  const auto length = static_cast<std::int64_t>(std::min(range.length, max_log_bytes));
  return range.from == LogRange::From::end
             ? supervisor_call("readLog", {-length, 0})
             : supervisor_call("readLog", {static_cast<std::int64_t>(range.offset), length});
}

/// Whatever keeps the text away, the listing and the mark are good without it.
std::optional<std::string> to_text(const Result<xmlrpc::Value>& answer) {
  const std::string* const text = answer ? answer->as_string() : nullptr;
  return text == nullptr ? std::nullopt : std::optional(*text);
}

}  // namespace

Result<substrate::Listing> SupervisorPollSource::relist(base::Duration max_name_age,
                                                        const base::Deadline& deadline) {
  return lister_->relist(max_name_age, deadline);
}

/// One system.multicall. Its calls are immediate, so that supervisord runs them in one turn of its
/// loop, in which no process changes its state and no line is logged.
Result<substrate::Survey> SupervisorPollSource::survey(const substrate::SurveyRequest& request,
                                                       const base::Deadline& deadline) {
  std::vector<xmlrpc::Call> calls = {
      supervisor_call("sendRemoteCommEvent", {substrate::survey_mark_type, request.mark}),
      supervisor_call("getAllProcessInfo")};
  if (asks_for_text(request)) {
    calls.push_back(read_log_call(*request.log));
  }
  const Lister::Asked asked = lister_->ask(deadline.clock());
  const auto answers = peer_->multicall_at_once(calls, surveying, deadline);
  if (!answers) {
    return failure(answers.error());
  }
  const Result<xmlrpc::Value>& sent = answers->at(0);
  const Result<xmlrpc::Value>& infos = answers->at(1);
  if (!sent || !infos) {
    return failure(infos ? sent.error() : infos.error());
  }
  if (infos->as_array() == nullptr) {
    return unexpected_answer(surveying);
  }
  substrate::Survey survey{to_listing(*infos->as_array()), std::nullopt};
  lister_->learn(asked, survey.listing);
  if (request.log) {
    survey.log = asks_for_text(request) ? to_text(answers->at(2)) : std::string();
  }
  return survey;
}

}  // namespace reeve::supervisor
