#include "http/message.h"

#include <algorithm>
#include <utility>

#include "http/grammar.h"

namespace reeve::http {
namespace {

std::optional<std::string> decode_form(std::string_view text) {
  std::string plain(text);
  std::replace(plain.begin(), plain.end(), '+', ' ');
  return percent_decode(plain);
}

int valid_status(int status) {
  return status >= 200 && status <= 599 ? status : 500;
}

bool is_set_by_transport(std::string_view name) {
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

std::optional<std::string_view> Request::header(std::string_view name) const {
  for (const Header& header : headers) {
    if (same_ignoring_case(header.name, name)) {
      return header.value;
    }
  }
  return std::nullopt;
}

std::optional<std::vector<QueryParameter>> Request::parameters() const {
  std::vector<QueryParameter> found;
  std::string_view rest = query;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = decode_form(pair.substr(0, equals));
    auto value = decode_form(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value) {
      return std::nullopt;
    }
    if (!pair.empty()) {
      found.push_back({*std::move(name), *std::move(value)});
    }
  }
  return found;
}

std::optional<std::string> Request::parameter(std::string_view name) const {
  auto all = parameters().value_or(std::vector<QueryParameter>());
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const QueryParameter& each) { return each.name == name; });
  return found == all.end() ? std::nullopt : std::optional(std::move(found->value));
}

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
  const int status = valid_status(response.status);
  std::string head = "HTTP/1.1 " + std::to_string(status) + ' ';
  head.append(reason_phrase(status)).append("\r\n");
  for (const Header& header : response.headers) {
    if (is_well_formed(header) && !is_set_by_transport(header.name)) {
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
