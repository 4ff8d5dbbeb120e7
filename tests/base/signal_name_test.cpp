#include "base/signal_name.h"

#include "support/catch.h"

namespace reeve::base {
namespace {

TEST_CASE("signal_name: a signal's name with or without SIG, in any case") {
  for (const char* text : {"HUP", "SIGHUP", "hup", "SigHup"}) {
    CAPTURE(text);
    CHECK(signal_name(text) == "HUP");
  }
  CHECK(signal_name("SIGUSR2") == "USR2");
}

TEST_CASE("signal_name: anything else names no signal") {
  for (const char* text :
       {"", "SIG", "SIGSIGHUP", "sigSIGHUP", "HUPP", "HU", "1", " HUP", "HUP ", "SIG HUP", "FOO"}) {
    CAPTURE(text);
    CHECK_FALSE(signal_name(text));
  }
  CHECK_FALSE(signal_name(std::string_view("HUP\0", 4)));
}

}  // namespace
}  // namespace reeve::base
