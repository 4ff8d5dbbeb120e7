#include "api/answer.h"

#include <utility>

namespace reeve::api {

http::Response answer(int status, std::string_view content_type, std::string body) {
  http::Response response;
  response.status = status;
  response.headers = {{"Content-Type", std::string(content_type)},
                      {"Cache-Control", "no-store"},
                      {"X-Content-Type-Options", "nosniff"}};
  response.body = std::move(body);
  return response;
}

http::Response plain_answer(int status, std::string_view line) {
  return answer(status, "text/plain; charset=utf-8", std::string(line) + "\n");
}

}  // namespace reeve::api
