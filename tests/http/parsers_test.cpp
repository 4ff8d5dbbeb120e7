#include "http/parsers.h"

#include "support/catch.h"
#include "support/fixture.h"

namespace reeve::http {
namespace {

using base::ErrorKind;
using tests::fixture;

using State = RequestParser::State;

constexpr RequestLimits limits{1024, 64};

/// What becomes of a text that arrives at once.
struct Outcome {
  State state;
  int status;
  std::string rest;
};

Outcome outcome_of(std::string text) {
  RequestParser parser(limits);
  const State state = parser.consume(text);
  return {state, parser.error().status, text};
}

Request request_of(std::string text) {
  RequestParser parser(limits);
  REQUIRE(parser.consume(text) == State::complete);
  return parser.take();
}

int status_of(const std::string& text) {
  const Outcome outcome = outcome_of(text);
  CHECK(outcome.state == State::refused);
  return outcome.status;
}

std::string get_with(const std::string& headers) {
  return "GET / HTTP/1.1\r\nHost: here\r\n" + headers + "\r\n";
}

TEST_CASE("RequestParser: a request becomes method, path, query, headers and body") {
  const Request request = request_of(
      "POST /api/v1/processes/web%3Aapp/restart?wait=30s&x HTTP/1.1\r\n"
      "Host: here\r\nContent-Type:application/json  \r\nContent-Length: 4\r\n\r\n{ }\n");
  CHECK(request.method == Method::post);
  CHECK(request.path == "/api/v1/processes/web%3Aapp/restart");
  CHECK(request.query == "wait=30s&x");
  CHECK(request.header("content-type") == "application/json");
  CHECK(request.body == "{ }\n");
  CHECK(request.headers.size() == 3);
}

TEST_CASE("RequestParser: each method has its name, and an unknown one is other") {
  const auto method_of = [](const std::string& name) {
    return request_of(name + " / HTTP/1.1\r\nHost: here\r\n\r\n").method;
  };
  CHECK(method_of("GET") == Method::get);
  CHECK(method_of("HEAD") == Method::head);
  CHECK(method_of("POST") == Method::post);
  CHECK(method_of("PUT") == Method::put);
  CHECK(method_of("DELETE") == Method::del);
  CHECK(method_of("PATCH") == Method::other);
  CHECK(method_of("BREW") == Method::other);
  CHECK(method_of("get") == Method::other);
}

TEST_CASE("RequestParser: a request that drips in byte by byte is the same request") {
  const std::string text =
      "\r\nPUT /a?b HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;note=x\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n";
  RequestParser parser(limits);
  std::string input;
  for (const char c : text) {
    CHECK(parser.state() != State::complete);
    input += c;
    parser.consume(input);
  }
  REQUIRE(parser.state() == State::complete);
  CHECK(input.empty());
  const Request request = parser.take();
  CHECK(request.body == "abcde");
  CHECK(request.path == "/a");
  CHECK_FALSE(request.header("Trailer"));
}

TEST_CASE("RequestParser: what follows a request is left for the next one") {
  CHECK(outcome_of(get_with("") + "GET /next").rest == "GET /next");
  CHECK(outcome_of(get_with("Content-Length: 2\r\n") + "abGET").rest == "GET");
  CHECK(outcome_of(get_with("Transfer-Encoding: chunked\r\n") + "0\r\n\r\nGET").rest == "GET");
}

TEST_CASE("RequestParser: an incomplete request waits for more bytes") {
  CHECK(outcome_of("").state == State::head);
  CHECK(outcome_of("\r").state == State::head);
  CHECK(outcome_of("GET / HTTP/1.1\r\nHost: here\r\n\r").state == State::head);
  CHECK(outcome_of(get_with("Content-Length: 3\r\n") + "ab").state == State::body);
  CHECK(outcome_of(get_with("Transfer-Encoding: chunked\r\n") + "2\r\nab").state == State::body);
}

TEST_CASE("RequestParser: a body whose length has two readings is refused") {
  const std::string chunk = "1\r\na\r\n0\r\n\r\n";
  CHECK(status_of(get_with("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n") + chunk) == 400);
  CHECK(status_of(get_with("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n") + chunk) == 400);
  CHECK(status_of(get_with("Transfer-Encoding: gzip\r\nContent-Length: 1\r\n") + "a") == 400);
  CHECK(status_of(get_with("Content-Length: 1\r\nContent-Length: 2\r\n") + "ab") == 400);
  CHECK(status_of(get_with("Content-Length: 1\r\nContent-Length: 1\r\n") + "a") == 400);
  CHECK(status_of(get_with("Content-Length: 1, 1\r\n") + "a") == 400);
  for (const char* length : {"+1", "-1", "0x1", "1 1", "", "1a", "99999999999999999999"}) {
    CAPTURE(length);
    CHECK(status_of(get_with("Content-Length: " + std::string(length) + "\r\n") + "a") == 400);
  }
}

TEST_CASE("RequestParser: a Transfer-Encoding other than chunked is refused") {
  for (const char* coding : {"gzip", "gzip, chunked", "chunked, gzip", "xchunked", "identity",
                             "identity\r\nTransfer-Encoding: chunked"}) {
    CAPTURE(coding);
    CHECK(status_of(get_with("Transfer-Encoding: " + std::string(coding) + "\r\n")) == 501);
  }
  CHECK(status_of(get_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")) == 400);
  CHECK(status_of("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
}

TEST_CASE("RequestParser: a chunk that is not well-formed is refused") {
  const std::string head = get_with("Transfer-Encoding: chunked\r\n");
  for (const char* body : {"g\r\n", "\r\n", "-1\r\n", "+1\r\n", " 1\r\n", "1 \r\n", "0x1\r\n",
                           "1,\r\n", "1\n", "1\ra", "1;a=\"\n", "1\r\nabc", "1\r\na\n",
                           "0\r\n folded\r\n", "0\r\nno colon\r\n", "0\r\nBare: line\nfeed\r\n"}) {
    CAPTURE(body);
    CHECK(status_of(head + body) == 400);
  }
}

TEST_CASE("RequestParser: extensions of a chunk are ignored, whatever they contain") {
  const std::string head = get_with("Transfer-Encoding: chunked\r\n");
  for (const char* chunk : {"1;a\r\n", "1 ; a=b\r\n", "1;a=\"b\r\n", "01;;;\r\n"}) {
    CAPTURE(chunk);
    CHECK(request_of(head + chunk + "x\r\n0;last\r\n\r\n").body == "x");
  }
}

TEST_CASE("RequestParser: a header that parsers disagree on is refused") {
  for (const char* header :
       {"Folded: a\r\n b\r\n", "Folded: a\r\n\tb\r\n", " Host: there\r\n", "Name : value\r\n",
        "No-Colon\r\n", ": empty\r\n", "Bare: line\nfeed\r\n", "Bare: carriage\rreturn\r\n",
        "Control: \x01\r\n", "Delete: \x7F\r\n", "Na(me: x\r\n", "N\xC3\xA4me: x\r\n"}) {
    CAPTURE(header);
    CHECK(status_of(get_with(header)) == 400);
  }
  CHECK(status_of(get_with(std::string("Nul: a\0b\r\n", 10))) == 400);
  CHECK(status_of("GET / HTTP/1.1\nHost: here\n\n") == 400);
}

TEST_CASE("RequestParser: a target that is not a clean path is refused") {
  for (const char* target : {"http://here/", "here:80", "*", "", "a/b", "/a b", "/a#b", "/\xC3\xA4",
                             "/\x7F", "/a\tb", "//x\x01"}) {
    CAPTURE(target);
    CHECK(status_of("GET " + std::string(target) + " HTTP/1.1\r\nHost: here\r\n\r\n") == 400);
  }
}

TEST_CASE("RequestParser: a malformed request line is refused at its first impossible byte") {
  CHECK(status_of("\x16\x03\x01") == 400);  // somebody speaks TLS
  CHECK(status_of(" GET") == 400);
  CHECK(status_of("\r\n\r\nGET") == 400);
  CHECK(status_of("GET / HTTP/1.1\n") == 400);
  CHECK(status_of("GET  / HTTP/1.1\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/2.0\r\nHost: here\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/0.9\r\nHost: here\r\n\r\n") == 400);
  CHECK(status_of("GET /\r\nHost: here\r\n\r\n") == 400);
  CHECK(status_of("GET / http/1.1\r\nHost: here\r\n\r\n") == 400);
}

TEST_CASE("RequestParser: exactly one Host is needed, but not by HTTP/1.0") {
  CHECK(status_of("GET / HTTP/1.1\r\n\r\n") == 400);
  CHECK(status_of(get_with("Host: there\r\n")) == 400);
  CHECK(outcome_of("GET / HTTP/1.0\r\n\r\n").state == State::complete);
}

TEST_CASE("RequestParser: each bound has its own status") {
  CHECK(status_of("GET /" + std::string(2000, 'a')) == 414);
  CHECK(status_of(get_with("Long: " + std::string(2000, 'a') + "\r\n")) == 431);
  std::string many;
  for (int i = 0; i < 120; ++i) {
    many += "a:\r\n";
  }
  CHECK(status_of(get_with(many)) == 431);
  CHECK(status_of(get_with("Content-Length: 65\r\n")) == 413);
  CHECK(outcome_of(get_with("Content-Length: 64\r\n")).state == State::body);
  CHECK(status_of(get_with("Transfer-Encoding: chunked\r\n") + "41\r\n") == 413);
  CHECK(status_of(get_with("Transfer-Encoding: chunked\r\n") + std::string(99, 'f') + "\r\n") ==
        413);
  std::string chunks;
  for (int i = 0; i < 65; ++i) {
    chunks += "1\r\na\r\n";
  }
  CHECK(status_of(get_with("Transfer-Encoding: chunked\r\n") + chunks) == 413);
}

TEST_CASE("RequestParser: a chunk's header that never ends is refused") {
  const std::string head = get_with("Transfer-Encoding: chunked\r\n");
  CHECK(status_of(head + "1;" + std::string(2000, 'a')) == 400);
  CHECK(status_of(head + "0\r\nTrailer: " + std::string(2000, 'a')) == 400);
}

TEST_CASE("RequestParser: an encoded body is refused") {
  CHECK(status_of(get_with("Content-Encoding: gzip\r\nContent-Length: 1\r\n")) == 415);
  CHECK(outcome_of(get_with("Content-Encoding: identity\r\n")).state == State::complete);
}

TEST_CASE("RequestParser: a client may wait for a 100, and for nothing else") {
  std::string text = get_with("Expect: 100-Continue\r\nContent-Length: 1\r\n");
  RequestParser parser(limits);
  CHECK(parser.consume(text) == State::body);
  CHECK(parser.expects_continue());
  CHECK(status_of(get_with("Expect: tea\r\n")) == 417);
}

TEST_CASE(
    "RequestParser: a connection is kept unless the client wants it closed or speaks HTTP/1.0") {
  const auto keeps = [](std::string text) {
    RequestParser parser(limits);
    REQUIRE(parser.consume(text) == State::complete);
    return parser.keeps_alive();
  };
  CHECK(keeps(get_with("")));
  CHECK_FALSE(keeps(get_with("Connection: close\r\n")));
  CHECK_FALSE(keeps(get_with("Connection: TE, Close\r\n")));
  CHECK_FALSE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

constexpr std::size_t bound = 1024 * 1024;

ResponseLimits bounded(std::size_t body_bytes) {
  return {.body_bytes = body_bytes, .length_counts_characters = true};
}

/// Feeds `bytes` in pieces; true if the reader had enough before the peer closed.
bool feed_in_pieces(ResponseParser& parser, std::string_view bytes, std::size_t piece) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    if (!parser.feed(bytes.substr(0, piece))) {
      return true;
    }
  }
  return false;
}

ErrorKind failure_of(std::string_view bytes, std::size_t max_bytes = bound) {
  ResponseParser parser(bounded(max_bytes));
  feed_in_pieces(parser, bytes, bytes.size() + 1);
  parser.end();
  const auto answer = parser.take();
  REQUIRE_FALSE(answer);
  return answer.error().kind;
}

TEST_CASE(
    "ResponseParser: a captured answer is complete without the server closing, in whatever pieces "
    "it comes") {
  for (const char* name : {"200-http11.http", "200-http11-close.http", "200-http10.http",
                           "getAllProcessInfo-all-states.http"}) {
    for (const std::size_t piece : {1U, 7U, 100'000U}) {
      CAPTURE(name, piece);
      ResponseParser parser(bounded(bound));
      CHECK(feed_in_pieces(parser, fixture(name), piece));
      parser.end();
      const auto answer = parser.take();
      REQUIRE(answer);
      CHECK(answer->status == 200);
      CHECK(answer->server == "Medusa/1.12");
      CHECK(answer->body == tests::fixture_body(name));
    }
  }
}

TEST_CASE("ResponseParser: an answer that announces too few bytes is read to its real end") {
  const char* name = "deferred-nonascii-startProcessGroup-content-length-too-small.http";
  for (const std::size_t piece : {1U, 500U, 100'000U}) {
    ResponseParser parser(bounded(bound));
    CHECK(feed_in_pieces(parser, fixture(name), piece));
    parser.end();
    const auto answer = parser.take();
    REQUIRE(answer);
    const std::string whole = tests::fixture_body(name);
    CHECK(whole.starts_with(answer->body));
    CHECK(answer->body.size() >= whole.size() - 1);  // an end of line may be left
  }
}

TEST_CASE("ResponseParser: of another status than 200 the header is enough") {
  for (const auto& [name, status] : {std::pair("401.http", 401),
                                     {"404-get.http", 404},
                                     {"400-get-rpc2.http", 400},
                                     {"500-log-not-utf8.http", 500}}) {
    CAPTURE(name);
    const std::string whole = fixture(name);
    ResponseParser parser(bounded(bound));
    CHECK_FALSE(parser.feed(whole.substr(0, whole.find("\r\n\r\n") + 4)));
    parser.end();
    CHECK(parser.take()->status == static_cast<unsigned>(status));
  }
}

TEST_CASE("ResponseParser: an answer without a length ends when the peer closes") {
  ResponseParser parser(bounded(bound));
  CHECK(parser.feed("HTTP/1.0 200 OK\r\n\r\n<methodResponse>"));
  CHECK(parser.feed("</methodResponse>"));
  parser.end();
  CHECK(parser.take()->body == "<methodResponse></methodResponse>");
}

std::string chunks(std::size_t count, const std::string& size_line, const std::string& data) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += size_line + "\r\n" + data + "\r\n";
  }
  return text;
}

TEST_CASE("RequestParser: what comes beside the data of chunks is bounded, for each and in all") {
  const std::string head = get_with("Transfer-Encoding: chunked\r\n");
  const auto status_of_body = [&](const std::string& body) {
    RequestParser parser({.header_bytes = 1024, .body_bytes = 1024 * 1024});
    std::string text = head + body + "0\r\n\r\n";
    return parser.consume(text) == State::complete ? 200 : parser.error().status;
  };
  CHECK(status_of_body(chunks(1, "1;x=" + std::string(252, 'e'), "a")) == 200);
  CHECK(status_of_body(chunks(1, "1;x=" + std::string(253, 'e'), "a")) == 400);
  CHECK(status_of_body(chunks(50, "1;x=" + std::string(200, 'e'), "a")) == 200);
  CHECK(status_of_body(chunks(100, "1;x=" + std::string(200, 'e'), "a")) == 400);
  CHECK(status_of_body(chunks(1000, "1", "a")) == 200);
  CHECK(status_of_body(chunks(100'000, "1", "a")) == 400);
  CHECK(status_of_body(chunks(100'000, "8", "aaaaaaaa")) == 200);
}

TEST_CASE("ResponseParser: chunks of one byte are read without end, long extensions are not") {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto is_read = [&](const std::string& body) {
    std::size_t seen = 0;
    ResponseParser parser(bounded(1000), [&](std::string_view bytes) {
      seen += bytes.size();
      return true;
    });
    static_cast<void>(feed_in_pieces(parser, head + body + "0\r\n\r\n", 1000));
    return parser.take() && seen > 0;
  };
  CHECK(is_read(chunks(100'000, "1", "a")));
  CHECK(is_read(chunks(50, "1;x=" + std::string(200, 'e'), "a")));
  CHECK_FALSE(is_read(chunks(100'000, "1;x=" + std::string(200, 'e'), "a")));
  CHECK_FALSE(is_read(chunks(1, "1;x=" + std::string(253, 'e'), "a")));
}

TEST_CASE("ResponseParser: a chunked answer is decoded") {
  ResponseParser parser(bounded(bound));
  CHECK(feed_in_pieces(parser,
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "4\r\n<met\r\n3\r\nhod\r\n0\r\n\r\n",
                       1));
  CHECK(parser.take()->body == "<method");
}

TEST_CASE(
    "ResponseParser: a chunked answer without a chunk is empty, in however many pieces it comes") {
  for (const std::size_t piece : {1U, 3U, 4U, 100U}) {
    ResponseParser parser(bounded(bound));
    CHECK(feed_in_pieces(parser, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                         piece));
    parser.end();
    CHECK(parser.take()->body.empty());
  }
}

TEST_CASE("ResponseParser: a chunk's quoted extension ends with its line") {
  ResponseParser parser(bounded(bound));
  CHECK(feed_in_pieces(parser,
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "1;x=\"\r\na\r\n3;y=\"z\"\r\nbcd\r\n0\r\n\r\n",
                       1));
  CHECK(parser.take()->body == "abcd");
}

TEST_CASE(
    "ResponseParser: closed without an answer, and closed in its middle, are both unreachable") {
  CHECK(failure_of("") == ErrorKind::unreachable);
  CHECK(failure_of("HTTP/1.1 20") == ErrorKind::unreachable);
  CHECK(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour") == ErrorKind::unreachable);
  CHECK(failure_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfour") ==
        ErrorKind::unreachable);
}

TEST_CASE("ResponseParser: what is not HTTP is malformed") {
  for (const char* bytes : {"SSH-2.0-OpenSSH_9.2\r\n", "\x15\x03\x01", "HTTP/None 400 Bad\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
    CAPTURE(bytes);
    CHECK(failure_of(bytes) == ErrorKind::malformed);
  }
}

TEST_CASE("ResponseParser: header, body and a chunk's header are bounded") {
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

TEST_CASE(
    "ResponseParser: a consumer gets the bytes as they come, NUL included, beyond the bound for "
    "one piece") {
  std::string seen;
  ResponseParser parser(bounded(100), [&](std::string_view bytes) {
    seen += bytes;
    return true;
  });
  CHECK_FALSE(feed_in_pieces(parser, fixture("logtail-nul-chunked.http"), 1));
  CHECK(seen == std::string("before\0after\nnext line\n", 23));
  for (int i = 0; i < 10; ++i) {
    CHECK(parser.feed("32\r\n" + std::string(50, 'x') + "\r\n"));
  }
  CHECK(seen.size() == 23 + 500);
}

TEST_CASE("ResponseParser: a stream ends when its consumer has enough") {
  ResponseParser parser(bounded(bound), [](std::string_view) { return false; });
  CHECK(feed_in_pieces(parser, fixture("logtail-nul-chunked.http"), 100'000));
  parser.end();
  CHECK(parser.take()->status == 200);
}

}  // namespace
}  // namespace reeve::http
