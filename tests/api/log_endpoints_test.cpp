#include "api/api_fixture.h"
#include "support/catch.h"

namespace reeve::api {
namespace {

using base::ErrorKind;
using substrate::InstanceName;
using substrate::LogStream;
using tests::ApiFixture;
using tests::FakeFailure;
using tests::FakeProgram;
using tests::get;
using tests::header_of;
using tests::json_of;

const std::string stdout_of_job = "/api/v1/processes/job/logs/stdout";

std::string text_of(const http::Response& response) {
  return std::get<std::string>(response.body);
}

struct LogFixture : ApiFixture {
  void write(std::string_view bytes, LogStream stream = LogStream::standard_output) {
    world.supervisord->write_log({"job", "job"}, stream, bytes);
  }
  [[nodiscard]] http::Response read(const std::string& query) {
    return api.handle(get(stdout_of_job + query));
  }
};

TEST_CASE("Log endpoints: the end of a log, 64 KiB by default") {
  LogFixture fixture;
  fixture.write(std::string(70'000, 'x') + "the end\n");
  const auto whole = fixture.read("");
  CHECK(whole.status == 200);
  CHECK(header_of(whole, "Content-Type") == "text/plain; charset=utf-8");
  CHECK(header_of(whole, "Log-Size") == "70008");
  CHECK(header_of(whole, "Log-Next-Offset") == "70008");
  CHECK(text_of(whole).size() == 65'536);
  CHECK(text_of(whole).ends_with("xthe end\n"));
  CHECK(text_of(fixture.read("?bytes=8")) == "the end\n");
  CHECK(text_of(fixture.read("?bytes=0")).empty());
}

TEST_CASE("Log endpoints: standard error has its own log") {
  LogFixture fixture;
  fixture.write("out");
  fixture.write("err", LogStream::standard_error);
  CHECK(text_of(fixture.api.handle(get("/api/v1/processes/job/logs/stderr"))) == "err");
}

TEST_CASE("Log endpoints: Log-Next-Offset is where the next range begins") {
  LogFixture fixture;
  fixture.write("0123456789");
  const auto first = fixture.read("?offset=0&bytes=4");
  CHECK(text_of(first) == "0123");
  CHECK(header_of(first, "Log-Size") == "10");
  CHECK(header_of(first, "Log-Next-Offset") == "4");
  CHECK(text_of(fixture.read("?offset=4&bytes=100")) == "456789");
  const auto end = fixture.read("?offset=10");
  CHECK(text_of(end).empty());
  CHECK(header_of(end, "Log-Next-Offset") == "10");
}

TEST_CASE("Log endpoints: no character is lost between two ranges") {
  LogFixture fixture;
  fixture.write("aé€z");  // 1, 2, 3 and 1 bytes
  std::string together;
  std::string offset = "0";
  for (int i = 0; i < 10 && offset != "7"; ++i) {
    const auto piece = fixture.read("?bytes=4&offset=" + offset);
    together += text_of(piece);
    offset = header_of(piece, "Log-Next-Offset");
  }
  CHECK(together == "aé€z");
}

TEST_CASE("Log endpoints: a range that begins within a character is not read again") {
  LogFixture fixture;
  fixture.write("日本語xyz");
  const auto piece = fixture.read("?bytes=6&offset=1");
  CHECK(text_of(piece) == "本");
  CHECK(header_of(piece, "Log-Next-Offset") == "6");
}

TEST_CASE("Log endpoints: an offset beyond the end is a 416") {
  LogFixture fixture;
  fixture.write("short");
  const auto response = fixture.read("?offset=6");
  CHECK(response.status == 416);
  CHECK(json_of(response)["type"] == "urn:reeve:problem:beyond_end");
  CHECK(json_of(response)["detail"] ==
        "the log has 5 bytes: it was rotated or cleared, begin at offset 0");
}

TEST_CASE("Log endpoints: an empty log is an empty text, a missing log is 404 no_log") {
  LogFixture fixture;
  CHECK(fixture.read("").status == 200);
  FakeProgram silent;
  silent.name = {"silent", "silent"};
  silent.has_logs = false;
  fixture.world.supervisord->add(silent);
  fixture.world.publish();
  for (const char* query : {"", "?follow=true", "?offset=0"}) {
    const auto response =
        fixture.api.handle(get("/api/v1/processes/silent/logs/stdout" + std::string(query)));
    CHECK(response.status == 404);
    CHECK(json_of(response)["type"] == "urn:reeve:problem:no_log");
  }
  const auto unknown = fixture.api.handle(get("/api/v1/processes/nobody/logs/stdout"));
  CHECK(unknown.status == 404);
  CHECK(json_of(unknown)["type"] == "urn:reeve:problem:not_found");
}

TEST_CASE("Log endpoints: bad parameters are a 400") {
  LogFixture fixture;
  fixture.write("text");
  for (const char* query :
       {"?bytes=", "?bytes=-1", "?bytes=x", "?bytes=1048577", "?offset=1.5", "?follow=yes",
        "?follow=true&offset=0", "?offset=99999999999999999999", "?bytes=1%"}) {
    CAPTURE(query);
    CHECK(fixture.read(query).status == 400);
  }
  CHECK(fixture.read("?follow=false&bytes=1048576").status == 200);
}

TEST_CASE("Log endpoints: they require the scope logs") {
  LogFixture fixture;
  CHECK(fixture.api.handle(get(stdout_of_job, tests::reader_token)).status == 403);
}

TEST_CASE("Log endpoints: a timeout is a 504, a supervisord known to be unreachable a 503") {
  LogFixture fixture;
  fixture.world.supervisord->fail(
      FakeFailure{.operation = tests::Operation::log_size, .hangs = true});
  CHECK(fixture.read("").status == 504);
  fixture.add_second_supervisor();
  const auto before = fixture.world.supervisord->calls().size();
  const auto away = fixture.read("?supervisor=two");
  CHECK(away.status == 503);
  CHECK(json_of(away)["detail"] ==
        "supervisord at http://localhost:9001/RPC2 cannot be read: connection refused");
  CHECK(fixture.world.supervisord->calls().size() == before);
}

}  // namespace
}  // namespace reeve::api
