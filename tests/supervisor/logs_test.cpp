#include "base/text.h"
#include "supervisor/world.h"
#include "support/catch.h"

namespace reeve::supervisor {
namespace {

using base::ErrorKind;
using substrate::LogRange;
using substrate::LogStream;
using tests::fault;
using tests::value;

constexpr const char* read_stdout = "supervisor.readProcessStdoutLog";
constexpr const char* tail_stdout = "supervisor.tailProcessStdoutLog";
constexpr LogStream out = LogStream::standard_output;

/// A supervisord 4 with one log, read as supervisord reads it.
struct LogWorld : tests::World {
  std::string log;
  std::size_t reads = 0;
  std::size_t longest = 0;

  LogWorld() {
    peer->answer(read_stdout, [this](const xmlrpc::Call& call) { return read(call); });
    peer->answer(tail_stdout, [this](const xmlrpc::Call&) {
      return value(xmlrpc::Array{"", static_cast<std::int64_t>(log.size()), true});
    });
  }

  tests::StubCaller::Reply read(const xmlrpc::Call& call) {
    const std::int64_t offset = *call.parameters.at(1).as_integer();
    const std::int64_t length = *call.parameters.at(2).as_integer();
    const auto size = static_cast<std::int64_t>(log.size());
    ++reads;
    const std::int64_t begin = offset < 0 ? std::max<std::int64_t>(0, size + offset) : offset;
    std::string slice;
    if (begin < size) {
      slice = log.substr(static_cast<std::size_t>(begin), offset < 0 || length == 0
                                                              ? std::string::npos
                                                              : static_cast<std::size_t>(length));
    }
    longest = std::max(longest, slice.size());
    return base::is_utf8(slice) ? value(slice)
                                : fault(30,
                                        "FAILED: <class 'AttributeError'>:type object 'Faults'"
                                        " has no attribute 'utf-8'");
  }

  std::string tail(std::uint64_t length) {
    const auto text = supervisord.read_log(web, out, {LogRange::From::end, 0, length}, soon());
    REQUIRE(text);
    return *text;
  }
  std::string from(std::uint64_t offset, std::uint64_t length) {
    const auto text =
        supervisord.read_log(web, out, {LogRange::From::start, offset, length}, soon());
    REQUIRE(text);
    return *text;
  }
};

TEST_CASE_METHOD(LogWorld, "the end of a log takes one request, whatever control bytes are in it") {
  log = "first\nsecond\n\x1b[31mred\x1b[0m\0\b\n" + std::string("\0", 1) + "end";
  CHECK(tail(9) == log.substr(log.size() - 9));
  CHECK(peer->methods() == std::vector<std::string>{"system.multicall"});
  CHECK(tail(1000) == log);
}

TEST_CASE_METHOD(LogWorld, "a range is read from its offset, past the end there is nothing") {
  log = "0123456789";
  CHECK(from(3, 4) == "3456");
  CHECK(from(8, 100) == "89");
  CHECK(from(10, 5).empty());
  CHECK(from(std::uint64_t{1} << 63U, 5).empty());
}

TEST_CASE_METHOD(LogWorld,
                 "nothing is asked for where nothing is wanted: length 0 means everything") {
  log = "0123456789";
  CHECK(tail(0).empty());
  CHECK(from(3, 0).empty());
  CHECK(reads == 0);
}

TEST_CASE_METHOD(LogWorld, "a long log is read in slices of at most 64 KiB") {
  for (int line = 0; log.size() < 300000; ++line) {
    log += "line " + std::to_string(line) + " ä\n";
  }
  CHECK(tail(1000000) == log);
  CHECK(from(0, 1000000) == log);
  CHECK(longest <= 64U * 1024U);
}

TEST_CASE_METHOD(LogWorld, "a character that the range's edge cuts is left out") {
  log = "日本語";
  CHECK(tail(9) == "日本語");
  CHECK(tail(8) == "本語");
  CHECK(tail(7) == "本語");
  CHECK(tail(6) == "本語");
  CHECK(tail(2).empty());
  CHECK(from(0, 4) == "日");
  CHECK(from(0, 5) == "日");
  CHECK(from(1, 5) == "本");
}

TEST_CASE_METHOD(LogWorld, "a byte that is not UTF-8 becomes U+FFFD and all around it survives") {
  log = "gr\xfc\xdf dich, na\xc3\xafve \xe9t\xe9\n";
  CHECK(from(0, 100) == "gr�� dich, naïve �t�\n");
  CHECK(tail(100) == "gr�� dich, naïve �t�\n");
}

TEST_CASE_METHOD(LogWorld, "text is found between long runs of bytes that are none") {
  log = std::string(500, '\xff') + "needle 日本" + std::string(500, '\x80');
  CHECK((from(0, 2000) == base::to_utf8(log)));
}

TEST_CASE_METHOD(LogWorld, "bytes that are no text at all are bounded in their effort") {
  log.assign(60000, '\xff');
  const std::string text = from(0, 60000);
  CHECK(text.size() > 3000);
  CHECK(text.size() < 60000);
  CHECK(reads < 21000);
}

TEST_CASE_METHOD(LogWorld, "a log cut short while it is read ends there") {
  log = std::string(100000, 'x');
  peer->answer(read_stdout, [this](const xmlrpc::Call& call) {
    auto reply = read(call);
    log.clear();
    return reply;
  });
  CHECK(from(0, 100000).size() == 64U * 1024U);
}

TEST_CASE_METHOD(LogWorld,
                 "a missing log, an unknown name and a refusal without words are told apart") {
  peer->answer(read_stdout,
               {fault(20, "NO_FILE"), fault(10, "BAD_NAME: web"), fault(30, "FAILED")});
  for (const ErrorKind kind : {ErrorKind::no_file, ErrorKind::not_found, ErrorKind::fault}) {
    const auto text = supervisord.read_log(web, out, {LogRange::From::end, 0, 10}, soon());
    REQUIRE_FALSE(text);
    CHECK(text.error().kind == kind);
  }
}

TEST_CASE_METHOD(LogWorld, "an answer that is no text is malformed") {
  peer->answer(read_stdout, {value(7)});
  CHECK(supervisord.read_log(web, out, {LogRange::From::end, 0, 10}, soon()).error().kind ==
        ErrorKind::malformed);
}

TEST_CASE_METHOD(LogWorld, "the error stream is read and sized by its own methods") {
  const LogStream err = LogStream::standard_error;
  peer->answer("supervisor.readProcessStderrLog", {value("oops\n")});
  peer->answer("supervisor.tailProcessStderrLog", {value(xmlrpc::Array{"", 5, true})});
  CHECK(supervisord.read_log(web, err, {LogRange::From::end, 0, 10}, soon()) == "oops\n");
  CHECK(supervisord.log_size(web, err, soon()) == std::uint64_t{5});
}

TEST_CASE_METHOD(LogWorld, "a log's size is asked for without its text") {
  log = "0123456789";
  CHECK(supervisord.log_size(web, out, soon()) == std::uint64_t{10});
  CHECK(peer->calls() == std::vector<xmlrpc::Call>{{tail_stdout, {"web", 0, 0}}});
}

TEST_CASE_METHOD(LogWorld, "the Go reimplementation tells a size in three parameters") {
  peer->answer_fixture(tail_stdout, "go-tail-three-params.xml");
  CHECK(supervisord.log_size(web, out, soon()) == std::uint64_t{4});
}

TEST_CASE_METHOD(LogWorld,
                 "a size that supervisord cannot say, beyond 2 GiB, is found by reading") {
  peer->answer(tail_stdout, {tests::error(ErrorKind::fault)});
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{3221225470},
                                   std::uint64_t{3221225472}, std::uint64_t{1} << 40U}) {
    peer->answer(read_stdout, [size](const xmlrpc::Call& call) {
      const std::int64_t offset = *call.parameters.at(1).as_integer();
      return value(static_cast<std::uint64_t>(offset) < size ? "x" : "");
    });
    CHECK(supervisord.log_size(web, out, soon()) == size);
  }
  CHECK(peer->calls().size() < 100);
}

TEST_CASE_METHOD(LogWorld, "an answer to the size that is none is malformed") {
  peer->answer(tail_stdout,
               {value(xmlrpc::Array{"", -1, true}), value(xmlrpc::Array{}), value("text")});
  for (int i = 0; i < 3; ++i) {
    CHECK(supervisord.log_size(web, out, soon()).error().kind == ErrorKind::malformed);
  }
}

TEST_CASE_METHOD(LogWorld, "following opens the log under its name, percent-encoded") {
  peer->stream_chunks({"one", "two", "three"});
  std::string seen;
  const auto followed = supervisord.follow_log(
      {"naïve", "a&b/%"}, LogStream::standard_error,
      [&](std::string_view bytes) {
        seen += bytes;
        return seen.size() < 6;
      },
      soon());
  CHECK(followed);
  CHECK(seen == "onetwo");
  CHECK(peer->streamed_path() == "/logtail/na%C3%AFve%3Aa%26b%2F%25/stderr");
}

TEST_CASE_METHOD(LogWorld, "a following that supervisord ends is no success") {
  peer->stream_chunks({"one"});
  const auto followed = supervisord.follow_log(
      web, out, [](std::string_view) { return true; }, soon());
  REQUIRE_FALSE(followed);
  CHECK(followed.error().kind == ErrorKind::unreachable);
}

TEST_CASE_METHOD(LogWorld, "following a process without a log is told from one without a process") {
  peer->refuse_stream(ErrorKind::not_found);
  peer->answer("supervisor.getProcessInfo",
               {tests::info(substrate::InstanceState::running), fault(10, "BAD_NAME: web")});
  const auto consumer = [](std::string_view) { return true; };
  CHECK(supervisord.follow_log(web, out, consumer, soon()).error().kind == ErrorKind::no_file);
  CHECK(supervisord.follow_log(web, out, consumer, soon()).error().kind == ErrorKind::not_found);
}

TEST_CASE_METHOD(LogWorld, "both logs are cleared in one call") {
  peer->answer("supervisor.clearProcessLogs", {value(true), fault(10, "BAD_NAME: web")});
  CHECK(supervisord.clear_logs(web, soon()));
  CHECK(supervisord.clear_logs(web, soon()).error().kind == ErrorKind::not_found);
}

TEST_CASE_METHOD(LogWorld, "supervisord's own log is read like any other") {
  peer->answer_fixture("supervisor.readLog", "readLog-tail.xml");
  const auto text = supervisord.read_manager_log({LogRange::From::end, 0, 300}, soon());
  REQUIRE(text);
  CHECK(text->size() == 300);
}

}  // namespace
}  // namespace reeve::supervisor
