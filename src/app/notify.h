#pragma once

// Tells systemd how the service is doing (sd_notify's protocol): one datagram to the socket named
// in NOTIFY_SOCKET. Does nothing where systemd did not start us.

#include <string_view>

namespace reeve::app {

/// `state` as in sd_notify(3): "READY=1", "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=…".
void notify_manager(std::string_view state);

}  // namespace reeve::app
