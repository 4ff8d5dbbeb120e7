#include "xmlrpc/client.h"

#include <algorithm>
#include <utility>

#include "http/base64.h"
#include "xmlrpc/codec.h"

namespace reeve::xmlrpc {
namespace {

using base::Error;
using base::ErrorKind;

http::ConnectHints connect_hints() {
  return {.refused = "is supervisord running, and listening there?",
          .socket_missing = "supervisord is not running, or [unix_http_server] names another file",
          .socket_stale = "supervisord is gone and left it behind",
          .socket_denied = "chmod and chown in [unix_http_server] say who has it",
          .socket_busy = "supervisord does not take them"};
}

/// The headers that every request has. supervisord wants them in just this spelling.
std::vector<http::Header> common_headers(const ClientOptions& options) {
  if (options.username.empty()) {
    return {};
  }
  return {http::basic_authorization(options.username, options.password)};
}

http::ClientRequest post(const ClientOptions& options, std::string body) {
  http::ClientRequest request{.method = "POST",
                              .path = options.endpoint.path,
                              .headers = common_headers(options),
                              .body = std::move(body)};
  request.headers.push_back({"Connection", "close"});
  request.headers.push_back({"Content-Type", "text/xml"});
  return request;
}

/// What an HTTP status other than 200 means, whatever was asked for.
Error status_error(const ClientOptions& options, const http::ClientResponse& response) {
  const std::string url = options.endpoint.url();
  const std::string status = " (HTTP " + std::to_string(response.status) + ")";
  switch (response.status) {
    case 401:
    case 403:
      return {
          ErrorKind::denied,
          options.username.empty()
              ? url + " wants a user name and a password: set username and password_file" + status
              : url +
                    " refuses the user name or the password: see username and "
                    "password_file" +
                    status};
    case 500:
      return {ErrorKind::fault,
              "an exception inside the call at " + url + ": its main log has it" + status};
    case 502:
    case 503:
    case 504:
      return {ErrorKind::unreachable, "a proxy at " + url + " does not reach the server" + status};
    default:
      return {ErrorKind::fault, url + " refuses the request" + status};
  }
}

/// Servers that speak TLS may answer a plain request with 400.
std::string tls_hint(const ClientOptions& options, unsigned status) {
  const bool is_plain = options.endpoint.scheme == base::Endpoint::Scheme::http;
  return is_plain && status == 400 ? " Or is it https, not http?" : "";
}

/// What may be wrong with the URL of a server that answers, but not in XML-RPC.
std::string path_hint(const ClientOptions& options) {
  return options.endpoint.path.ends_with("/RPC2") ? ": is it supervisord that listens there?"
                                                  : ": does the URL end in /RPC2?";
}

/// As status_error, for a call: a server that does not know the path, or knows a better one.
Error call_error(const ClientOptions& options, const http::ClientResponse& response) {
  const std::string url = options.endpoint.url();
  const std::string server = response.server.empty() ? "a server" : response.server;
  switch (response.status) {
    case 400:
    case 404:
    case 405:
      return {ErrorKind::not_found, server + " answers at " + url +
                                        " but has no XML-RPC at the path " + options.endpoint.path +
                                        path_hint(options) + tls_hint(options, response.status) +
                                        " (HTTP " + std::to_string(response.status) + ")"};
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return {ErrorKind::not_found, url + " redirects to " + response.location +
                                        ", which is not followed: give the final URL"};
    default:
      return status_error(options, response);
  }
}

base::Result<Answer> answer_of(const ClientOptions& options, const http::ClientResponse& response) {
  if (response.status != 200) {
    return base::failure(call_error(options, response));
  }
  DecodeLimits limits;
  limits.max_bytes = options.max_answer_bytes;
  return decode_answer(response.body, limits).map_error([&](Error error) {
    error.message.insert(0, options.endpoint.url() + ": ");
    if (!response.body.starts_with("<?xml") && !response.body.starts_with("<methodResponse")) {
      error.message += path_hint(options);  // a page of a proxy, mostly
    }
    return error;
  });
}

/// Of a path to which calls are posted: "/a" of "/a/RPC2" and "/a/RPC2/", "" of "/RPC2".
std::string folder_of(std::string path) {
  while (path.ends_with('/')) {
    path.pop_back();
  }
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

}  // namespace

Client::Client(ClientOptions options)
    : options_(std::move(options)), http_(options_.endpoint, connect_hints()) {}

base::Result<Answer> Client::call(const Call& call, const base::Deadline& deadline) {
  return std::move(call_parallel({call}, deadline).front());
}

std::vector<base::Result<Answer>> Client::call_parallel(const std::vector<Call>& calls,
                                                        const base::Deadline& deadline) {
  std::vector<base::Result<Answer>> answers(calls.size());
  std::vector<http::ClientRequest> requests;
  std::vector<std::size_t> positions;  // of each request's call
  for (std::size_t i = 0; i < calls.size(); ++i) {
    base::Result<std::string> body = encode_call(calls[i]);
    if (body) {
      requests.push_back(post(options_, *std::move(body)));
      positions.push_back(i);
    } else {
      answers[i] = base::failure(body.error());
    }
  }
  const auto responses = http_.send_all(
      requests, {.body_bytes = options_.max_answer_bytes, .length_counts_characters = true},
      deadline);
  for (std::size_t i = 0; i < responses.size(); ++i) {
    answers[positions[i]] = responses[i].and_then(
        [&](const http::ClientResponse& response) { return answer_of(options_, response); });
  }
  return answers;
}

base::Result<void> Client::stream(const std::string& path,
                                  const std::function<bool(std::string_view)>& consumer,
                                  const base::Deadline& deadline) {
  if (!path.starts_with('/') ||
      std::any_of(path.begin(), path.end(), [](char c) { return c <= ' ' || c > '~'; })) {
    return base::failure(ErrorKind::invalid_argument, "'" + path + "' is no path of a URL");
  }
  // Not with `Connection: close`: supervisord then withholds a log until it has 64 KiB of it.
  const http::ClientRequest request{.method = "GET",
                                    .path = folder_of(options_.endpoint.path) + path,
                                    .headers = common_headers(options_),
                                    .body = ""};
  return http_.send(request, {.body_bytes = options_.max_answer_bytes}, deadline, consumer)
      .and_then([&](const http::ClientResponse& response) -> base::Result<void> {
        if (response.status == 404) {
          return base::failure(ErrorKind::not_found,
                               options_.endpoint.url() + " has no " + request.path);
        }
        if (response.status != 200) {
          return base::failure(status_error(options_, response));
        }
        return {};
      });
}

}  // namespace reeve::xmlrpc
