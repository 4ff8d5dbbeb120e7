// The Logs half of SupervisorSubstrate.

#include "base/percent_encoding.h"
#include "reeve/supervisor/supervisor_substrate.h"
#include "supervisor/faults.h"
#include "supervisor/log_reader.h"
#include "supervisor/peer.h"

namespace reeve::supervisor {

using base::Deadline;
using base::ErrorKind;
using base::failure;
using base::Result;
using substrate::InstanceName;
using substrate::LogStream;

namespace {

bool is_stdout(LogStream stream) {
  return stream == LogStream::standard_output;
}

LogSource source_of(const Peer& peer, const std::string& address, LogStream stream) {
  const char* const method = is_stdout(stream) ? "readProcessStdoutLog" : "readProcessStderrLog";
  return {peer,
          [=](std::int64_t offset, std::int64_t length) {
            return supervisor_call(method, {address, offset, length});
          },
          "reading the log of " + address};
}

}  // namespace

Result<std::string> SupervisorSubstrate::read_log(const InstanceName& name, LogStream stream,
                                                  const substrate::LogRange& range,
                                                  const Deadline& deadline) {
  const auto address = namespec(name);
  if (!address) {
    return failure(address.error());
  }
  const auto size = [&] { return log_size(name, stream, deadline); };
  return read_range(source_of(*peer_, *address, stream), range, size, deadline)
      .map_error(
          [&](base::Error error) { return peer_->explain(std::move(error), name, deadline); });
}

Result<std::uint64_t> SupervisorSubstrate::log_size(const InstanceName& name, LogStream stream,
                                                    const Deadline& deadline) {
  const auto address = namespec(name);
  if (!address) {
    return failure(address.error());
  }
  const char* const method = is_stdout(stream) ? "tailProcessStdoutLog" : "tailProcessStderrLog";
  const std::string doing = "asking for the size of a log of " + *address;
  const auto answer =
      peer_->call_for_array(supervisor_call(method, {*address, 0, 0}), doing, deadline);
  if (!answer && answer.error().kind == ErrorKind::fault && !answer.error().fault) {
    // A plain HTTP 500: beyond 2 GiB supervisord cannot put the size into its answer.
    return probe_size(source_of(*peer_, *address, stream), deadline);
  }
  if (!answer) {
    return failure(peer_->explain(answer.error(), name, deadline));
  }
  const std::int64_t* const size = answer->size() == 3 ? answer->at(1).as_integer() : nullptr;
  if (size == nullptr || *size < 0) {
    return unexpected_answer(doing);
  }
  return static_cast<std::uint64_t>(*size);
}

Result<void> SupervisorSubstrate::follow_log(const InstanceName& name, LogStream stream,
                                             const substrate::LogConsumer& consumer,
                                             const Deadline& deadline) {
  const auto address = namespec(name);
  if (!address) {
    return failure(address.error());
  }
  bool enough = false;
  const auto followed = peer_->stream(
      "/logtail/" + base::percent_encoded(*address) + (is_stdout(stream) ? "/stdout" : "/stderr"),
      [&](std::string_view bytes) {
        enough = !consumer(bytes);
        return !enough;
      },
      deadline);
  if (!followed && followed.error().kind == ErrorKind::not_found) {
    return peer_->look(name, deadline).and_then([&](const auto&) -> Result<void> {
      return failure(ErrorKind::no_file, *address +
                                             " has no log there: none is configured, or"
                                             " nothing was written yet");
    });
  }
  if (followed && !enough) {
    return failure(ErrorKind::unreachable,
                   "following the log of " + *address + ": supervisord closed the connection");
  }
  return followed;
}

Result<void> SupervisorSubstrate::clear_logs(const InstanceName& name, const Deadline& deadline) {
  const auto address = namespec(name);
  if (!address) {
    return failure(address.error());
  }
  const auto cleared = peer_->call(supervisor_call("clearProcessLogs", {*address}),
                                   "clearing the logs of " + *address, deadline);
  if (!cleared) {
    return failure(peer_->explain(cleared.error(), name, deadline));
  }
  return {};
}

Result<std::string> SupervisorSubstrate::read_manager_log(const substrate::LogRange& range,
                                                          const Deadline& deadline) {
  const LogSource source{*peer_,
                         [](std::int64_t offset, std::int64_t length) {
                           return supervisor_call("readLog", {offset, length});
                         },
                         "reading supervisord's log"};
  return read_range(
      source, range, [&] { return probe_size(source, deadline); }, deadline);
}

}  // namespace reeve::supervisor
