#include "cli/agent_client.h"

#include <exception>
#include <memory>

#include <httplib.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace reeve::cli {
namespace {

using base::Endpoint;
using base::ErrorKind;
using base::failure;

constexpr std::size_t max_answer_bytes = std::size_t{64} * 1024 * 1024;

void set_up(httplib::ClientImpl& client, const AgentPeer& peer) {
  const auto timeout = std::chrono::duration_cast<std::chrono::microseconds>(peer.timeout);
  client.set_connection_timeout(timeout);
  client.set_read_timeout(timeout);
  client.set_write_timeout(timeout);
  client.set_follow_location(false);
}

std::unique_ptr<httplib::ClientImpl> client_for(const AgentPeer& peer) {
  const Endpoint& endpoint = peer.endpoint;
  std::unique_ptr<httplib::ClientImpl> client;
  if (endpoint.scheme == Endpoint::Scheme::https) {
    client = std::make_unique<httplib::SSLClient>(endpoint.host, endpoint.port);
  } else if (endpoint.scheme == Endpoint::Scheme::unix_socket) {
    client = std::make_unique<httplib::ClientImpl>(endpoint.socket_path, 80);
    client->set_address_family(AF_UNIX);
  } else {
    client = std::make_unique<httplib::ClientImpl>(endpoint.host, endpoint.port);
  }
  set_up(*client, peer);
  return client;
}

httplib::Request made_of(const AgentPeer& peer, const AgentRequest& asked) {
  httplib::Request request;
  switch (asked.method) {
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
  request.path = asked.target;
  const std::string host = peer.endpoint.authority();
  request.set_header("Host", host.empty() ? "localhost" : host);
  request.set_header("Accept", "application/json");
  if (!peer.token.empty()) {
    request.set_header("Authorization", "Bearer " + peer.token.reveal());
  }
  if (!asked.body.empty()) {
    request.set_header("Content-Type", "application/json");
    request.body = asked.body;
  }
  return request;
}

base::Result<AgentAnswer> not_answered(httplib::Error error, const AgentPeer& peer) {
  using httplib::Error;
  const std::string where = "the agent at " + peer.endpoint.url();
  if (error == Error::Connection) {
    struct stat file {};
    const std::string& path = peer.endpoint.socket_path;
    const bool missing = !path.empty() && ::stat(path.c_str(), &file) != 0;
    return failure(missing ? ErrorKind::socket_missing : ErrorKind::unreachable,
                   where + (missing ? " has no socket there" : " cannot be reached") +
                       ": is `reeve serve` running, with control.enabled? --agent URL says where");
  }
  if (error == Error::ConnectionTimeout || error == Error::Read) {
    return failure(ErrorKind::timeout, where + " did not answer in time");
  }
  if (error == Error::SSLConnection || error == Error::SSLLoadingCerts ||
      error == Error::SSLServerVerification) {
    return failure(ErrorKind::denied,
                   where +
                       " has no certificate that this machine trusts for that name: use the "
                       "certificate's name in --agent, and SSL_CERT_FILE for its authority");
  }
  return failure(ErrorKind::malformed,
                 where + " did not answer as an agent does (" + httplib::to_string(error) + ")");
}

}  // namespace

base::Result<AgentAnswer> ask_agent(const AgentPeer& peer, const AgentRequest& asked,
                                    const std::stop_token& stop) {
  try {
    const auto client = client_for(peer);
    const std::stop_callback hang_up(stop, [&] { client->stop(); });
    httplib::Request request = made_of(peer, asked);
    std::string body;
    request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t,
                                   std::uint64_t) {
      body.append(data, size);
      return body.size() <= max_answer_bytes;
    };
    httplib::Response response;
    auto error = httplib::Error::Success;
    const bool answered = client->send(request, response, error);
    if (stop.stop_requested()) {
      return failure(ErrorKind::cancelled, "interrupted");
    }
    return answered ? AgentAnswer{response.status, std::move(body)} : not_answered(error, peer);
  } catch (const std::exception& error) {
    return failure(ErrorKind::internal,
                   std::string("the agent could not be asked: ") + error.what());
  }
}

}  // namespace reeve::cli
