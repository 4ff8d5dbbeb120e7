#include "base/signal_name.h"

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstring>

namespace reeve::base {

std::optional<std::string> signal_name(std::string_view text) {
  std::string name(text);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
  name.erase(0, name.starts_with("SIG") ? 3 : 0);
  for (int number = 1; number < NSIG; ++number) {
    const char* const known = ::sigabbrev_np(number);
    if (known != nullptr && name == known) {
      return name;
    }
  }
  return std::nullopt;
}

}  // namespace reeve::base
