#include "api/api_fixture.h"
#include "http/response_body.h"
#include "support/catch.h"
#include "support/eventually.h"

namespace reeve::api {
namespace {

using namespace std::chrono_literals;
using tests::ApiFixture;
using tests::eventually;
using tests::get;

/// With so many entries that all of them are streamed.
struct LongAudit : ApiFixture {
  static constexpr int count = 8000;

  LongAudit() {
    std::vector<control::AuditEntry> entries;
    for (int number = 0; number < count; ++number) {
      control::AuditEntry entry;
      entry.kind = control::AuditKind::operation;
      entry.at = base::SystemTime(std::chrono::seconds(number));
      entry.reason = std::to_string(number);
      entries.push_back(std::move(entry));
    }
    audit->record(entries);
  }
};

std::shared_ptr<http::StreamReader> reader_of(const http::Response& response) {
  const auto* const reader = std::get_if<std::shared_ptr<http::StreamReader>>(&response.body);
  return reader == nullptr ? nullptr : *reader;
}

TEST_CASE("GET audit: a long answer is streamed as one array, newest last") {
  LongAudit fixture;
  const auto response = fixture.api.handle(get("/api/v1/audit?limit=10000"));
  const auto reader = reader_of(response);
  REQUIRE(reader);
  std::string text;
  std::size_t most = 0;
  CHECK(eventually(60s, [&] {
    auto piece = reader->take();
    REQUIRE(piece);
    most = std::max(most, piece->bytes.size());
    text += piece->bytes;
    return piece->last;
  }));
  CHECK(most < std::size_t{512} * 1024);
  const auto list = nlohmann::json::parse(text);
  REQUIRE(list.size() == LongAudit::count);
  CHECK(list.front()["reason"] == "0");
  CHECK(list.back()["reason"] == "7999");
}

TEST_CASE("GET audit: clients that do not read hold no more than a few answers, bounded") {
  LongAudit fixture;
  std::vector<http::Response> held;
  int refused = 0;
  for (int client = 0; client < 4; ++client) {
    held.push_back(fixture.api.handle(get("/api/v1/audit?limit=10000")));
    refused += held.back().status == 503 ? 1 : 0;
  }
  CHECK(refused == 2);  // a share of one token
  CHECK(fixture.api.handle(get("/api/v1/audit?limit=10")).status == 200);
  held.clear();  // they leave
  CHECK(eventually(
      60s, [&] { return fixture.api.handle(get("/api/v1/audit?limit=10000")).status == 200; }));
}

}  // namespace
}  // namespace reeve::api
