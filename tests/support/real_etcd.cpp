#include "support/real_etcd.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/client.h"
#include "reeve/base/clock.h"
#include "reeve/base/deadline.h"
#include "support/child_process.h"
#include "support/eventually.h"
#include "support/free_port.h"

namespace reeve::tests {
namespace {

using namespace std::chrono_literals;

constexpr const char* program = "/usr/bin/etcd";
/// Generous: machines that test are busy.
constexpr auto patience = 60s;

std::string url(std::uint16_t port) {
  return "http://127.0.0.1:" + std::to_string(port);
}

std::string name(std::size_t node) {
  return "n" + std::to_string(node);
}

std::string post_to(std::uint16_t port, const std::string& path, const std::string& body,
                    std::chrono::seconds timeout) {
  const base::SystemClock clock;
  http::Client client(base::Endpoint::parse(url(port), "/").value());
  const auto response = client.send({.method = "POST", .path = path, .headers = {}, .body = body},
                                    {.body_bytes = 1 << 20}, base::Deadline::after(clock, timeout));
  return response && response->status == 200 ? response->body : "";
}

pid_t spawn(const std::vector<std::string>& words, const std::string& output) {
  std::vector<std::string> kept = words;
  std::vector<char*> arguments;
  for (std::string& each : kept) {
    arguments.push_back(each.data());
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  char* no_environment = nullptr;
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, program, &files, nullptr, arguments.data(), &no_environment);
  ::posix_spawn_file_actions_destroy(&files);
  if (error != 0) {
    throw std::runtime_error(std::string("cannot run etcd: ") + std::strerror(error));
  }
  return pid;
}

}  // namespace

bool RealEtcd::is_installed() {
  return ::access(program, X_OK) == 0;
}

RealEtcd::RealEtcd(std::size_t nodes, std::vector<std::string> further)
    : nodes_(nodes), further_(std::move(further)) {
  for (Node& node : nodes_) {
    node.client_port = free_port();
    node.peer_port = free_port();
  }
  for (std::size_t node = 0; node < nodes; ++node) {
    start(node);
  }
  const bool is_up = eventually(patience, [&] {
    return std::all_of(nodes_.begin(), nodes_.end(),
                       [&](const Node& node) { return answers(node); });
  });
  if (!is_up) {
    throw std::runtime_error("etcd does not come up in " + folder_.path());
  }
}

RealEtcd::~RealEtcd() {
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    kill(node);
  }
}

void RealEtcd::start(std::size_t node) {
  std::string cluster;
  for (std::size_t each = 0; each < nodes_.size(); ++each) {
    cluster += (each == 0 ? "" : ",") + name(each) + "=" + url(nodes_[each].peer_port);
  }
  const std::string client = url(nodes_[node].client_port);
  const std::string peer = url(nodes_[node].peer_port);
  std::vector<std::string> words = {"etcd",
                                    "--name",
                                    name(node),
                                    "--data-dir",
                                    folder_.path() + "/" + name(node),
                                    "--listen-client-urls",
                                    client,
                                    "--advertise-client-urls",
                                    client,
                                    "--listen-peer-urls",
                                    peer,
                                    "--initial-advertise-peer-urls",
                                    peer,
                                    "--initial-cluster",
                                    cluster};
  words.insert(words.end(), further_.begin(), further_.end());
  nodes_[node].pid = spawn(words, folder_.path() + "/" + name(node) + ".log");
}

bool RealEtcd::answers(const Node& node) const {
  // A linearizable read: there is a quorum.
  return !post_to(node.client_port, "/v3/kv/range", R"({"key":"YQ=="})", 5s).empty();
}

std::vector<base::Endpoint> RealEtcd::endpoints() const {
  std::vector<base::Endpoint> all;
  for (const Node& node : nodes_) {
    all.push_back(base::Endpoint::parse(url(node.client_port), "/").value());
  }
  return all;
}

void RealEtcd::freeze(std::size_t node) const {
  tests::freeze(nodes_[node].pid);
}

void RealEtcd::thaw(std::size_t node) const {
  tests::thaw(nodes_[node].pid);
}

void RealEtcd::kill(std::size_t node) {
  if (nodes_[node].pid > 0) {
    ::kill(nodes_[node].pid, SIGKILL);
    ::waitpid(nodes_[node].pid, nullptr, 0);
    nodes_[node].pid = -1;
  }
}

std::string RealEtcd::post(const std::string& path, const std::string& body) const {
  return post_to(nodes_.front().client_port, path, body, 30s);
}

std::optional<std::size_t> RealEtcd::leader() const {
  const auto member_of = [](const std::string& text, const std::string& field) {
    const std::size_t found = text.find("\"" + field + "\":\"");
    const std::size_t from = found + field.size() + 4;
    return found == std::string::npos ? std::string()
                                      : text.substr(from, text.find('"', from) - from);
  };
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    const std::string status =
        post_to(nodes_[node].client_port, "/v3/maintenance/status", "{}", 5s);
    if (!status.empty() && member_of(status, "leader") == member_of(status, "member_id")) {
      return node;
    }
  }
  return std::nullopt;
}

}  // namespace reeve::tests
