#include "cli/exit_code.h"

#include <map>
#include <vector>

#include "support/catch.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;

const std::vector<Verb> all_verbs = {
    Verb::list, Verb::status, Verb::start, Verb::stop,   Verb::restart, Verb::signal,
    Verb::pid,  Verb::tail,   Verb::clear, Verb::reread, Verb::update,  Verb::healthcheck,
};

/// One digit for each verb, in the order above.
const std::map<ErrorKind, std::string> expected = {
    {ErrorKind::unreachable, "444444444114"},     {ErrorKind::socket_missing, "447777777114"},
    {ErrorKind::timeout, "441111111114"},         {ErrorKind::cancelled, "111111111111"},
    {ErrorKind::denied, "111111111111"},          {ErrorKind::not_found, "141111111114"},
    {ErrorKind::no_file, "111111111111"},         {ErrorKind::conflict, "117177111111"},
    {ErrorKind::stale, "111111111111"},           {ErrorKind::invalid_argument, "111111111111"},
    {ErrorKind::spawn_failed, "777777777777"},    {ErrorKind::shutting_down, "111111111111"},
    {ErrorKind::fault, "111111111111"},           {ErrorKind::malformed, "111111111111"},
    {ErrorKind::not_implemented, "111111111111"}, {ErrorKind::internal, "111111111111"},
};

TEST_CASE("every error of every command has its exit code") {
  for (const auto& [kind, codes] : expected) {
    for (std::size_t at = 0; at < all_verbs.size(); ++at) {
      CAPTURE(base::to_string(kind), at);
      CHECK(exit_code(all_verbs[at], kind) == codes[at] - '0');
    }
  }
  CHECK(expected.size() == static_cast<std::size_t>(ErrorKind::internal) + 1);
}

}  // namespace
}  // namespace reeve::cli
