#include "cli/exit_code.h"

#include <map>
#include <vector>

#include "support/catch.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;

const std::vector<Verb> all_verbs = {
    Verb::list,   Verb::status,      Verb::start,     Verb::stop,  Verb::restart,
    Verb::signal, Verb::pid,         Verb::tail,      Verb::clear, Verb::reread,
    Verb::update, Verb::healthcheck, Verb::ask_agent,
};

/// One digit for each verb, in the order above.
const std::map<ErrorKind, std::string> expected = {
    {ErrorKind::unreachable, "4444444441144"},     {ErrorKind::socket_missing, "4477777771147"},
    {ErrorKind::timeout, "4411111111141"},         {ErrorKind::cancelled, "1111111111111"},
    {ErrorKind::denied, "1111111111111"},          {ErrorKind::not_found, "1411111111141"},
    {ErrorKind::no_file, "1111111111111"},         {ErrorKind::conflict, "1171771111111"},
    {ErrorKind::stale, "1111111111111"},           {ErrorKind::invalid_argument, "1111111111111"},
    {ErrorKind::spawn_failed, "7777777777777"},    {ErrorKind::shutting_down, "1111111111111"},
    {ErrorKind::fault, "1111111111111"},           {ErrorKind::malformed, "1111111111111"},
    {ErrorKind::not_implemented, "1111111111111"}, {ErrorKind::internal, "1111111111111"},
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
