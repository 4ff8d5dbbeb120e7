#include "coordination/etcd_gateway.h"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace reeve::coordination::etcd {

using base::Deadline;
using base::Error;
using base::ErrorKind;

namespace {

constexpr std::size_t max_error_bytes = 4096;
/// gRPC's codes, which the gateway writes into the body of an error.
constexpr int code_not_found = 5;
constexpr int code_exhausted = 8;
constexpr int code_unauthenticated = 16;

std::string_view path_of(Call call) {
  switch (call) {
    case Call::authenticate:
      return "/v3/auth/authenticate";
    case Call::grant:
      return "/v3/lease/grant";
    case Call::keepalive:
      return "/v3/lease/keepalive";
    case Call::revoke:
      return "/v3/lease/revoke";
    case Call::time_to_live:
      return "/v3/lease/timetolive";
    case Call::range:
      return "/v3/kv/range";
    case Call::transaction:
      return "/v3/kv/txn";
    case Call::watch:
      return "/v3/watch";
  }
  return "";
}

/// Discarded if it is no JSON, or is nested deeper than any of etcd's answers.
Json parsed(std::string_view text) {
  constexpr std::size_t max_depth = 16;
  return base::is_nested_beyond(text, max_depth) ? Json(Json::value_t::discarded)
                                                 : Json::parse(text, nullptr, false);
}

/// What etcd says of an error; code -1 where it says nothing.
base::PeerFault fault_of(const std::string& body) {
  base::PeerFault fault{.code = -1, .text = ""};
  const Json json = parsed(body);
  records::JsonReader reader(json);
  reader.number("code", fault.code);
  reader.text(reader.has("error") ? "error" : "message", fault.text);  // etcd 3.4, 3.5
  if (!reader.good()) {
    return {.code = -1, .text = ""};
  }
  return fault;
}

/// Another endpoint may answer.
bool is_of_endpoint(const Error& error) {
  static constexpr std::array decisions = {ErrorKind::denied, ErrorKind::not_found,
                                           ErrorKind::conflict};
  const bool is_decision =
      error.fault && std::find(decisions.begin(), decisions.end(), error.kind) != decisions.end();
  return !is_decision && error.kind != ErrorKind::cancelled;
}

/// etcd does not accept the token. Some versions close the connection instead of saying so.
bool is_bad_token(const Error& error) {
  const bool is_old =
      error.fault && error.fault->text.find("auth store is old") != std::string::npos;
  return (error.fault && error.fault->code == code_unauthenticated) || is_old ||
         (error.kind == ErrorKind::unreachable && !error.fault &&
          error.message.find("closed") != std::string::npos);
}

http::ConnectHints connect_hints() {
  return {.refused = "is etcd running, and listening there?"};
}

}  // namespace

Gateway::Gateway(EtcdOptions options, const base::Clock& clock)
    : options_(std::move(options)), clock_(clock) {
  for (const base::Endpoint& endpoint : options_.endpoints) {
    clients_.push_back(std::make_unique<http::Client>(endpoint, connect_hints(), options_.tls));
  }
}

http::ClientRequest Gateway::request(Call call, const Json& body, const std::string& token) const {
  http::ClientRequest request{.method = "POST",
                              .path = std::string(path_of(call)),
                              .headers = {{"Content-Type", "application/json"}},
                              .body = records::to_line(body)};
  if (!token.empty()) {
    request.headers.push_back({"Authorization", token});
  }
  if (call == Call::watch) {
    // Without it a member that has lost its quorum keeps the watch open and says nothing.
    request.headers.push_back({"Grpc-Metadata-hasleader", "true"});
  } else {
    request.headers.push_back({"Connection", "close"});
  }
  return request;
}

void Gateway::count(Call call, const std::optional<Error>& error) {
  const std::string result = error ? std::string(to_string(error->kind)) : "success";
  counts_.with([&](Counts& counts) { ++counts[{std::string(to_string(call)), result}]; });
}

void Gateway::update_contact(Call call, const std::optional<Error>& error, base::SteadyTime began) {
  const bool was_hurried = error && error->kind == ErrorKind::timeout &&
                           clock_.steady_now() - began < options_.timeout / 2;
  if (was_hurried || (error && error->kind == ErrorKind::cancelled)) {
    return;  // it says nothing of etcd
  }
  const bool has_answered = !error || !is_of_endpoint(*error);
  contact_.with([&](Contact& contact) {
    if (error && error->fault && error->fault->text.find("space exceeded") != std::string::npos) {
      contact.has_no_space = true;
    } else if (!error && call == Call::grant) {
      contact.has_no_space = false;
    }
    contact.up = has_answered && !contact.has_no_space;
    contact.last = has_answered ? clock_.system_now() : contact.last;
    if (contact.up) {
      contact.error.clear();
    } else if (error) {
      contact.error = error->message;
    }
  });
}

Error Gateway::status_error(std::size_t endpoint, const http::ClientResponse& response) const {
  const std::string where = "etcd at " + options_.endpoints[endpoint].url();
  const std::string status = " (HTTP " + std::to_string(response.status) + ")";
  const base::PeerFault fault = fault_of(response.body);
  const auto said = [&](ErrorKind kind, const std::string& what, const std::string& hint) {
    return Error{kind, where + " " + what + ": " + fault.text + status + hint,
                 fault.code < 0 ? std::nullopt : std::optional(fault)};
  };
  if (fault.text.find("CommonName") != std::string::npos) {
    return said(ErrorKind::denied, "refuses the client certificate",
                ": with users of etcd's own it must have no common name (CN)");
  }
  if (fault.text.find("user name is empty") != std::string::npos) {
    return said(ErrorKind::denied, "wants a user", ": set coordination.etcd.username");
  }
  switch (response.status) {
    case 401:
      return said(ErrorKind::denied, "does not accept the token", "");
    case 403:
      return said(ErrorKind::denied, "does not permit this",
                  ": its user needs the right READWRITE on the keys of /reeve/");
    case 404:
      return fault.code == code_not_found
                 ? said(ErrorKind::not_found, "does not have it", "")
                 : Error{ErrorKind::not_implemented,
                         where + " has no JSON gateway" + status +
                             ": set `enable-grpc-gateway: true` in its configuration file"};
    case 421:
      return {ErrorKind::denied, where + " does not accept this host name" + status +
                                     ": name one of its --host-whitelist, or its address"};
    default:
      break;
  }
  const bool is_busy = response.status >= 500 || fault.code == code_exhausted;
  return said(is_busy ? ErrorKind::unreachable : ErrorKind::conflict,
              is_busy ? "cannot do it now" : "refuses the request", "");
}

base::Result<Json> Gateway::interpret(std::size_t endpoint,
                                      const base::Result<http::ClientResponse>& response) const {
  if (!response) {
    return base::failure(response.error());
  }
  if (response->status != 200) {
    return base::failure(status_error(endpoint, *response));
  }
  Json answer = parsed(response->body);
  return answer.is_object()
             ? base::Result<Json>(std::move(answer))
             : base::failure(ErrorKind::malformed, "etcd at " + options_.endpoints[endpoint].url() +
                                                       " answered something else than JSON");
}

Gateway::Answers Gateway::send(std::size_t endpoint, Call call, const std::vector<Json>& bodies,
                               const Deadline& deadline) {
  const auto token =
      call == Call::authenticate ? base::Result<std::string>() : sign_in(endpoint, deadline);
  if (!token) {
    return Answers(bodies.size(), base::failure(token.error()));  // in braces it were a list
  }
  std::vector<http::ClientRequest> requests;
  requests.reserve(bodies.size());
  for (const Json& body : bodies) {
    requests.push_back(request(call, body, *token));
  }
  const auto responses = clients_[endpoint]->send_all(
      requests, {.body_bytes = max_answer_bytes, .error_body_bytes = max_error_bytes}, deadline);
  Answers answers;
  for (const auto& response : responses) {
    answers.push_back(interpret(endpoint, response));
    count(call, answers.back() ? std::nullopt : std::optional(answers.back().error()));
  }
  return answers;
}

base::Result<std::string> Gateway::sign_in(std::size_t endpoint, const Deadline& deadline) {
  std::string token = token_.copy();
  if (options_.username.empty() || !token.empty()) {
    return token;
  }
  const Json body = {{"name", options_.username}, {"password", options_.password.reveal()}};
  const auto answer = std::move(send(endpoint, Call::authenticate, {body}, deadline).front());
  if (!answer) {
    Error error = answer.error();
    if (error.fault && error.kind == ErrorKind::conflict) {
      error.kind = ErrorKind::denied;  // a wrong password is a bad request, to etcd
    }
    return base::failure(std::move(error));
  }
  records::JsonReader(*answer).text("token", token);
  token_.with([&](std::string& known) { known = token; });
  return token;
}

Gateway::Answers Gateway::ask(std::size_t endpoint, Call call, const std::vector<Json>& bodies,
                              const Deadline& deadline) {
  const bool had_token = !token_.copy().empty();
  Answers answers = send(endpoint, call, bodies, deadline);
  const bool is_refused = std::any_of(answers.begin(), answers.end(), [](const auto& answer) {
    return !answer && is_bad_token(answer.error());
  });
  if (!had_token || !is_refused) {
    return answers;
  }
  forget_token();
  return send(endpoint, call, bodies, deadline);
}

void Gateway::forget_token() {
  token_.with([](std::string& token) { token.clear(); });
}

std::vector<base::Result<Json>> Gateway::call_all(Call call, const std::vector<Json>& bodies,
                                                  const Deadline& deadline) {
  Answers answers(bodies.size(), base::failure(ErrorKind::unreachable, "no etcd is configured"));
  if (const auto may_ask = deadline.check("asking etcd"); !may_ask) {
    return Answers(bodies.size(), base::failure(may_ask.error()));
  }
  const base::SteadyTime began = clock_.steady_now();
  const std::size_t first = preferred_;
  std::optional<Error> failed;
  for (std::size_t i = 0; i < clients_.size() && !bodies.empty(); ++i) {
    if (i > 0 && (deadline.expired() || deadline.cancelled())) {
      break;
    }
    const std::size_t endpoint = (first + i) % clients_.size();
    answers = ask(endpoint, call, bodies, deadline.within(options_.timeout));
    const auto found = std::find_if(answers.begin(), answers.end(), [](const auto& answer) {
      return !answer && is_of_endpoint(answer.error());
    });
    failed = found == answers.end() ? std::nullopt : std::optional(found->error());
    if (!failed) {
      preferred_ = endpoint;
      break;
    }
  }
  const bool is_cancelled = std::any_of(answers.begin(), answers.end(), [](const auto& answer) {
    return !answer && answer.error().kind == ErrorKind::cancelled;
  });
  if (!is_cancelled) {
    update_contact(call, failed, began);
  }
  return answers;
}

base::Result<Json> Gateway::call(Call call, const Json& body, const Deadline& deadline) {
  return std::move(call_all(call, {body}, deadline).front());
}

base::Result<void> Gateway::watch(const Json& body, const std::function<bool(const Json&)>& take,
                                  const Deadline& deadline) {
  const std::size_t endpoint = preferred_;
  const auto token = sign_in(endpoint, deadline.within(options_.timeout));
  if (!token) {
    preferred_ = (endpoint + 1) % clients_.size();
    return base::failure(token.error());
  }
  const base::SteadyTime began = clock_.steady_now();
  std::string line;
  bool any = false;
  std::optional<Error> broken;
  const auto consume = [&](std::string_view bytes) {
    std::size_t end = line.size();
    line += bytes;
    for (end = line.find('\n', end); end != std::string::npos; end = line.find('\n')) {
      const Json message = parsed(std::string_view(line).substr(0, end));
      line.erase(0, end + 1);
      any = any || message.is_object();
      if (!message.is_object() || !take(message)) {
        return false;
      }
    }
    if (line.size() > max_answer_bytes) {
      broken = Error{ErrorKind::malformed, "a line of etcd's watch is too long"};
    }
    return !broken;
  };
  const auto response = clients_[endpoint]->send(
      request(Call::watch, body, *token),
      {.body_bytes = max_answer_bytes, .error_body_bytes = max_error_bytes}, deadline, consume);
  std::optional<Error> error = broken;
  if (!error && response && response->status != 200) {
    error = status_error(endpoint, *response);
  } else if (!error && !response && !any) {
    error = response.error();
  }
  count(Call::watch, error);
  update_contact(Call::watch, error, began);
  if (error) {
    if (is_bad_token(*error)) {
      forget_token();
    }
    preferred_ = (endpoint + 1) % clients_.size();
    return base::failure(*std::move(error));
  }
  return {};
}

}  // namespace reeve::coordination::etcd
