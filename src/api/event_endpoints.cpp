// What happens, as it happens.

#include "api/answer.h"
#include "api/problem.h"
#include "api/routes.h"
#include "base/text.h"

namespace reeve::api {

http::Response stream_events(const Call& call) {
  const auto last = call.request.header("Last-Event-ID");
  // What is no id of ours is gone, like one of long ago.
  const auto after =
      last ? std::optional(base::parse_number<std::uint64_t>(*last).value_or(0)) : std::nullopt;
  auto reader = call.around.events->listen(after);
  if (!reader) {
    return answer(Problem{.status = 503,
                          .type = "too_many_listeners",
                          .detail = "as many listen to events as may, " +
                                    std::to_string(EventHub::max_listeners) + ": end one",
                          .headers = {{"Retry-After", "10"}}},
                  call.request.path);
  }
  http::Response response = answer(200, "text/event-stream", "");
  response.body = std::move(reader);
  return response;
}

}  // namespace reeve::api
