// What only a real supervisord does: traps in logs, and the ways in which it can fail to answer.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>

#include "base/text.h"
#include "contract/contract.h"
#include "xmlrpc/client.h"

namespace reeve::tests {
namespace {

using namespace std::chrono_literals;
using substrate::LogRange;
using substrate::LogStream;

/// Programs that rest; their logs are files that a test writes.
constexpr const char* programs_with_logs =
    "[program:log]\n"
    "command=/bin/sleep 100000\n"
    "autostart=false\n"
    "stdout_logfile=%(here)s/log.out\n"
    "stdout_logfile_maxbytes=0\n"
    "stderr_logfile=none\n"
    "[program:odd#name]\n"
    "command=/bin/sleep 100000\n"
    "autostart=false\n"
    "stdout_logfile=%(here)s/log.odd\n"
    "[program:pct%41]\n"
    "command=/bin/sleep 100000\n"
    "autostart=false\n"
    "stdout_logfile=%(here)s/log.odd\n"
    "[program:q?x=1&y]\n"
    "command=/bin/sleep 100000\n"
    "autostart=false\n"
    "stdout_logfile=%(here)s/log.odd\n"
    "[program:obedient]\n"
    "command=/bin/sleep 100000\n"
    "startsecs=0\n";

struct Real {
  base::SystemClock clock;
  RealSupervisord& daemon = shared();
  std::shared_ptr<supervisor::SupervisorSubstrate> supervisord =
      supervisor::connect_to(daemon.over_socket());

  static RealSupervisord& shared() {
    static RealSupervisord daemon(programs_with_logs);
    return daemon;
  }
  [[nodiscard]] base::Deadline within(base::Duration span) const {
    return base::Deadline::after(clock, span);
  }
  [[nodiscard]] base::Deadline soon() const { return within(60s); }
};

struct RealLog : Real {
  std::string path = daemon.folder() + "/log.out";
  InstanceName name = named("log");

  RealLog() { write(""); }
  void write(const std::string& bytes) const {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }
  [[nodiscard]] base::Result<std::string> read(const LogRange& range) const {
    return supervisord->read_log(name, LogStream::standard_output, range, soon());
  }
  [[nodiscard]] std::string last(std::uint64_t length) const {
    return read({LogRange::From::end, 0, length}).value_or("failed");
  }
  [[nodiscard]] std::string from(std::uint64_t offset, std::uint64_t length) const {
    return read({LogRange::From::start, offset, length}).value_or("failed");
  }
  [[nodiscard]] auto size() const {
    return supervisord->log_size(name, LogStream::standard_output, soon());
  }
};

TEST_CASE_METHOD(
    RealLog,
    "SupervisorSubstrate: NUL, ANSI colours, noncharacters and line ends come through unchanged") {
  const std::string bytes =
      std::string("before\0after\n", 13) + "\x1b[32mgreen\x1b[0m bell\x07 back\b\f\n" +
      "del\x7f nel\u0085 fffe\uFFFE ffff\uFFFF bom\uFEFF\n" + "crlf\r\ncr\r & < > ]]> \" '\n";
  write(bytes);
  CHECK(last(1000) == bytes);
  CHECK(from(0, 1000) == bytes);
  CHECK(size() == bytes.size());
}

TEST_CASE_METHOD(
    RealLog, "SupervisorSubstrate: logs are followed under names that a URL's path cannot have") {
  const std::string odd_log = daemon.folder() + "/log.odd";
  for (const char* odd : {"odd#name", "pct%41", "q?x=1&y"}) {
    CAPTURE(odd);
    std::filesystem::remove(odd_log);
    std::string seen;
    const auto follow = [&] {
      return supervisord->follow_log(
          named(odd), LogStream::standard_output,
          [&](std::string_view bytes) {
            seen += bytes;
            return false;
          },
          soon());
    };
    CHECK(follow().error().message.find("log.odd does not exist") != std::string::npos);
    std::ofstream(odd_log) << "text";
    CHECK(follow());
    CHECK(seen == "text");
  }
  const auto unread = supervisord->follow_log(
      name, LogStream::standard_error, [](std::string_view) { return true; }, soon());
  CHECK(unread.error().message.find("none is configured") != std::string::npos);
  std::filesystem::remove(path);
  CHECK(read({LogRange::From::end, 0, 10}).error().message.find("log.out does not exist") !=
        std::string::npos);
}

TEST_CASE_METHOD(RealLog,
                 "SupervisorSubstrate: a log of white space alone comes through unchanged") {
  write(" \n\n ");
  CHECK(last(10) == " \n\n ");
}

TEST_CASE_METHOD(RealLog,
                 "SupervisorSubstrate: white space of other kinds behind a byte that is not UTF-8 "
                 "hides nothing of a log") {
  std::string bytes = "shown\n\xff\v\f\n\v" + std::string(70, '\f') + "hidden\n";
  write(bytes);
  CHECK((from(0, 1000) == base::to_utf8(bytes)));
  CHECK((last(1000) == base::to_utf8(bytes)));
  std::minstd_rand dice(4711);
  bytes.clear();
  while (bytes.size() < 1500) {
    bytes += static_cast<char>(dice() % 256);
  }
  write(bytes);
  CHECK((from(0, 2000) == base::to_utf8(bytes)));
}

TEST_CASE_METHOD(RealLog,
                 "SupervisorSubstrate: latin-1 bytes come as U+FFFD and all around them survives") {
  write("caf\xe9 cr\xe8me\nd\xe9j\xe0 vu \u00e9\n");
  CHECK(last(1000) == "caf\uFFFD cr\uFFFDme\nd\uFFFDj\uFFFD vu \u00e9\n");
  CHECK(from(4, 4) == " cr\uFFFD");
}

TEST_CASE_METHOD(RealLog,
                 "SupervisorSubstrate: characters cut by the edges of a range are left out") {
  write("日本🚀語");
  CHECK(last(10) == "本🚀語");
  CHECK(last(8) == "🚀語");
  CHECK(from(1, 8) == "本");
  CHECK(from(0, 9) == "日本");
  CHECK(from(7, 2).empty());
}

TEST_CASE_METHOD(
    RealLog, "SupervisorSubstrate: a long log with cut characters at every slice is read whole") {
  std::string bytes = "x";
  while (bytes.size() < 200000) {
    bytes += "日本語";
  }
  write(bytes);
  CHECK((last(bytes.size()) == bytes));  // in brackets: not to be printed
  CHECK((from(0, bytes.size() + 100) == bytes));
}

TEST_CASE_METHOD(RealLog,
                 "SupervisorSubstrate: bytes that are no text cost bounded effort and hide no text "
                 "around them") {
  std::string bytes = "begin ";
  for (int value = 0; value < 256; ++value) {
    bytes += static_cast<char>(value);
  }
  write(bytes + " end");
  const std::string text = last(1000);
  CHECK(text.starts_with("begin "));
  CHECK(text.ends_with("\uFFFD end"));
  CHECK((text == base::to_utf8(bytes + " end")));
}

TEST_CASE_METHOD(RealLog, "SupervisorSubstrate: a log of 3 GiB has a size, an end and a middle") {
  constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30U;
  std::filesystem::resize_file(path, 3 * gibibyte);  // sparse: takes no room
  std::ofstream(path, std::ios::binary | std::ios::app) << "the end";
  CHECK(size() == 3 * gibibyte + 7);
  CHECK(last(7) == "the end");
  CHECK(from(3 * gibibyte, 100) == "the end");
  CHECK(from(2 * gibibyte + 5, 3) == std::string(3, '\0'));
}

TEST_CASE_METHOD(RealLog, "SupervisorSubstrate: a log file that is gone is no file, of size 0") {
  std::filesystem::remove(path);
  const auto text = read({LogRange::From::end, 0, 10});
  CHECK(kind_of(text) == ErrorKind::no_file);
  CHECK(size() == std::uint64_t{0});
}

TEST_CASE_METHOD(RealLog,
                 "SupervisorSubstrate: following hands on what is appended, byte for byte") {
  write("start ");
  std::string seen;
  const auto followed = supervisord->follow_log(
      name, LogStream::standard_output,
      [&](std::string_view bytes) {
        if (seen.empty()) {
          std::ofstream(path, std::ios::binary | std::ios::app) << std::string("\0\xe9 end", 6);
        }
        seen += bytes;
        return seen.find("end") == std::string::npos;
      },
      soon());
  CHECK(followed);
  CHECK(seen == std::string("start \0\xe9 end", 12));
}

TEST_CASE_METHOD(Real,
                 "SupervisorSubstrate: supervisord answers over TCP to the right password alone") {
  supervisor::Options options = daemon.over_tcp();
  CHECK(supervisor::connect_to(options)->connect(soon()) == substrate::Pid{daemon.pid()});
  options.password = base::Secret("wrong");
  CHECK(kind_of(supervisor::connect_to(options)->connect(soon())) == ErrorKind::denied);
  options.username.clear();
  CHECK(kind_of(supervisor::connect_to(options)->list_instances(soon())) == ErrorKind::denied);
}

TEST_CASE_METHOD(
    Real,
    "SupervisorSubstrate: a socket that is not there is told from a supervisord that is not") {
  supervisor::Options options = daemon.over_socket();
  options.endpoint.socket_path += ".missing";
  CHECK(kind_of(supervisor::connect_to(options)->connect(soon())) == ErrorKind::socket_missing);
}

TEST_CASE_METHOD(
    Real,
    "SupervisorSubstrate: a frozen supervisord is a timeout, and answers again once it is thawed") {
  daemon.freeze();
  const auto deadline = within(300ms);
  CHECK(kind_of(supervisord->connect(deadline)) == ErrorKind::timeout);
  CHECK(kind_of(supervisord->stop_instance(named("obedient"), StopMode::graceful, within(100ms))) ==
        ErrorKind::timeout);
  daemon.thaw();
  CHECK(supervisord->connect(soon()) == substrate::Pid{daemon.pid()});
}

TEST_CASE(
    "SupervisorSubstrate: a supervisord that shuts down says so while it can, and then is gone") {
  const base::SystemClock clock;
  const auto soon = [&] { return base::Deadline::after(clock, 60s); };
  RealSupervisord daemon(
      "[program:deaf]\n"
      "command=/bin/sleep 100000\n"
      "stopsignal=URG\n"
      "startsecs=0\n"
      "stopwaitsecs=3600\n");
  const auto supervisord = supervisor::connect_to(daemon.over_socket());
  const auto over_tcp = supervisor::connect_to(daemon.over_tcp());
  std::optional<substrate::Pid> deaf;
  REQUIRE(eventually(60s, [&] {
    deaf = supervisord->get_instance(named("deaf"), soon()).value().pid;
    return deaf.has_value();
  }));
  xmlrpc::Client(daemon.rpc_over_socket()).call({"supervisor.shutdown", {}}, soon()).value();
  CHECK(kind_of(supervisord->list_instances(soon())) == ErrorKind::shutting_down);
  CHECK(kind_of(supervisord->start_instance(named("deaf"), soon())) == ErrorKind::shutting_down);
  CHECK(kind_of(supervisord->stop_instance(named("deaf"), StopMode::graceful, soon())) ==
        ErrorKind::shutting_down);
  ::kill(static_cast<pid_t>(deaf->value), SIGKILL);
  CHECK(eventually(
      60s, [&] { return kind_of(supervisord->connect(soon())) == ErrorKind::socket_missing; }));
  CHECK(kind_of(over_tcp->connect(soon())) == ErrorKind::unreachable);
}

TEST_CASE(
    "SupervisorPollSource: a long listing in parts equals the whole one, also when a group is "
    "removed meanwhile") {
  const base::SystemClock clock;
  const auto soon = [&] { return base::Deadline::after(clock, 60s); };
  const RealSupervisord daemon(
      "[program:many]\n"
      "command=/bin/sleep 100000\n"
      "autostart=false\n"
      "numprocs=150\n"
      "process_name=naïve&%(process_num)03d\n"
      "[program:other]\n"
      "command=/bin/sleep 100000\n"
      "autostart=false\n");
  for (const auto& options : {daemon.over_socket(), daemon.over_tcp()}) {
    const auto supervisord = supervisor::connect_to(options);
    const auto another_client = supervisor::connect_to(options);
    const auto listed = [&] {
      const auto polled = supervisor::SupervisorPollSource(*supervisord)
                              .poll({.max_name_age = 60s, .mark = {}, .log = {}}, soon());
      REQUIRE(polled);
      const substrate::Listing* const listing = &polled->listing;
      std::vector<std::pair<InstanceName, InstanceState>> seen;
      for (const InstanceDetail& instance : listing->instances) {
        seen.emplace_back(instance.name, instance.state);
      }
      return seen;
    };
    const auto whole = listed();
    CHECK(whole.size() == 151);
    CHECK(listed() == whole);
    CHECK(another_client->remove_group("other", soon()));
    CHECK(listed().size() == 150);
    CHECK(listed().size() == 150);
    CHECK(supervisord->add_group("other", soon()));
    CHECK(listed() == whole);
  }
}

}  // namespace
}  // namespace reeve::tests
