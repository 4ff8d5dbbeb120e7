// What every manager's Logs do: held against the fake and the real thing.

#include "contract/contract.h"

namespace reeve::tests {
namespace {

using substrate::LogRange;
using substrate::LogStream;

constexpr LogStream out = LogStream::standard_output;
constexpr LogStream err = LogStream::standard_error;

template <class Manager>
struct LogContract : Contract<Manager> {
  substrate::Logs& logs = this->manager.logs();
  InstanceName chatty = named("chatty");

  LogContract() {
    REQUIRE(this->manager.eventually([&] {
      return logs.log_size(chatty, out, this->soon()) == std::uint64_t{10} &&
             logs.log_size(chatty, err, this->soon()) == std::uint64_t{4};
    }));
  }
  [[nodiscard]] auto last(std::uint64_t length) {
    return logs.read_log(chatty, out, {LogRange::From::end, 0, length}, this->soon());
  }
  [[nodiscard]] auto from(std::uint64_t offset, std::uint64_t length) {
    return logs.read_log(chatty, out, {LogRange::From::start, offset, length}, this->soon());
  }
};

TEMPLATE_TEST_CASE("Logs: a log is read from its end or from an offset", "", FakeManager,
                   RealManager) {
  LogContract<TestType> it;
  CHECK(it.last(4) == "6789");
  CHECK(it.last(100) == "0123456789");
  CHECK(it.last(1000000) == "0123456789");
  CHECK(it.last(0) == "");
  CHECK(it.from(2, 3) == "234");
  CHECK(it.from(8, 100) == "89");
  CHECK(it.from(10, 5) == "");
  CHECK(it.from(0, 0) == "");
  CHECK(it.logs.read_log(it.chatty, err, {LogRange::From::end, 0, 100}, it.soon()) == "oops");
}

TEMPLATE_TEST_CASE("Logs: no process, and a process without a log, are told apart", "", FakeManager,
                   RealManager) {
  LogContract<TestType> it;
  const LogRange range{LogRange::From::end, 0, 10};
  const auto consumer = [](std::string_view) { return true; };
  CHECK(kind_of(it.logs.read_log(named("nope"), out, range, it.soon())) == ErrorKind::not_found);
  CHECK(kind_of(it.logs.log_size(named("nope"), out, it.soon())) == ErrorKind::not_found);
  CHECK(kind_of(it.logs.clear_logs(named("nope"), it.soon())) == ErrorKind::not_found);
  CHECK(kind_of(it.logs.follow_log(named("nope"), out, consumer, it.soon())) ==
        ErrorKind::not_found);
  const LogRange long_range{LogRange::From::end, 0, 1000000};
  CHECK(kind_of(it.logs.read_log(named("nolog"), out, range, it.soon())) == ErrorKind::no_file);
  CHECK(kind_of(it.logs.read_log(named("nolog"), out, long_range, it.soon())) ==
        ErrorKind::no_file);
  CHECK(kind_of(it.logs.follow_log(named("nolog"), out, consumer, it.soon())) ==
        ErrorKind::no_file);
  CHECK(it.logs.log_size(named("nolog"), out, it.soon()) == std::uint64_t{0});
}

TEMPLATE_TEST_CASE("Logs: following hands on the tail, until the consumer has enough", "",
                   FakeManager, RealManager) {
  LogContract<TestType> it;
  std::string seen;
  CHECK(it.logs.follow_log(
      it.chatty, out,
      [&](std::string_view bytes) {
        seen += bytes;
        return seen.size() < 10;
      },
      it.soon()));
  CHECK(seen == "0123456789");
}

TEMPLATE_TEST_CASE("Logs: following ends with the deadline, or with a stop", "", FakeManager,
                   RealManager) {
  LogContract<TestType> it;
  const auto consumer = [](std::string_view) { return true; };
  CHECK(kind_of(it.logs.follow_log(it.chatty, out, consumer,
                                   it.manager.within(std::chrono::milliseconds(200)))) ==
        ErrorKind::timeout);
  std::stop_source shutdown;
  const auto stopping_consumer = [&](std::string_view) {
    shutdown.request_stop();
    return true;
  };
  CHECK(kind_of(it.logs.follow_log(
            it.chatty, out, stopping_consumer,
            it.manager.within(std::chrono::seconds(60), shutdown.get_token()))) ==
        ErrorKind::cancelled);
}

TEMPLATE_TEST_CASE("Logs: clearing empties both logs", "", FakeManager, RealManager) {
  Contract<TestType> it;
  substrate::Logs& logs = it.manager.logs();
  const InstanceName name = named("worker:worker_00");
  CHECK(logs.clear_logs(name, it.soon()));
  CHECK(logs.log_size(name, out, it.soon()) == std::uint64_t{0});
  CHECK(logs.read_log(name, err, {LogRange::From::end, 0, 10}, it.soon()) == "");
  CHECK(logs.read_log(name, err, {LogRange::From::end, 0, 1000000}, it.soon()) == "");
}

TEMPLATE_TEST_CASE("Logs: the manager's own log can be read", "", FakeManager, RealManager) {
  Contract<TestType> it;
  const auto whole =
      it.manager.logs().read_manager_log({LogRange::From::start, 0, 1000000}, it.soon());
  REQUIRE(whole);
  CHECK(whole->find("supervisord started with pid") != std::string::npos);
  const auto part = it.manager.logs().read_manager_log({LogRange::From::end, 0, 5}, it.soon());
  REQUIRE(part);
  CHECK(part->size() == 5);
}

}  // namespace
}  // namespace reeve::tests
