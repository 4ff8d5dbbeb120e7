#include "api/passwords.h"

#include <algorithm>
#include <utility>

#include <crypt.h>
#include <openssl/evp.h>

#include "api/access.h"

namespace reeve::api {
namespace {

constexpr std::size_t max_header_bytes = 1024;

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0 || text.size() > max_header_bytes) {
    return std::nullopt;
  }
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::vector<unsigned char> bytes(text.size() / 4 * 3);
  const int length =
      EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  if (length < static_cast<int>(padding)) {
    return std::nullopt;
  }
  return std::string(bytes.begin(), bytes.begin() + length - static_cast<int>(padding));
}

bool bcrypt_matches(const std::string& password, const std::string& hash) {
  const auto data = std::make_unique<crypt_data>();
  const char* const computed = ::crypt_r(password.c_str(), hash.c_str(), data.get());
  return computed != nullptr && equal_in_constant_time(computed, hash);
}

}  // namespace

std::optional<Login> read_login(std::string_view authorization) {
  const auto encoded = credentials(authorization, "Basic");
  const auto plain = encoded ? decode_base64(*encoded) : std::nullopt;
  const std::size_t colon = plain ? plain->find(':') : std::string::npos;
  // A password is read by crypt only up to a NUL: nobody gets in with the beginning of one.
  if (colon == std::string::npos || plain->find('\0') != std::string::npos) {
    return std::nullopt;
  }
  return Login{plain->substr(0, colon), base::Secret(plain->substr(colon + 1))};
}

Passwords::Passwords(const std::vector<BasicUser>& users, const base::Clock& clock)
    : clock_(clock), state_(State{users, {}, {}}) {}

void Passwords::configure(const std::vector<BasicUser>& users) {
  state_.with([&](State& state) {
    state.users = users;
    state.remembered.clear();
  });
}

bool Passwords::open() const {
  return state_.with([](const State& state) { return state.users.empty(); });
}

Digest Passwords::digest_of_login(const Login& login) const {
  return digest_of(key_, login.name + ":" + login.password.reveal());
}

bool Passwords::remembered(const Login& login) const {
  const Digest digest = digest_of_login(login);
  return state_.with([&](const State& state) {
    return std::any_of(state.remembered.begin(), state.remembered.end(),
                       [&](const Digest& each) { return equal_in_constant_time(each, digest); });
  });
}

bool Passwords::check(Login login, std::function<void(bool)> done) {
  const bool queued = state_.with([&](State& state) {
    if (state.queue.size() >= max_queued) {
      return false;
    }
    state.queue.push_back({std::move(login), std::move(done)});
    if (!thread_.joinable()) {
      thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
    }
    return true;
  });
  wakeup_.nudge();
  return queued;
}

bool Passwords::is_right(const Login& login) {
  if (remembered(login)) {
    return true;
  }
  const auto users = state_.with([](const State& state) { return state.users; });
  if (users.empty()) {
    return true;
  }
  const auto found = std::find_if(users.begin(), users.end(),
                                  [&](const BasicUser& user) { return user.name == login.name; });
  const BasicUser& user = found == users.end() ? users.front() : *found;
  const bool matches = bcrypt_matches(login.password.reveal(), user.bcrypt.reveal());
  if (!matches || found == users.end()) {
    return false;
  }
  state_.with([&](State& state) {
    if (state.users == users) {  // not changed by a reload meanwhile
      state.remembered.push_back(digest_of_login(login));
    }
    if (state.remembered.size() > max_remembered) {
      state.remembered.pop_front();
    }
  });
  return true;
}

void Passwords::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    auto job = state_.with([](State& state) -> std::optional<Job> {
      if (state.queue.empty()) {
        return std::nullopt;
      }
      Job next = std::move(state.queue.front());
      state.queue.pop_front();
      return next;
    });
    if (job) {
      job->done(is_right(job->login));
    } else {
      (void)wakeup_.wait_until(clock_.steady_now() + std::chrono::hours(1), stop);
    }
  }
}

}  // namespace reeve::api
