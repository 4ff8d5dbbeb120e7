#include "cli/agent_client.h"

#include <atomic>
#include <exception>
#include <memory>
#include <thread>

#include <httplib.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace reeve::cli {
namespace {

using base::Endpoint;
using base::ErrorKind;
using base::failure;

constexpr std::size_t max_body_bytes = std::size_t{64} * 1024 * 1024;

void configure(httplib::ClientImpl& client, const AgentAddress& address) {
  const auto timeout = std::chrono::duration_cast<std::chrono::microseconds>(address.timeout);
  client.set_connection_timeout(timeout);
  client.set_read_timeout(timeout);
  client.set_write_timeout(timeout);
  client.set_follow_location(false);
}

std::unique_ptr<httplib::ClientImpl> client_for(const AgentAddress& address) {
  const Endpoint& endpoint = address.endpoint;
  std::unique_ptr<httplib::ClientImpl> client;
  if (endpoint.scheme == Endpoint::Scheme::https) {
    client = std::make_unique<httplib::SSLClient>(endpoint.host, endpoint.port);
  } else if (endpoint.scheme == Endpoint::Scheme::unix_socket) {
    client = std::make_unique<httplib::ClientImpl>(endpoint.socket_path, 80);
    client->set_address_family(AF_UNIX);
  } else {
    client = std::make_unique<httplib::ClientImpl>(endpoint.host, endpoint.port);
  }
  configure(*client, address);
  return client;
}

httplib::Request to_http_request(const AgentAddress& address, const AgentRequest& command) {
  httplib::Request request;
  switch (command.method) {
    case AgentRequest::Method::get:
      request.method = "GET";
      break;
    case AgentRequest::Method::post:
      request.method = "POST";
      break;
    case AgentRequest::Method::put:
      request.method = "PUT";
      break;
    case AgentRequest::Method::del:
      request.method = "DELETE";
      break;
  }
  request.path = command.target;
  const std::string host = address.endpoint.authority();
  request.set_header("Host", host.empty() ? "localhost" : host);
  request.set_header("Accept", "application/json");
  if (!address.token.empty()) {
    request.set_header("Authorization", "Bearer " + address.token.reveal());
  }
  if (!command.idempotency_key.empty()) {
    request.set_header("Idempotency-Key", command.idempotency_key);
  }
  if (!command.body.empty()) {
    request.set_header("Content-Type", "application/json");
    request.body = command.body;
  }
  return request;
}

base::Result<AgentResponse> transport_error(httplib::Error error, const AgentAddress& address) {
  using httplib::Error;
  const std::string agent = "the agent at " + address.endpoint.url();
  if (error == Error::Connection) {
    struct stat file {};
    const std::string& path = address.endpoint.socket_path;
    const bool missing = !path.empty() && ::stat(path.c_str(), &file) != 0;
    return failure(
        missing ? ErrorKind::socket_missing : ErrorKind::unreachable,
        agent + (missing ? " has no socket there" : " cannot be reached") +
            ": is `reeve serve` running, with control.enabled? Its URL is given with --agent");
  }
  if (error == Error::ConnectionTimeout || error == Error::Read) {
    const bool is_plain = address.endpoint.scheme == Endpoint::Scheme::http;
    return failure(ErrorKind::timeout, agent + " did not answer in time, or closed the connection" +
                                           (is_plain ? " (is it https, not http?)" : ""));
  }
  if (error == Error::SSLConnection) {
    return failure(ErrorKind::malformed,
                   agent + " does not speak TLS with this client (is it http, not https?)");
  }
  if (error == Error::SSLLoadingCerts || error == Error::SSLServerVerification) {
    return failure(ErrorKind::denied,
                   agent +
                       " has no certificate that this machine trusts for that name: use the "
                       "certificate's name in --agent, and SSL_CERT_FILE for its authority");
  }
  return failure(ErrorKind::malformed, agent + " did not send a response of an agent (" +
                                           httplib::to_string(error) + ")");
}

}  // namespace

base::Result<AgentResponse> send_to_agent(const AgentAddress& address, const AgentRequest& command,
                                          const std::stop_token& stop) {
  try {
    const auto client = client_for(address);
    const std::stop_callback on_stop(stop, [&] { client->stop(); });
    // The library bounds each read alone: an agent that drips its answer would hold the caller.
    std::atomic<bool> expired = false;
    const std::jthread watchdog([&](const std::stop_token& done) {
      const base::SystemClock clock;
      if (clock.wait_until(clock.steady_now() + address.timeout, done)) {
        expired = true;
        client->stop();
      }
    });
    httplib::Request request = to_http_request(address, command);
    std::string body;
    request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t,
                                   std::uint64_t) {
      body.append(data, size);
      return body.size() <= max_body_bytes;
    };
    httplib::Response response;
    auto error = httplib::Error::Success;
    const bool received = client->send(request, response, error);
    if (stop.stop_requested()) {
      return failure(ErrorKind::cancelled, "interrupted");
    }
    if (!received && expired) {
      return failure(ErrorKind::timeout,
                     "the agent at " + address.endpoint.url() + " did not answer in time");
    }
    return received ? AgentResponse{response.status, std::move(body)}
                    : transport_error(error, address);
  } catch (const std::exception& error) {
    return failure(ErrorKind::internal,
                   std::string("the request to the agent failed: ") + error.what());
  }
}

}  // namespace reeve::cli
