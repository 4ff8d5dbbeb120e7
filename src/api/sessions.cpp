// Sessions, and the endpoints that open, show and end them.

#include "api/sessions.h"

#include <algorithm>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/authentication.h"
#include "api/http_helpers.h"
#include "api/open_streams.h"
#include "api/routes.h"
#include "base/text.h"
#include "json/json.h"

namespace reeve::api {
namespace {

std::string hexadecimal(const Digest& bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    (text += digits[byte / 16]) += digits[byte % 16];
  }
  return text;
}

std::string_view cookie_name(const http::Request& request) {
  return request.encrypted ? "__Host-reeve_session" : "reeve_session";
}

/// Who the client is, what it may do, and what a page needs of its session.
nlohmann::ordered_json identity_of(const Principal& actor) {
  nlohmann::ordered_json object;
  object["name"] = base::to_utf8(actor.name);
  object["scopes"] = nlohmann::ordered_json::array();
  for (const Scope scope : actor.scopes) {
    object["scopes"].push_back(to_string(scope));
  }
  object["allow"] = nlohmann::ordered_json::array();
  for (const substrate::Selector& selector : actor.allow) {
    object["allow"].push_back(base::to_utf8(selector.text()));
  }
  return object;
}

nlohmann::ordered_json identity_of(const RequestContext& context,
                                   std::optional<std::string_view> id) {
  nlohmann::ordered_json object = identity_of(context.actor);
  const auto expires_at = id ? context.sessions.expires_at(digest_of(*id)) : std::nullopt;
  object["csrf_token"] =
      id ? nlohmann::ordered_json(context.sessions.csrf_token(*id)) : nlohmann::ordered_json();
  object["expires_at"] =
      expires_at ? nlohmann::ordered_json(base::to_rfc3339(*expires_at)) : nlohmann::ordered_json();
  return object;
}

/// The cookie that this request was authenticated by.
std::optional<std::string_view> session_of(const RequestContext& context) {
  return credential_of(context.request).session ? session_cookie(context.request) : std::nullopt;
}

}  // namespace

Sessions::Sessions(const base::Clock& clock) : clock_(clock), csrf_key_(random_key()) {}

std::string Sessions::open(const SessionToken& token) {
  std::string id = hexadecimal(random_key());
  end_expired();
  const base::SteadyTime now = clock_.steady_now();
  sessions_.with([&](std::vector<Session>& sessions) {
    if (sessions.size() >= max_sessions) {
      std::map<std::string_view, std::size_t> counts = {{token.name, 1}};
      for (const Session& each : sessions) {
        ++counts[each.token.name];
      }
      sessions.erase(std::min_element(sessions.begin(), sessions.end(),
                                      [&](const Session& a, const Session& b) {
                                        return std::pair(counts[b.token.name], a.last_use) <
                                               std::pair(counts[a.token.name], b.last_use);
                                      }));
    }
    sessions.push_back({.id = digest_of(id),
                        .token = token,
                        .ends = now + lifetime,
                        .expires_at = clock_.system_now() + lifetime,
                        .last_use = now});
  });
  return id;
}

std::optional<SessionToken> Sessions::use(const Digest& id) const {
  const base::SteadyTime now = clock_.steady_now();
  return sessions_.with([&](std::vector<Session>& sessions) {
    std::optional<SessionToken> found;
    for (Session& each : sessions) {
      if (equal_in_constant_time(each.id, id) && now < each.ends) {
        each.last_use = now;
        found = each.token;
      }
    }
    return found;
  });
}

std::optional<base::SystemTime> Sessions::expires_at(const Digest& id) const {
  return sessions_.with([&](const std::vector<Session>& sessions) {
    const auto found = std::find_if(sessions.begin(), sessions.end(),
                                    [&](const Session& each) { return each.id == id; });
    return found == sessions.end() ? std::nullopt : std::optional(found->expires_at);
  });
}

bool Sessions::end(const Digest& id) {
  return sessions_.with([&](std::vector<Session>& sessions) {
    return std::erase_if(sessions, [&](const Session& each) { return each.id == id; }) > 0;
  });
}

void Sessions::end_unless(const std::function<bool(const SessionToken&)>& accepted) {
  sessions_.with([&](std::vector<Session>& sessions) {
    std::erase_if(sessions, [&](const Session& each) { return !accepted(each.token); });
  });
}

bool Sessions::end_expired() {
  const base::SteadyTime now = clock_.steady_now();
  return sessions_.with([&](std::vector<Session>& sessions) {
    return std::erase_if(sessions, [&](const Session& each) { return each.ends <= now; }) > 0;
  });
}

std::string Sessions::csrf_token(std::string_view id) const {
  return hexadecimal(digest_of(csrf_key_, id));
}

bool Sessions::is_csrf_token(std::string_view text, std::string_view id) const {
  return equal_in_constant_time(text, csrf_token(id));
}

std::optional<std::string_view> session_cookie(const http::Request& request) {
  std::string_view cookies = request.header("Cookie").value_or("");
  while (!cookies.empty()) {
    std::string_view cookie = take_until(cookies, ';');
    const std::string_view name = take_until(cookie, '=');
    if (name == cookie_name(request) && !cookie.empty()) {
      return cookie;
    }
  }
  return std::nullopt;
}

http::Header set_session_cookie(const http::Request& request, std::string_view id) {
  std::string cookie(cookie_name(request));
  ((cookie += '=') += id) += "; Path=/; HttpOnly; SameSite=Strict";
  cookie += request.encrypted ? "; Secure" : "";
  cookie += id.empty() ? "; Max-Age=0" : "";
  return {"Set-Cookie", cookie};
}

EndpointResult open_session(const RequestContext& context) {
  const Credential credential = credential_of(context.request);
  if (!credential.token) {
    return tl::unexpected(invalid_request(
        "a session is opened with a token: send Authorization: Bearer and the token"));
  }
  if (const auto replaced = session_cookie(context.request)) {
    context.end_session(digest_of(*replaced));
  }
  const std::string id = context.sessions.open({context.actor.name, *credential.token});
  context.streams.recheck();  // it may have ended others
  http::Response response = json_response(201, identity_of(context, id));
  response.headers.push_back(set_session_cookie(context.request, id));
  return response;
}

EndpointResult show_session(const RequestContext& context) {
  return json_response(200, identity_of(context, session_of(context)));
}

EndpointResult end_session(const RequestContext& context) {
  const auto id = session_of(context);
  if (!id || !context.end_session(digest_of(*id))) {
    return tl::unexpected(not_found("this request comes without a session: there is none to end"));
  }
  http::Response response = make_response(204, "application/json", "");
  response.headers.push_back(set_session_cookie(context.request, ""));
  return response;
}

}  // namespace reeve::api
