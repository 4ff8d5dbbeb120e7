#include "api/desk.h"
#include "support/catch.h"

namespace reeve::api {
namespace {

using base::ErrorKind;
using substrate::InstanceName;
using substrate::LogStream;
using tests::Desk;
using tests::FakeFailure;
using tests::FakeProgram;
using tests::get;
using tests::header_of;
using tests::json_of;
using tests::Operation;

const std::string stdout_of_job = "/api/v1/processes/job/logs/stdout";

std::string text_of(const http::Response& response) {
  return std::get<std::string>(response.body);
}

struct LogDesk : Desk {
  void write(std::string_view bytes, LogStream stream = LogStream::standard_output) {
    world.supervisord->write_log({"job", "job"}, stream, bytes);
  }
  [[nodiscard]] http::Response read(const std::string& query) {
    return api.handle(get(stdout_of_job + query));
  }
};

TEST_CASE("a log's end is shown, 64 KiB of it unless said otherwise") {
  LogDesk desk;
  desk.write(std::string(70'000, 'x') + "the end\n");
  const auto whole = desk.read("");
  CHECK(whole.status == 200);
  CHECK(header_of(whole, "Content-Type") == "text/plain; charset=utf-8");
  CHECK(header_of(whole, "Log-Size") == "70008");
  CHECK(header_of(whole, "Log-Next-Offset") == "70008");
  CHECK(text_of(whole).size() == 65'536);
  CHECK(text_of(whole).ends_with("xthe end\n"));
  CHECK(text_of(desk.read("?bytes=8")) == "the end\n");
  CHECK(text_of(desk.read("?bytes=0")).empty());
}

TEST_CASE("standard error has a log of its own") {
  LogDesk desk;
  desk.write("out");
  desk.write("err", LogStream::standard_error);
  CHECK(text_of(desk.api.handle(get("/api/v1/processes/job/logs/stderr"))) == "err");
}

TEST_CASE("a log is read range by range, each beginning where the last one says") {
  LogDesk desk;
  desk.write("0123456789");
  const auto first = desk.read("?offset=0&bytes=4");
  CHECK(text_of(first) == "0123");
  CHECK(header_of(first, "Log-Size") == "10");
  CHECK(header_of(first, "Log-Next-Offset") == "4");
  CHECK(text_of(desk.read("?offset=4&bytes=100")) == "456789");
  const auto end = desk.read("?offset=10");
  CHECK(text_of(end).empty());
  CHECK(header_of(end, "Log-Next-Offset") == "10");
}

TEST_CASE("no character is lost between two ranges") {
  LogDesk desk;
  desk.write("aé€z");  // 1, 2, 3 and 1 bytes
  std::string together;
  std::string offset = "0";
  for (int i = 0; i < 10 && offset != "7"; ++i) {
    const auto piece = desk.read("?bytes=4&offset=" + offset);
    together += text_of(piece);
    offset = header_of(piece, "Log-Next-Offset");
  }
  CHECK(together == "aé€z");
}

TEST_CASE("a range behind the end says that the log was rotated or cleared") {
  LogDesk desk;
  desk.write("short");
  const auto response = desk.read("?offset=6");
  CHECK(response.status == 416);
  CHECK(json_of(response)["type"] == "urn:reeve:problem:beyond_end");
  CHECK(json_of(response)["detail"] ==
        "the log has 5 bytes: it was rotated or cleared, begin at offset 0");
}

TEST_CASE("an empty log is an empty text, no log is 404 with a word of its own") {
  LogDesk desk;
  CHECK(desk.read("").status == 200);
  FakeProgram silent;
  silent.name = {"silent", "silent"};
  silent.has_logs = false;
  desk.world.supervisord->add(silent);
  desk.world.publish();
  for (const char* query : {"", "?follow=true", "?offset=0"}) {
    const auto response =
        desk.api.handle(get("/api/v1/processes/silent/logs/stdout" + std::string(query)));
    CHECK(response.status == 404);
    CHECK(json_of(response)["type"] == "urn:reeve:problem:no_log");
  }
  const auto unknown = desk.api.handle(get("/api/v1/processes/nobody/logs/stdout"));
  CHECK(unknown.status == 404);
  CHECK(json_of(unknown)["type"] == "urn:reeve:problem:not_found");
}

TEST_CASE("parameters that make no sense are refused with what would") {
  LogDesk desk;
  desk.write("text");
  for (const char* query :
       {"?bytes=", "?bytes=-1", "?bytes=x", "?bytes=1048577", "?offset=1.5", "?follow=yes",
        "?follow=true&offset=0", "?offset=99999999999999999999", "?bytes=1%"}) {
    CAPTURE(query);
    CHECK(desk.read(query).status == 400);
  }
  CHECK(desk.read("?follow=false&bytes=1048576").status == 200);
}

TEST_CASE("reading logs takes the scope logs") {
  LogDesk desk;
  CHECK(desk.api.handle(get(stdout_of_job, tests::reader_token)).status == 403);
}

TEST_CASE("a supervisord that does not answer in time is 504, one that is known to be away 503") {
  LogDesk desk;
  desk.world.supervisord->fail(FakeFailure{.operation = Operation::log_size, .hangs = true});
  CHECK(desk.read("").status == 504);
  desk.add_second_supervisor();
  const auto before = desk.world.supervisord->calls().size();
  const auto away = desk.read("?supervisor=two");
  CHECK(away.status == 503);
  CHECK(json_of(away)["detail"] ==
        "supervisord at http://localhost:9001/RPC2 cannot be read: connection refused");
  CHECK(desk.world.supervisord->calls().size() == before);
}

}  // namespace
}  // namespace reeve::api
