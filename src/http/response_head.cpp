#include "http/response_head.h"

#include <algorithm>
#include <utility>

#include "http/grammar.h"

namespace reeve::http {
namespace {

int sendable(int status) {
  return status >= 200 && status <= 599 ? status : 500;
}

bool is_transports_own(std::string_view name) {
  return same_ignoring_case(name, "Content-Length") || same_ignoring_case(name, "Connection") ||
         same_ignoring_case(name, "Transfer-Encoding");
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
    return same_ignoring_case(header.name, "Connection") &&
           same_ignoring_case(header.value, "close");
  });
}

std::string response_head(const Response& response, Persistence persistence, Framing framing) {
  const int status = sendable(response.status);
  std::string head = "HTTP/1.1 " + std::to_string(status) + ' ';
  head.append(reason_phrase(status)).append("\r\n");
  for (const Header& header : response.headers) {
    if (is_well_formed(header) && !is_transports_own(header.name)) {
      append_header(head, header.name, header.value);
    }
  }
  if (framing == Framing::chunks) {
    append_header(head, "Transfer-Encoding", "chunked");
  } else if (framing == Framing::length && has_body(status)) {
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
  text.append(reason_phrase(status)).append(": ").append(reason) += '\n';
  response.body = std::move(text);
  return response;
}

}  // namespace reeve::http
