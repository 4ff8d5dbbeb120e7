#include "http/message.h"

#include "support/catch.h"

namespace reeve::http {
namespace {

Request with_query(std::string query) {
  Request request;
  request.query = std::move(query);
  return request;
}

TEST_CASE("a header is found in any case, and the first one of its name counts") {
  Request request;
  request.headers = {{"Host", "here"}, {"X-Trace", "one"}, {"x-trace", "two"}};
  CHECK(request.header("hOST") == "here");
  CHECK(request.header("X-TRACE") == "one");
  CHECK_FALSE(request.header("X-Trac"));
  CHECK_FALSE(request.header(""));
}

TEST_CASE("a query parameter is decoded, with + for a blank") {
  const Request request = with_query("group=a%20b&name=x+y&wait&sum=1%2B1=2&group=other");
  CHECK(request.parameter("group") == "a b");
  CHECK(request.parameter("name") == "x y");
  CHECK(request.parameter("wait") == "");
  CHECK(request.parameter("sum") == "1+1=2");
  CHECK_FALSE(request.parameter("absent"));
}

TEST_CASE("the name of a query parameter may be encoded too") {
  CHECK(with_query("gr%6Fup=web").parameter("group") == "web");
}

TEST_CASE("a query with a bad escape anywhere gives nothing") {
  for (const char* query : {"a=%", "a=%4", "a=%zz", "a=1&b=%g0", "%=1&a=1", "a=1&b=%+1", "a=%-1"}) {
    CAPTURE(query);
    CHECK_FALSE(with_query(query).parameter("a"));
  }
}

TEST_CASE("an empty query, or one of separators alone, holds no parameter") {
  for (const char* query : {"", "&", "&&&"}) {
    CAPTURE(query);
    CHECK_FALSE(with_query(query).parameter(""));
    CHECK_FALSE(with_query(query).parameter("a"));
  }
}

TEST_CASE("percent decoding gives any byte, and nothing on a bad escape") {
  CHECK(percent_decode("group%3aname") == "group:name");
  CHECK(percent_decode("%C3%A4+%00") == std::string("\xC3\xA4+\0", 4));
  CHECK(percent_decode("") == "");
  CHECK_FALSE(percent_decode("%"));
  CHECK_FALSE(percent_decode("a%2"));
  CHECK_FALSE(percent_decode("%0x"));
  CHECK_FALSE(percent_decode("% 1"));
}

}  // namespace
}  // namespace reeve::http
