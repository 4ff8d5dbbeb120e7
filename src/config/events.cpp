#include <sys/un.h>

#include "config/parts.h"

namespace reeve::config {
namespace {

using Stream = events::Options::Stream;

const Choices<Stream> streams = {
    {"auto", Stream::automatic},
    {"on", Stream::on},
    {"off", Stream::off},
};

const Choices<monitor::MainLog> main_log_choices = {
    {"auto", monitor::MainLog::automatic},
    {"on", monitor::MainLog::on},
    {"off", monitor::MainLog::off},
};

base::Result<std::string> parse_socket(std::string_view text) {
  if (!text.empty() && (!text.starts_with('/') || text.size() >= sizeof(sockaddr_un::sun_path))) {
    return base::failure(base::ErrorKind::invalid_argument,
                         "expected the path of a unix socket like /run/reeve/events.sock, of at "
                         "most " +
                             std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " characters");
  }
  return std::string(text);
}

}  // namespace

void read_events(const Node& node, Source& source, Config& config) {
  Section section(node, "events", source);
  section.choice("stream", config.events.stream, streams);
  section.parsed<std::string>("socket", config.events.socket, parse_socket);
  section.choice("main_log", config.poll.main_log, main_log_choices);
  section.finish();
}

}  // namespace reeve::config
