#include "cli/supervisorctl_client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "cli/supervisord_conf.h"
#include "http/base64.h"
#include "http/client.h"
#include "reeve/base/deadline.h"
#include "xmlrpc/client.h"
#include "xmlrpc/codec.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;
using Cause = CallError::Cause;

constexpr std::chrono::hours no_limit{24 * 365 * 9};
constexpr std::size_t max_answer_bytes = std::size_t{64} * 1024 * 1024;

/// The exceptions that a failed connection raises. Each text is handed to the HTTP client as its
/// hint, and found again at the end of the error's message.
struct ConnectFailure {
  Cause cause;
  const char* type;
  const char* text;
};
constexpr ConnectFailure refused{Cause::refused, "ConnectionRefusedError",
                                 "[Errno 111] Connection refused"};
constexpr ConnectFailure missing{Cause::missing, "FileNotFoundError",
                                 "[Errno 2] No such file or directory"};
constexpr ConnectFailure denied{Cause::other, "PermissionError", "[Errno 13] Permission denied"};
constexpr ConnectFailure busy{Cause::other, "BlockingIOError",
                              "[Errno 11] Resource temporarily unavailable"};

CallError connect_error(const base::Error& error) {
  if (error.kind == ErrorKind::cancelled) {
    return {Cause::interrupted, 0, "KeyboardInterrupt", ""};
  }
  for (const ConnectFailure& failure : {refused, missing, denied, busy}) {
    if (error.message.ends_with(failure.text)) {
      return {failure.cause, 0, failure.type, failure.text};
    }
  }
  return {Cause::other, 0, "OSError", error.message};
}

std::string reason_of(unsigned status) {
  constexpr std::array<std::pair<unsigned, const char*>, 10> reasons = {
      {{400, "Bad Request"},
       {401, "Unauthorized"},
       {403, "Forbidden"},
       {404, "Not Found"},
       {405, "Method Not Allowed"},
       {500, "Internal Server Error"},
       {501, "Not Implemented"},
       {502, "Bad Gateway"},
       {503, "Service Unavailable"},
       {504, "Gateway Timeout"}}};
  const auto* const found = std::find_if(reasons.begin(), reasons.end(),
                                         [&](const auto& each) { return each.first == status; });
  return found == reasons.end() ? "" : std::string(" ") + found->second;
}

std::vector<http::Header> headers_for(const CtlServer& server) {
  if (!server.sends_credentials()) {
    return {};
  }
  return {http::basic_authorization(*server.username, *server.password)};
}

http::Client client_for(const base::Endpoint& endpoint) {
  return http::Client(endpoint, {.refused = refused.text,
                                 .socket_missing = missing.text,
                                 .socket_stale = refused.text,
                                 .socket_denied = denied.text,
                                 .socket_busy = busy.text});
}

CallResult<xmlrpc::Value> value_of(const http::ClientResponse& response) {
  if (response.status != 200) {
    return tl::unexpected(CallError{
        Cause::http_status, static_cast<int>(response.status), "xmlrpc.client.ProtocolError",
        "<ProtocolError for 127.0.0.1/RPC2: " + std::to_string(response.status) +
            reason_of(response.status) + ">"});
  }
  auto answer = xmlrpc::decode_answer(response.body);
  if (!answer) {
    return python_error("xmlrpc.client.ResponseError", answer.error().message);
  }
  if (const xmlrpc::Fault* const fault = answer->fault()) {
    return tl::unexpected(
        CallError{Cause::fault, fault->code, "xmlrpc.client.Fault",
                  "<Fault " + std::to_string(fault->code) + ": " + python_repr(fault->text) + ">",
                  fault->text});
  }
  return std::get<xmlrpc::Value>(std::move(answer->content));
}

}  // namespace

bool CtlServer::sends_credentials() const {
  return username && password && (!credentials_only_for || *credentials_only_for == url);
}

tl::unexpected<CallError> python_error(std::string type, std::string text) {
  return tl::unexpected(CallError{Cause::other, 0, std::move(type), std::move(text)});
}

CallResult<base::Endpoint> ctl_endpoint(const std::string& url) {
  base::Endpoint endpoint;
  endpoint.path = "/RPC2";
  if (url.starts_with("unix://")) {
    endpoint.scheme = base::Endpoint::Scheme::unix_socket;
    endpoint.socket_path = url.substr(7);
    return endpoint;
  }
  if (!url.starts_with("http://")) {
    return python_error("ValueError", "Unknown protocol for serverurl " + url);
  }
  std::string host = url.substr(7, url.find_first_of("/?#", 7) - 7);
  host.erase(0, host.rfind('@') + 1);
  const std::size_t bracket = host.starts_with('[') ? host.find(']') : std::string::npos;
  const std::size_t colon = host.find(':', bracket == std::string::npos ? 0 : bracket);
  const std::string port = colon == std::string::npos ? "" : host.substr(colon + 1);
  const auto number = base::parse_number<std::uint16_t>(port.empty() ? "80" : port);
  if (!number) {
    const bool digits = port.find_first_not_of("0123456789") == std::string::npos;
    return python_error("ValueError",
                        digits ? "Port out of range 0-65535"
                               : "Port could not be cast to integer value as " + python_repr(port));
  }
  host.resize(std::min(colon, host.size()));
  endpoint.host = bracket == std::string::npos ? host : host.substr(1, bracket - 1);
  endpoint.port = *number;
  return endpoint;
}

CallResult<xmlrpc::Value> CtlClient::call(const CtlServer& server, std::string_view method,
                                          std::vector<xmlrpc::Value> parameters) const {
  const auto endpoint = ctl_endpoint(server.url);
  if (!endpoint) {
    return tl::unexpected(endpoint.error());
  }
  const auto body =
      xmlrpc::encode_call({"supervisor." + std::string(method), std::move(parameters)});
  if (!body) {
    return python_error("ValueError", body.error().message);
  }
  http::ClientRequest request{"POST", endpoint->path, headers_for(server), *body};
  request.headers.push_back({"Connection", "close"});
  request.headers.push_back({"Content-Type", "text/xml"});
  const auto response = client_for(*endpoint).send(
      request, {.body_bytes = max_answer_bytes, .length_counts_characters = true},
      base::Deadline::after(*clock_, no_limit, stop_));
  return response ? value_of(*response) : tl::unexpected(connect_error(response.error()));
}

CallResult<int> CtlClient::stream(const CtlServer& server, const std::string& path,
                                  const std::function<bool(std::string_view)>& consumer,
                                  const std::stop_token& stop) const {
  const auto endpoint = ctl_endpoint(server.url);
  if (!endpoint) {
    return tl::unexpected(endpoint.error());
  }
  // Not with `Connection: close`: supervisord then withholds a log until it has 64 KiB of it.
  const auto response = client_for(*endpoint).send(
      {"GET", path, headers_for(server), ""}, {.body_bytes = max_answer_bytes},
      base::Deadline::after(*clock_, no_limit, stop), consumer);
  return response ? CallResult<int>(static_cast<int>(response->status))
                  : tl::unexpected(connect_error(response.error()));
}

}  // namespace reeve::cli
