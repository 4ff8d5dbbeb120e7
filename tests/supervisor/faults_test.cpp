#include <map>

#include "supervisor/answers.h"
#include "supervisor/stub_caller.h"
#include "support/catch.h"

namespace reeve::supervisor {
namespace {

using base::ErrorKind;

TEST_CASE(
    "faults: each of supervisord's fault codes has its kind, and every other number is a fault") {
  const std::map<int, ErrorKind> kinds = {
      {1, ErrorKind::not_implemented},   {3, ErrorKind::invalid_argument},
      {6, ErrorKind::shutting_down},     {10, ErrorKind::not_found},
      {11, ErrorKind::invalid_argument}, {20, ErrorKind::no_file},
      {21, ErrorKind::no_file},          {40, ErrorKind::spawn_failed},
      {50, ErrorKind::spawn_failed},     {60, ErrorKind::conflict},
      {70, ErrorKind::conflict},         {90, ErrorKind::conflict},
      {91, ErrorKind::conflict},         {92, ErrorKind::invalid_argument},
  };
  for (int code = -1; code <= 200; ++code) {
    CAPTURE(code);
    const auto known = kinds.find(code);
    CHECK(kind_of_fault(code) == (known == kinds.end() ? ErrorKind::fault : known->second));
  }
  CHECK(kind_of_fault(-32500) == ErrorKind::fault);
}

TEST_CASE(
    "faults: what is wrong with a configuration is told whole, a traceback by its first line") {
  const std::string text =
      "CANT_REREAD: Source contains parsing errors: '/etc/x.conf'\n"
      "\t[line  3]: 'foo\\n'\n";
  CHECK(
      to_error({92, text}, "rereading")
          .message.ends_with(
              "(CANT_REREAD: Source contains parsing errors: '/etc/x.conf'; [line  3]: 'foo\\n')"));
  CHECK(to_error({30, "FAILED: Traceback:\n  File x\n"}, "doing")
            .message.ends_with("(FAILED: Traceback:)"));
}

TEST_CASE(
    "faults: every captured fault becomes an error that keeps supervisord's own code and words") {
  const std::map<std::string, ErrorKind> captured = {
      {"ABNORMAL_TERMINATION", ErrorKind::spawn_failed},
      {"ALREADY_ADDED", ErrorKind::conflict},
      {"ALREADY_STARTED", ErrorKind::conflict},
      {"BAD_ARGUMENTS", ErrorKind::invalid_argument},
      {"BAD_NAME-xml-chars", ErrorKind::not_found},
      {"BAD_NAME", ErrorKind::not_found},
      {"BAD_SIGNAL", ErrorKind::invalid_argument},
      {"CANT_REREAD", ErrorKind::invalid_argument},
      {"FAILED", ErrorKind::fault},
      {"INCORRECT_PARAMETERS", ErrorKind::fault},
      {"NOT_EXECUTABLE", ErrorKind::no_file},
      {"NOT_RUNNING-stopping", ErrorKind::conflict},
      {"NOT_RUNNING", ErrorKind::conflict},
      {"NO_FILE-log", ErrorKind::no_file},
      {"NO_FILE-start", ErrorKind::no_file},
      {"SHUTDOWN_STATE", ErrorKind::shutting_down},
      {"SIGNATURE_UNSUPPORTED", ErrorKind::fault},
      {"SPAWN_ERROR", ErrorKind::spawn_failed},
      {"STILL_RUNNING", ErrorKind::conflict},
      {"UNKNOWN_METHOD", ErrorKind::not_implemented},
  };
  for (const auto& [name, kind] : captured) {
    CAPTURE(name);
    const auto answer = tests::decoded_fixture("fault-" + name + ".xml");
    REQUIRE(answer.fault() != nullptr);
    const base::Error error = to_error(*answer.fault(), "doing it");
    CHECK(error.kind == kind);
    CHECK(error.fault == base::PeerFault{answer.fault()->code, answer.fault()->text});
    CHECK(error.message.starts_with("doing it: "));
    CHECK_FALSE(is_unspecific(error));
  }
}

TEST_CASE("faults: a fault's message says what supervisord said, without its traceback") {
  const auto missing = tests::decoded_fixture("fault-NO_FILE-start.xml");
  CHECK(to_error(*missing.fault(), "starting web").message ==
        "starting web: the file does not exist (NO_FILE: can't find command"
        " '/nonexistent/binary')");
  const auto failed = tests::decoded_fixture("fault-FAILED.xml");
  CHECK(to_error(*failed.fault(), "stopping web").message.find('\n') == std::string::npos);
}

TEST_CASE("faults: a fault of the Go reimplementation says nothing by its code") {
  CHECK(is_unspecific(to_error(*tests::decoded_fixture("go-fault.xml").fault(), "starting web")));
  CHECK_FALSE(is_unspecific({ErrorKind::fault, "HTTP 500"}));
}

}  // namespace
}  // namespace reeve::supervisor
