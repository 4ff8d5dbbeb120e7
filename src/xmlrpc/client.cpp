#include "xmlrpc/client.h"

#include <algorithm>
#include <deque>
#include <utility>

#include <openssl/evp.h>

#include "http/client_transport.h"
#include "http/response_reader.h"
#include "xmlrpc/codec.h"

namespace reeve::xmlrpc {
namespace {

using base::Endpoint;
using base::Error;
using base::ErrorKind;

std::string base64(const std::string& text) {
  std::string encoded((text.size() + 2) / 3 * 4 + 1, '\0');
  const int size = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  encoded.resize(static_cast<std::size_t>(size));
  return encoded;
}

std::string host_of(const Endpoint& peer) {
  return peer.scheme == Endpoint::Scheme::unix_socket ? "localhost" : peer.authority();
}

/// The header's fields that every request has. supervisord wants them in just this spelling.
std::string common_fields(const ClientOptions& options) {
  std::string fields = "Host: " + host_of(options.endpoint) + "\r\n";
  if (!options.username.empty()) {
    fields += "Authorization: Basic " + base64(options.username + ":" + options.password.reveal()) +
              "\r\n";
  }
  return fields;
}

std::string post(const ClientOptions& options, const std::string& body) {
  return "POST " + options.endpoint.path + " HTTP/1.1\r\n" + common_fields(options) +
         "Connection: close\r\nContent-Type: text/xml\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// What an HTTP status other than 200 means, whatever was asked for.
Error status_error(const ClientOptions& options, const http::HttpAnswer& answer) {
  const std::string url = options.endpoint.url();
  const std::string status = " (HTTP " + std::to_string(answer.status) + ")";
  switch (answer.status) {
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

/// As status_error, for a call: a server that does not know the path, or knows a better one.
Error call_error(const ClientOptions& options, const http::HttpAnswer& answer) {
  const std::string url = options.endpoint.url();
  const std::string server = answer.server.empty() ? "a server" : answer.server;
  switch (answer.status) {
    case 400:
    case 404:
    case 405:
      return {ErrorKind::not_found, server + " answers at " + url +
                                        " but has no XML-RPC at the path " + options.endpoint.path +
                                        ": does the URL end in /RPC2? (HTTP " +
                                        std::to_string(answer.status) + ")"};
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return {ErrorKind::not_found, url + " redirects to " + answer.location +
                                        ", which is not followed: give the final URL"};
    default:
      return status_error(options, answer);
  }
}

/// The answer that `reader` has read, to a call or a stream; errors name the peer.
base::Result<http::HttpAnswer> taken(const ClientOptions& options, http::HttpReader& reader) {
  reader.end();
  return reader.take().map_error([&](Error error) {
    error.message.insert(0, options.endpoint.url() + ": ");
    return error;
  });
}

base::Result<Answer> answer_of(const ClientOptions& options, http::HttpReader& reader) {
  return taken(options, reader)
      .and_then([&](const http::HttpAnswer& answer) -> base::Result<Answer> {
        if (answer.status != 200) {
          return base::failure(call_error(options, answer));
        }
        DecodeLimits limits;
        limits.max_bytes = options.max_answer_bytes;
        return decode_answer(answer.body, limits).map_error([&](Error error) {
          error.message.insert(0, options.endpoint.url() + ": ");
          return error;
        });
      });
}

}  // namespace

Client::Client(ClientOptions options)
    : options_(std::move(options)),
      transport_(std::make_unique<http::Transport>(options_.endpoint)) {}

Client::~Client() = default;

base::Result<Answer> Client::call(const Call& call, const base::Deadline& deadline) {
  return std::move(call_parallel({call}, deadline).front());
}

std::vector<base::Result<Answer>> Client::call_parallel(const std::vector<Call>& calls,
                                                        const base::Deadline& deadline) {
  std::vector<base::Result<Answer>> answers(calls.size());
  std::vector<http::Exchange> exchanges;
  std::deque<http::HttpReader> readers;  // one for each exchange
  std::vector<std::size_t> positions;    // of the exchange's call
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const base::Result<std::string> body = encode_call(calls[i]);
    if (!body) {
      answers[i] = base::failure(body.error());
      continue;
    }
    http::HttpReader& reader = readers.emplace_back(options_.max_answer_bytes);
    exchanges.push_back(
        {post(options_, *body), [&reader](std::string_view bytes) { return reader.feed(bytes); }});
    positions.push_back(i);
  }
  const std::vector<base::Result<void>> carried = transport_->run(exchanges, deadline);
  for (std::size_t i = 0; i < carried.size(); ++i) {
    answers[positions[i]] = carried[i].and_then([&] { return answer_of(options_, readers[i]); });
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
  http::HttpReader reader(options_.max_answer_bytes, consumer);
  const auto take = [&reader](std::string_view bytes) { return reader.feed(bytes); };
  const std::string request = "GET " + path + " HTTP/1.1\r\n" + common_fields(options_) + "\r\n";
  base::Result<void> carried = transport_->run({{request, take}}, deadline).front();
  if (!carried) {
    return carried;
  }
  return taken(options_, reader)
      .and_then([&](const http::HttpAnswer& answer) -> base::Result<void> {
        if (answer.status == 404) {
          return base::failure(ErrorKind::not_found, options_.endpoint.url() + " has no " + path);
        }
        if (answer.status != 200) {
          return base::failure(status_error(options_, answer));
        }
        return {};
      });
}

}  // namespace reeve::xmlrpc
