#include "http/response_head.h"

#include <algorithm>
#include <array>
#include <utility>

#include "http/text.h"

namespace reeve::http {
namespace {

using StatusName = std::pair<int, std::string_view>;

constexpr std::array status_names = {
    StatusName{200, "OK"},
    StatusName{201, "Created"},
    StatusName{202, "Accepted"},
    StatusName{204, "No Content"},
    StatusName{301, "Moved Permanently"},
    StatusName{302, "Found"},
    StatusName{303, "See Other"},
    StatusName{304, "Not Modified"},
    StatusName{307, "Temporary Redirect"},
    StatusName{308, "Permanent Redirect"},
    StatusName{400, "Bad Request"},
    StatusName{401, "Unauthorized"},
    StatusName{403, "Forbidden"},
    StatusName{404, "Not Found"},
    StatusName{405, "Method Not Allowed"},
    StatusName{406, "Not Acceptable"},
    StatusName{408, "Request Timeout"},
    StatusName{409, "Conflict"},
    StatusName{410, "Gone"},
    StatusName{411, "Length Required"},
    StatusName{412, "Precondition Failed"},
    StatusName{413, "Content Too Large"},
    StatusName{414, "URI Too Long"},
    StatusName{415, "Unsupported Media Type"},
    StatusName{416, "Range Not Satisfiable"},
    StatusName{417, "Expectation Failed"},
    StatusName{421, "Misdirected Request"},
    StatusName{422, "Unprocessable Content"},
    StatusName{428, "Precondition Required"},
    StatusName{429, "Too Many Requests"},
    StatusName{431, "Request Header Fields Too Large"},
    StatusName{500, "Internal Server Error"},
    StatusName{501, "Not Implemented"},
    StatusName{502, "Bad Gateway"},
    StatusName{503, "Service Unavailable"},
    StatusName{504, "Gateway Timeout"},
};

std::string_view status_name(int status) {
  for (const auto& [number, name] : status_names) {
    if (number == status) {
      return name;
    }
  }
  return "";  // a reason phrase may be empty
}

int sendable(int status) {
  return status >= 200 && status <= 599 ? status : 500;
}

bool is_transports_own(std::string_view name) {
  return same_name(name, "Content-Length") || same_name(name, "Connection") ||
         same_name(name, "Transfer-Encoding");
}

bool is_well_formed(const Header& header) {
  return !header.name.empty() &&
         std::all_of(header.name.begin(), header.name.end(), is_token_char) &&
         std::all_of(header.value.begin(), header.value.end(),
                     [](char c) { return c == '\t' || !is_control(c); });
}

void append_header(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

bool has_body(int status) {
  return status != 204 && status != 304;
}

std::size_t body_size(const Response& response) {
  if (const auto* own = std::get_if<std::string>(&response.body)) {
    return own->size();
  }
  std::size_t size = 0;
  if (const auto* segments = std::get_if<std::vector<SharedBytes>>(&response.body)) {
    for (const SharedBytes& segment : *segments) {
      size += segment->size();
    }
  }
  return size;
}

bool asks_to_close(const Response& response) {
  return std::any_of(response.headers.begin(), response.headers.end(), [](const Header& header) {
    return same_name(header.name, "Connection") && same_name(header.value, "close");
  });
}

std::string response_head(const Response& response, Persistence persistence) {
  const int status = sendable(response.status);
  std::string head = "HTTP/1.1 " + std::to_string(status) + ' ';
  head.append(status_name(status)).append("\r\n");
  for (const Header& header : response.headers) {
    if (is_well_formed(header) && !is_transports_own(header.name)) {
      append_header(head, header.name, header.value);
    }
  }
  if (has_body(status)) {
    append_header(head, "Content-Length", std::to_string(body_size(response)));
  }
  if (persistence == Persistence::close) {
    append_header(head, "Connection", "close");
  }
  return head += "\r\n";
}

Response plain_error(int status, std::string_view reason) {
  Response response;
  response.status = status;
  response.headers = {{"Content-Type", "text/plain; charset=utf-8"}, {"Connection", "close"}};
  if (status == 503) {
    response.headers.push_back({"Retry-After", "1"});
  }
  std::string text = std::to_string(status) + ' ';
  text.append(status_name(status)).append(": ").append(reason) += '\n';
  response.body = std::move(text);
  return response;
}

}  // namespace reeve::http
