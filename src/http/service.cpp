#include "http/service.h"

#include <exception>
#include <string>
#include <utility>

#include "http/response_head.h"

namespace reeve::http {

Service::Service(const ListenerOptions& settings, Handler handle, base::Log logger)
    : options(settings),
      handler(std::move(handle)),
      log(std::move(logger)),
      io(std::make_shared<boost::asio::io_context>(1)),
      table({settings.max_connections, settings.max_connections_per_address}),
      drain_timer(*io) {}

Response Service::respond(const Request& request) const {
  return resolve([&] { return handler(request); });
}

Response Service::resolve(const std::function<Response()>& make) const {
  std::string what = "an unknown exception";
  try {
    return make();
  } catch (const std::exception& error) {
    what = error.what();
  } catch (...) {
  }
  log.error("a request failed inside the agent", {{"reason", what}});
  return plain_error(500, "the agent's log has the reason");
}

void Service::leave(ConnectionTable::Place place) {
  table.leave(place);
  --open;
  if (draining && table.empty()) {
    drain_timer.cancel();
  }
}

}  // namespace reeve::http
