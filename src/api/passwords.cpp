#include "api/passwords.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include <crypt.h>

#include "http/base64.h"

namespace reeve::api {
namespace {

constexpr std::size_t max_login_bytes = 1024;

const BasicUser* find_user(const std::vector<BasicUser>& users, const std::string& name) {
  const auto found = std::find_if(users.begin(), users.end(),
                                  [&](const BasicUser& user) { return user.name == name; });
  return found == users.end() ? nullptr : &*found;
}

bool bcrypt_matches(const std::string& password, const std::string& hash) {
  const auto data = std::make_unique<crypt_data>();
  const char* const computed = ::crypt_r(password.c_str(), hash.c_str(), data.get());
  return computed != nullptr && equal_in_constant_time(computed, hash);
}

}  // namespace

std::optional<Login> read_login(std::string_view authorization) {
  const auto encoded = credentials(authorization, "Basic");
  const auto plain =
      encoded && encoded->size() <= max_login_bytes ? http::decode_base64(*encoded) : std::nullopt;
  const std::size_t colon = plain ? plain->find(':') : std::string::npos;
  // crypt reads a password up to a NUL: its beginning alone must not be accepted.
  if (colon == std::string::npos || plain->find('\0') != std::string::npos) {
    return std::nullopt;
  }
  return Login{.name = plain->substr(0, colon), .password = base::Secret(plain->substr(colon + 1))};
}

PasswordChecker::PasswordChecker(const std::vector<BasicUser>& users, const base::Clock& clock)
    : clock_(clock), state_(State{.users = users, .known = {}, .queue = {}}) {}

void PasswordChecker::configure(const std::vector<BasicUser>& users) {
  state_.with([&](State& state) {
    state.users = users;
    std::erase_if(state.known,
                  [&](const auto& each) { return find_user(users, each.first) == nullptr; });
  });
}

bool PasswordChecker::requires_login() const {
  return state_.with([](const State& state) { return !state.users.empty(); });
}

Digest PasswordChecker::digest_of_login(const Login& login, const BasicUser& user) const {
  return digest_of(key_, user.bcrypt.reveal() + ":" + login.password.reveal());
}

bool PasswordChecker::is_known(const Login& login) const {
  return state_.with([&](const State& state) {
    const BasicUser* const user = find_user(state.users, login.name);
    const auto known = state.known.find(login.name);
    return user != nullptr && known != state.known.end() &&
           equal_in_constant_time(known->second, digest_of_login(login, *user));
  });
}

bool PasswordChecker::check(Login login, const std::string& address,
                            std::function<void(bool)> done) {
  const bool queued = state_.with([&](State& state) {
    const auto waiting = std::find_if(state.queue.begin(), state.queue.end(),
                                      [&](const Job& each) { return each.address == address; });
    if (waiting != state.queue.end()) {
      const bool is_same = waiting->login == login;
      if (is_same) {
        waiting->done.push_back(std::move(done));
      }
      return is_same;
    }
    if (state.queue.size() >= max_queued) {
      return false;
    }
    state.queue.push_back(
        {.login = std::move(login), .address = address, .done = {std::move(done)}});
    if (!thread_.joinable()) {
      thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
    return true;
  });
  wakeup_.nudge();
  return queued;
}

bool PasswordChecker::verify(const Login& login) {
  if (is_known(login)) {
    return true;
  }
  const auto users = state_.with([](const State& state) { return state.users; });
  if (users.empty()) {
    return true;
  }
  const BasicUser* const named = find_user(users, login.name);
  const BasicUser& user = named == nullptr ? users.front() : *named;
  const bool matches = bcrypt_matches(login.password.reveal(), user.bcrypt.reveal());
  if (!matches || named == nullptr) {
    return false;
  }
  state_.with([&](State& state) {
    if (find_user(state.users, login.name) != nullptr) {  // not removed by a reload meanwhile
      state.known[login.name] = digest_of_login(login, user);
    }
  });
  return true;
}

void PasswordChecker::run(const std::stop_token& stop) {
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
      const bool right = verify(job->login);
      for (const auto& done : job->done) {
        done(right);
      }
    } else {
      (void)wakeup_.wait_until(clock_.steady_now() + std::chrono::hours(1), stop);
    }
  }
}

}  // namespace reeve::api
