#include "http/message.h"

#include "http/base64.h"
#include "http/grammar.h"
#include "support/catch.h"

namespace reeve::http {
namespace {

Request with_query(std::string query) {
  Request request;
  request.query = std::move(query);
  return request;
}

TEST_CASE("Request: a header is found in any case, and the first one of its name counts") {
  Request request;
  request.headers = {{"Host", "here"}, {"X-Trace", "one"}, {"x-trace", "two"}};
  CHECK(request.header("hOST") == "here");
  CHECK(request.header("X-TRACE") == "one");
  CHECK_FALSE(request.header("X-Trac"));
  CHECK_FALSE(request.header(""));
}

TEST_CASE("Request: a query parameter is decoded, with + for a blank") {
  const Request request = with_query("group=a%20b&name=x+y&wait&sum=1%2B1=2&group=other");
  CHECK(request.parameter("group") == "a b");
  CHECK(request.parameter("name") == "x y");
  CHECK(request.parameter("wait") == "");
  CHECK(request.parameter("sum") == "1+1=2");
  CHECK_FALSE(request.parameter("absent"));
}

TEST_CASE("Request: the name of a query parameter may be encoded too") {
  CHECK(with_query("gr%6Fup=web").parameter("group") == "web");
}

TEST_CASE("Request: a query with a bad escape anywhere gives nothing") {
  for (const char* query : {"a=%", "a=%4", "a=%zz", "a=1&b=%g0", "%=1&a=1", "a=1&b=%+1", "a=%-1"}) {
    CAPTURE(query);
    CHECK_FALSE(with_query(query).parameter("a"));
  }
}

TEST_CASE("Request: an empty query, or one of separators alone, holds no parameter") {
  for (const char* query : {"", "&", "&&&"}) {
    CAPTURE(query);
    CHECK_FALSE(with_query(query).parameter(""));
    CHECK_FALSE(with_query(query).parameter("a"));
  }
}

TEST_CASE("percent_decode: percent decoding gives any byte, and nothing on a bad escape") {
  CHECK(percent_decode("group%3aname") == "group:name");
  CHECK(percent_decode("%C3%A4+%00") == std::string("\xC3\xA4+\0", 4));
  CHECK(percent_decode("") == "");
  CHECK_FALSE(percent_decode("%"));
  CHECK_FALSE(percent_decode("a%2"));
  CHECK_FALSE(percent_decode("%0x"));
  CHECK_FALSE(percent_decode("% 1"));
}

TEST_CASE("response_head: an answer's head names its status, its headers and its length") {
  Response response;
  response.headers = {{"Content-Type", "text/plain"}};
  response.body = std::string("hello");
  CHECK(response_head(response, Persistence::keep_alive) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
  CHECK(response_head(response, Persistence::close) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
        "Connection: close\r\n\r\n");
}

TEST_CASE("response_head: shared segments count together") {
  Response response;
  response.body = std::vector<SharedBytes>{std::make_shared<const std::string>("abc"),
                                           std::make_shared<const std::string>("de")};
  CHECK(body_size(response) == 5);
}

TEST_CASE("response_head: a header cannot end the head, nor take the transport's place") {
  Response response;
  response.headers = {{"Location", "/a\r\nSet-Cookie: x"},
                      {"Bad\nName", "x"},
                      {"", "x"},
                      {"Nul", std::string("a\0b", 3)},
                      {"Na me", "x"},
                      {"Good", "a\tb"},
                      {"content-length", "99"},
                      {"Connection", "x"},
                      {"Bad:", "x"},
                      {"TRANSFER-ENCODING", "chunked"}};
  CHECK(response_head(response, Persistence::keep_alive) ==
        "HTTP/1.1 200 OK\r\nGood: a\tb\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("response_head: an answer that must not have a body has no length") {
  Response response;
  response.body = std::string("ignored");
  for (const int status : {204, 304}) {
    response.status = status;
    CHECK(response_head(response, Persistence::keep_alive).find("Content-Length") ==
          std::string::npos);
    CHECK_FALSE(has_body(status));
  }
}

TEST_CASE("response_head: a status that cannot be sent is an internal error") {
  Response response;
  for (const int status : {-1, 0, 100, 199, 600, 99999}) {
    response.status = status;
    CHECK(response_head(response, Persistence::keep_alive).starts_with("HTTP/1.1 500 "));
  }
  response.status = 599;
  CHECK(response_head(response, Persistence::keep_alive).starts_with("HTTP/1.1 599 \r\n"));
}

TEST_CASE("response_head: the transport's own errors say why in one line and close") {
  const Response response = plain_error(503, "too many connections");
  CHECK(std::get<std::string>(response.body) == "503 Service Unavailable: too many connections\n");
  CHECK(asks_to_close(response));
  CHECK(response_head(response, Persistence::close) ==
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Retry-After: 1\r\nContent-Length: 46\r\nConnection: close\r\n\r\n");
}

TEST_CASE("base64: any bytes come back, and what is no base64 gives nothing") {
  for (const std::string& bytes : {std::string(), std::string("a"), std::string("ab"),
                                   std::string("abc"), std::string("\0\xff\n", 3)}) {
    CHECK(decode_base64(encode_base64(bytes)) == bytes);
  }
  CHECK_FALSE(decode_base64("abc"));
  CHECK_FALSE(decode_base64("===="));
  CHECK_FALSE(decode_base64("a*bc"));
}

}  // namespace
}  // namespace reeve::http
