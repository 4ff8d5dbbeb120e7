// Any request value, as the transport could hand it on, against the control listener's handler:
// it always answers, with a status of the documentation; reading never acts; no operation is ever
// on anything but one known process.
//
// Input: the target on the first line behind one letter for the method, then headers, an empty
// line, the body.

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>

#include "api/api_fixture.h"

namespace {

using namespace reeve;

void demand(bool condition) {
  if (!condition) {
    std::abort();
  }
}

std::string take_line(std::string_view& rest) {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  return std::string(line);
}

http::Method method_of(char letter) {
  switch (letter) {
    case 'G':
      return http::Method::get;
    case 'H':
      return http::Method::head;
    case 'P':
      return http::Method::post;
    case 'U':
      return http::Method::put;
    case 'D':
      return http::Method::del;
    default:
      return http::Method::other;
  }
}

http::Request request_of(std::string_view input) {
  const std::string first = take_line(input);
  http::Request request =
      tests::request(method_of(first.empty() ? 'G' : first.front()), first.substr(!first.empty()));
  for (std::string line = take_line(input); !line.empty(); line = take_line(input)) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::string value = line.substr(std::min(colon + 2, line.size()));
    request.headers.insert(request.headers.begin(), {line.substr(0, colon), value});
  }
  request.body = input;
  return request;
}

/// Made anew after a number of requests: each looks at all operations that the ones before it made,
/// and a thousand of them take a hundred times what a request does.
tests::ApiFixture& fixture_of_now() {
  constexpr int requests = 50;
  static std::unique_ptr<tests::ApiFixture> fixture;
  static int left = 0;
  if (left == 0) {
    if (std::filesystem::is_directory("/dev/shm")) {
      ::setenv("TMPDIR", "/dev/shm", 0);  // syncing files there costs nothing
    }
    fixture.reset();
    fixture = std::make_unique<tests::ApiFixture>();
    left = requests;
  }
  --left;
  return *fixture;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::set<int> documented = {200, 201, 202, 204, 400, 401, 403, 404, 405, 409, 412,
                                           413, 415, 416, 421, 422, 429, 501, 502, 503, 504};
  tests::ApiFixture& fixture = fixture_of_now();
  const http::Request request = request_of({reinterpret_cast<const char*>(data), size});
  const std::size_t known = fixture.world.controller.list().size();
  const http::Response response = tests::awaited(fixture.api.handle(request));
  demand(documented.contains(response.status));
  demand(tests::header_of(response, "Cache-Control") == "no-store");
  const auto operations = fixture.world.controller.list();
  demand(request.method == http::Method::post || operations.size() == known);
  while (fixture.world.controller.run_next()) {
  }
  if (!operations.empty()) {
    const guards::Command& command = operations.back().command;
    for (const guards::Target& each : command.targets()) {
      const bool is_several = each.name.name.empty();  // a group, or an update without any
      demand(is_several || fixture.world.snapshot->supervisors.front().find(each.name) != nullptr);
    }
  }
  fixture.observed.clear();
  return 0;
}
