#include <algorithm>
#include <set>
#include <string>

#include "api/api_fixture.h"
#include "api/page_files.h"
#include "support/catch.h"
#include "support/gunzip.h"

namespace reeve::api {
namespace {

using tests::ApiFixture;
using tests::body_of;
using tests::get;
using tests::header_of;

std::string asset(std::string_view file) {
  return "/assets/" + std::string(page_version()) + "/" + std::string(file);
}

http::Request asking_for(const std::string& path, const std::string& encoding) {
  http::Request request = get(path, "");
  request.headers.push_back({"Accept-Encoding", encoding});
  return request;
}

TEST_CASE("show_page: the status page needs no token, and is never stored") {
  ApiFixture fixture;
  const http::Response response = fixture.api.handle(get("/", ""));
  CHECK(response.status == 200);
  CHECK(header_of(response, "Content-Type") == "text/html; charset=utf-8");
  CHECK(header_of(response, "Cache-Control") == "no-store");
  CHECK(body_of(response).starts_with("<!DOCTYPE html>"));
  CHECK(fixture.observed.back() == tests::Observed{"page", 200});
}

TEST_CASE("show_page: its policy allows no inline script or style, and nothing from elsewhere") {
  ApiFixture fixture;
  for (const std::string& path : {std::string("/"), asset("main.js")}) {
    const http::Response response = fixture.api.handle(get(path, ""));
    const std::string policy = header_of(response, "Content-Security-Policy");
    CHECK(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
    CHECK(policy.find("unsafe") == std::string::npos);
    CHECK(policy.find("frame-ancestors 'none'") != std::string::npos);
    CHECK(policy.find("require-trusted-types-for 'script'") != std::string::npos);
    CHECK(header_of(response, "X-Content-Type-Options") == "nosniff");
    CHECK(header_of(response, "Referrer-Policy") == "no-referrer");
    CHECK(header_of(response, "Cross-Origin-Opener-Policy") == "same-origin");
    CHECK(header_of(response, "Cross-Origin-Resource-Policy") == "same-origin");
  }
}

TEST_CASE("show_page_file: files are kept for ever under the version that the page names") {
  ApiFixture fixture;
  const std::string page = body_of(fixture.api.handle(get("/", "")));
  CHECK(page.find("src=\"" + asset("main.js").substr(1) + "\"") != std::string::npos);
  CHECK(page.find('@') == std::string::npos);
  const http::Response response = fixture.api.handle(get(asset("main.js"), ""));
  CHECK(response.status == 200);
  CHECK(header_of(response, "Content-Type") == "text/javascript; charset=utf-8");
  CHECK(header_of(response, "Cache-Control") == "public, max-age=31536000, immutable");
}

TEST_CASE("show_page_file: another version, and what is no file of the page, is a 404") {
  ApiFixture fixture;
  for (const std::string& path : {std::string("/assets/0123456789abcdef/main.js"), asset("no.js"),
                                  asset("..%2Froutes.h"), asset("%2Fetc%2Fpasswd"), asset("")}) {
    CAPTURE(path);
    CHECK(fixture.api.handle(get(path, tests::reader_token)).status == 404);
  }
}

TEST_CASE("show_page_file: gzipped for clients that accept it, and the same otherwise") {
  ApiFixture fixture;
  for (const PageFile& file : page_files()) {
    CAPTURE(file.name);
    const std::string path = file.name == "index.html" ? "/" : asset(file.name);
    const http::Response plain = fixture.api.handle(asking_for(path, "identity"));
    const http::Response gzip = fixture.api.handle(asking_for(path, "gzip"));
    CHECK(header_of(plain, "Content-Encoding").empty());
    CHECK(header_of(gzip, "Content-Encoding") == "gzip");
    CHECK(header_of(gzip, "Vary") == "Accept-Encoding");
    CHECK(tests::gunzip(body_of(gzip)) == body_of(plain));
    CHECK_FALSE(body_of(plain).empty());
  }
}

TEST_CASE("page_files: below 80 kB in all, gzipped") {
  std::size_t bytes = 0;
  for (const PageFile& file : page_files()) {
    bytes += file.gzip.size();
  }
  CHECK(bytes > 10'000);
  CHECK(bytes < 80'000);
}

TEST_CASE(
    "page_files: no script makes HTML or code of text, and no file asks others for anything") {
  for (const PageFile& file : page_files()) {
    CAPTURE(file.name);
    for (const char* forbidden :
         {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(",
          "DOMParser", "setHTML", "https://", "style=\"", "onclick="}) {
      CAPTURE(forbidden);
      CHECK(file.plain.find(forbidden) == std::string_view::npos);
    }
  }
}

TEST_CASE("check_request: a link leads to the page from anywhere, but to nothing with data") {
  ApiFixture fixture;
  const auto followed = [&](const std::string& path) {
    http::Request request = get(path, path == "/" ? "" : tests::ops_token);
    request.headers.push_back({"Sec-Fetch-Site", "cross-site"});
    request.headers.push_back({"Sec-Fetch-Mode", "navigate"});
    return fixture.api.handle(request).status;
  };
  CHECK(followed("/") == 200);
  CHECK(followed("/api/v1/processes") == 403);
  http::Request included = get(asset("main.js"), "");
  included.headers.push_back({"Sec-Fetch-Site", "cross-site"});
  included.headers.push_back({"Sec-Fetch-Mode", "no-cors"});
  CHECK(fixture.api.handle(included).status == 403);
}

}  // namespace
}  // namespace reeve::api
