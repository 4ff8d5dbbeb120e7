#include "support/real_supervisord.h"

#include <array>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <tuple>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child_process.h"
#include "support/eventually.h"
#include "support/free_port.h"

namespace reeve::tests {
namespace {

using namespace std::chrono_literals;

/// Generous: machines that test are busy.
constexpr auto patience = 60s;

class Socket {
 public:
  explicit Socket(int family) : descriptor_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { ::close(descriptor_); }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

template <class Address>
sockaddr* generic(Address& address) {
  return reinterpret_cast<sockaddr*>(&address);
}

bool connects(std::uint16_t port) {
  const Socket probe(AF_INET);
  sockaddr_in address = loopback(port);
  return ::connect(probe.descriptor(), generic(address), sizeof(address)) == 0;
}

bool connects(const std::string& path) {
  const Socket probe(AF_UNIX);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return ::connect(probe.descriptor(), generic(address), sizeof(address)) == 0;
}

std::vector<pid_t> children_of(pid_t pid) {
  const std::string process = std::to_string(pid);
  std::ifstream file("/proc/" + process + "/task/" + process + "/children");
  return {std::istream_iterator<pid_t>(file), {}};
}

}  // namespace

RealSupervisord::RealSupervisord(std::string_view programs) : port_(free_port()) {
  rewrite(programs);
  spawn();
  if (!eventually(patience, [&] { return answers(); })) {
    const std::string folder = folder_.path();
    end();
    throw std::runtime_error("supervisord does not come up in " + folder);
  }
}

RealSupervisord::~RealSupervisord() {
  end();
}

void RealSupervisord::rewrite(std::string_view programs) const {
  std::ignore = folder_.write("supervisord.conf",
                              "[unix_http_server]\n"
                              "file=%(here)s/s.sock\n"
                              "[inet_http_server]\n"
                              "port=127.0.0.1:" +
                                  std::to_string(port_) +
                                  "\n"
                                  "username=" +
                                  std::string(username) +
                                  "\n"
                                  "password=" +
                                  std::string(password) +
                                  "\n"
                                  "[supervisord]\n"
                                  "logfile=%(here)s/supervisord.log\n"
                                  "pidfile=%(here)s/supervisord.pid\n"
                                  "childlogdir=%(here)s\n"
                                  "identifier=lab-é\n"
                                  "nodaemon=true\n"
                                  "silent=true\n"
                                  "[rpcinterface:supervisor]\n"
                                  "supervisor.rpcinterface_factory ="
                                  " supervisor.rpcinterface:make_main_rpcinterface\n" +
                                  std::string(programs));
}

void RealSupervisord::spawn() {
  const std::string config = folder_.path() + "/supervisord.conf";
  const std::string output = folder_.path() + "/output";
  std::array<std::string, 4> words{"supervisord", "-n", "-c", config};
  std::array<char*, 5> arguments{words[0].data(), words[1].data(), words[2].data(), words[3].data(),
                                 nullptr};
  std::string utf8 = "PYTHONUTF8=1";
  std::string path = "PATH=/usr/local/bin:/usr/bin:/bin";
  std::array<char*, 3> environment{utf8.data(), path.data(), nullptr};
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  const int error = ::posix_spawn(&pid_, "/usr/bin/supervisord", &files, nullptr, arguments.data(),
                                  environment.data());
  ::posix_spawn_file_actions_destroy(&files);
  if (error != 0) {
    throw std::runtime_error("cannot run /usr/bin/supervisord: " + std::string(strerror(error)));
  }
}

bool RealSupervisord::answers() const {
  return connects(port_) && connects(folder_.path() + "/s.sock");
}

supervisor::Options RealSupervisord::over_socket() const {
  return supervisor::options_for("unix://" + folder_.path() + "/s.sock").value();
}

xmlrpc::ClientOptions RealSupervisord::rpc_over_socket() const {
  xmlrpc::ClientOptions options;
  options.endpoint = over_socket().endpoint;
  return options;
}

supervisor::Options RealSupervisord::over_tcp() const {
  supervisor::Options options =
      supervisor::options_for("http://127.0.0.1:" + std::to_string(port_)).value();
  options.username = username;
  options.password = base::Secret(password);
  return options;
}

void RealSupervisord::freeze() const {
  tests::freeze(pid_);
}

void RealSupervisord::thaw() const {
  tests::thaw(pid_);
}

void RealSupervisord::end() {
  if (pid_ <= 0) {
    return;
  }
  // Asked to shut down, it would stop one program per second. Frozen, it starts no more.
  freeze();
  const std::vector<pid_t> programs = children_of(pid_);
  ::kill(pid_, SIGKILL);
  for (const pid_t program : programs) {
    ::kill(program, SIGKILL);
  }
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace reeve::tests
