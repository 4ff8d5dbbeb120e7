#include "http/response_reader.h"

#include "support/catch.h"
#include "support/fixture.h"

namespace reeve::http {
namespace {

using base::ErrorKind;
using tests::fixture;

constexpr std::size_t bound = 1024 * 1024;

/// Feeds `bytes` in pieces; true if the reader had enough before the peer closed.
bool feed_in_pieces(HttpReader& reader, std::string_view bytes, std::size_t piece) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    if (!reader.feed(bytes.substr(0, piece))) {
      return true;
    }
  }
  return false;
}

ErrorKind failure_of(std::string_view bytes, std::size_t max_bytes = bound) {
  HttpReader reader(max_bytes);
  feed_in_pieces(reader, bytes, bytes.size() + 1);
  reader.end();
  const auto answer = reader.take();
  REQUIRE_FALSE(answer);
  return answer.error().kind;
}

TEST_CASE("a captured answer is whole without the peer closing, however it is cut in pieces") {
  for (const char* name : {"200-http11.http", "200-http11-close.http", "200-http10.http",
                           "getAllProcessInfo-all-states.http"}) {
    for (const std::size_t piece : {1U, 7U, 100'000U}) {
      CAPTURE(name, piece);
      HttpReader reader(bound);
      CHECK(feed_in_pieces(reader, fixture(name), piece));
      reader.end();
      const auto answer = reader.take();
      REQUIRE(answer);
      CHECK(answer->status == 200);
      CHECK(answer->server == "Medusa/1.12");
      CHECK(answer->body == tests::fixture_body(name));
    }
  }
}

TEST_CASE("an answer that announces too few bytes is read to its real end") {
  const char* name = "deferred-nonascii-startProcessGroup-content-length-too-small.http";
  for (const std::size_t piece : {1U, 500U, 100'000U}) {
    HttpReader reader(bound);
    CHECK(feed_in_pieces(reader, fixture(name), piece));
    reader.end();
    const auto answer = reader.take();
    REQUIRE(answer);
    const std::string whole = tests::fixture_body(name);
    CHECK(whole.starts_with(answer->body));
    CHECK(answer->body.size() >= whole.size() - 1);  // an end of line may be left
  }
}

TEST_CASE("of a refusal the header is enough") {
  for (const auto& [name, status] : {std::pair("401.http", 401),
                                     {"404-get.http", 404},
                                     {"400-get-rpc2.http", 400},
                                     {"500-log-not-utf8.http", 500}}) {
    CAPTURE(name);
    const std::string whole = fixture(name);
    HttpReader reader(bound);
    CHECK_FALSE(reader.feed(whole.substr(0, whole.find("\r\n\r\n") + 4)));
    reader.end();
    CHECK(reader.take()->status == static_cast<unsigned>(status));
  }
}

TEST_CASE("an answer without a length ends when the peer closes") {
  HttpReader reader(bound);
  CHECK(reader.feed("HTTP/1.0 200 OK\r\n\r\n<methodResponse>"));
  CHECK(reader.feed("</methodResponse>"));
  reader.end();
  CHECK(reader.take()->body == "<methodResponse></methodResponse>");
}

TEST_CASE("a chunked answer is put together") {
  HttpReader reader(bound);
  CHECK(feed_in_pieces(reader,
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "4\r\n<met\r\n3\r\nhod\r\n0\r\n\r\n",
                       1));
  CHECK(reader.take()->body == "<method");
}

TEST_CASE("a chunked answer without a chunk is empty, in however many pieces it comes") {
  for (const std::size_t piece : {1U, 3U, 4U, 100U}) {
    HttpReader reader(bound);
    CHECK(feed_in_pieces(reader, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                         piece));
    reader.end();
    CHECK(reader.take()->body.empty());
  }
}

TEST_CASE("a chunk's quoted extension ends with its line") {
  HttpReader reader(bound);
  CHECK(feed_in_pieces(reader,
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "1;x=\"\r\na\r\n3;y=\"z\"\r\nbcd\r\n0\r\n\r\n",
                       1));
  CHECK(reader.take()->body == "abcd");
}

TEST_CASE("closed without an answer, and closed in its middle, are both unreachable") {
  CHECK(failure_of("") == ErrorKind::unreachable);
  CHECK(failure_of("HTTP/1.1 20") == ErrorKind::unreachable);
  CHECK(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour") == ErrorKind::unreachable);
  CHECK(failure_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfour") ==
        ErrorKind::unreachable);
}

TEST_CASE("what is not HTTP is malformed") {
  for (const char* bytes : {"SSH-2.0-OpenSSH_9.2\r\n", "\x15\x03\x01", "HTTP/None 400 Bad\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
    CAPTURE(bytes);
    CHECK(failure_of(bytes) == ErrorKind::malformed);
  }
}

TEST_CASE("header, body and a chunk's header are bounded") {
  const std::string flood(100'000, 'x');
  CHECK(failure_of("HTTP/1.1 200 " + flood) == ErrorKind::malformed);
  CHECK(failure_of("HTTP/1.1 200 OK\r\nX: " + flood + "\r\n\r\n") == ErrorKind::malformed);
  CHECK(failure_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=" + flood) ==
        ErrorKind::malformed);
  CHECK(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", 10) == ErrorKind::malformed);
  CHECK(failure_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nxx", 10) ==
        ErrorKind::malformed);
  CHECK(failure_of("HTTP/1.1 200 OK\r\n\r\n01234567890", 10) == ErrorKind::malformed);
  CHECK(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<methodResponse" + flood, 20) ==
        ErrorKind::malformed);
}

TEST_CASE("a stream's bytes are handed on as they come, NUL included, beyond the bound for one") {
  std::string seen;
  HttpReader reader(100, [&](std::string_view bytes) {
    seen += bytes;
    return true;
  });
  CHECK_FALSE(feed_in_pieces(reader, fixture("logtail-nul-chunked.http"), 1));
  CHECK(seen == std::string("before\0after\nnext line\n", 23));
  for (int i = 0; i < 10; ++i) {
    CHECK(reader.feed("32\r\n" + std::string(50, 'x') + "\r\n"));
  }
  CHECK(seen.size() == 23 + 500);
}

TEST_CASE("a stream ends when its consumer has enough") {
  HttpReader reader(bound, [](std::string_view) { return false; });
  CHECK(feed_in_pieces(reader, fixture("logtail-nul-chunked.http"), 100'000));
  reader.end();
  CHECK(reader.take()->status == 200);
}

}  // namespace
}  // namespace reeve::http
