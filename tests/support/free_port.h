#pragma once

// A port for a server that cannot be told to let the kernel choose.

#include <cstdint>

namespace reeve::tests {

/// It was free on 127.0.0.1 a moment ago, and is given once in this process. The kernel gives it to
/// nobody who asks for any port.
[[nodiscard]] std::uint16_t free_port();

}  // namespace reeve::tests
