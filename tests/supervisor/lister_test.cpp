#include "supervisor/lister.h"

#include <algorithm>

#include "supervisor/world.h"
#include "support/catch.h"

namespace reeve::supervisor {
namespace {

using namespace std::chrono_literals;
using base::ErrorKind;
using tests::fault;
using tests::StubCaller;
using tests::value;

/// The info of a process of this name: that of web:web, renamed.
xmlrpc::Value info_of(const std::string& name) {
  xmlrpc::Struct members = *tests::info(substrate::InstanceState::running)->value()->as_struct();
  members[0].second = name;
  members[1].second = name;
  return members;
}

struct Crowd : tests::World {
  static constexpr std::size_t many = 300;
  std::vector<std::string> names;

  Crowd() {
    grow_to(many);
    caller->answer("supervisor.getPID", {value(1)});
    caller->answer("supervisor.readLog", {value("text")});
    caller->answer("supervisor.getAllProcessInfo", [this](const auto&) { return all(); });
    caller->answer("supervisor.getProcessInfo", [this](const xmlrpc::Call& call) {
      const std::string& name = *call.parameters.at(0).as_string();
      const bool known = std::find(names.begin(), names.end(), name) != names.end();
      return known ? value(info_of(name)) : fault(10, "BAD_NAME: " + name);
    });
  }
  void grow_to(std::size_t processes) {
    names.clear();
    for (std::size_t i = 0; i < processes; ++i) {
      names.push_back("p" + std::to_string(1000 + i));
    }
  }
  [[nodiscard]] StubCaller::Reply all() const {
    xmlrpc::Array infos;
    for (const std::string& name : names) {
      infos.push_back(info_of(name));
    }
    return value(infos);
  }
  [[nodiscard]] base::Result<substrate::PollAnswer> poll() {
    return poll_source.poll({.max_name_age = 60s,
                             .mark = std::nullopt,
                             .log = substrate::LogRange{substrate::LogRange::From::end, 0, 10}},
                            soon());
  }
  /// The number of requests of a poll, which must list all that is there.
  std::size_t list() {
    const std::size_t before = caller->calls().size();
    const auto answer = poll();
    REQUIRE(answer);
    CHECK(answer->listing.rejected == 0);
    std::vector<std::string> listed;
    for (const auto& instance : answer->listing.instances) {
      listed.push_back(instance.name.text());
    }
    CHECK(listed == names);
    CHECK(answer->log == "text");
    const std::size_t requests = caller->calls().size() - before;
    CHECK(answer->of_one_moment == (requests != parts));
    return requests;
  }
  void pass(base::Duration span) { (void)clock.wait_until(clock.steady_now() + span, {}); }

  static constexpr std::size_t whole = 1;
  const std::size_t parts = shards_for(many);
  const std::size_t parts_then_whole = parts + whole;
};

TEST_CASE("Lister: a listing is made in as many parts as measured to cost supervisord least") {
  CHECK(shards_for(0) == 1);
  CHECK(shards_for(99) == 1);
  CHECK(shards_for(100) == 6);
  CHECK(shards_for(300) == 10);
  CHECK(shards_for(1000) == 18);
  CHECK(shards_for(100000) == 32);
}

TEST_CASE_METHOD(Crowd, "Lister: few processes are listed by one answer each time") {
  grow_to(99);
  CHECK(list() == whole);
  CHECK(list() == whole);
}

TEST_CASE_METHOD(Crowd,
                 "Lister: many processes are listed in parts by names that are young enough") {
  CHECK(list() == whole);
  CHECK(list() == parts);
  pass(59s);
  CHECK(list() == parts);
  pass(1s);
  CHECK(list() == whole);
  CHECK(list() == parts);
}

TEST_CASE_METHOD(Crowd, "Lister: list_instances lists all there is, whatever is known") {
  CHECK(list() == whole);
  names.emplace_back("q");
  CHECK(supervisord.list_instances(soon())->instances.size() == many + 1);
  CHECK(list() == parts);
}

TEST_CASE_METHOD(Crowd, "Lister: the parts are of like size and name each process once") {
  CHECK(list() == whole);
  CHECK(list() == parts);
  std::vector<std::string> asked;
  for (std::size_t i = 1; i < caller->calls().size(); ++i) {
    std::size_t looks = 0;
    for (const xmlrpc::Value& call : *caller->calls()[i].parameters.at(0).as_array()) {
      if (*call.member("methodName")->as_string() == "supervisor.getProcessInfo") {
        asked.push_back(*call.member("params")->as_array()->at(0).as_string());
        ++looks;
      }
    }
    CHECK(looks == many / parts);
  }
  CHECK(asked == names);
}

TEST_CASE_METHOD(Crowd, "Lister: a process that has vanished is found missing at once, once") {
  CHECK(list() == whole);
  names.erase(names.begin() + 7);
  CHECK(list() == parts_then_whole);
  CHECK(list() == parts);
}

TEST_CASE_METHOD(Crowd, "Lister: a group added or removed here is in the next listing") {
  caller->answer("supervisor.addProcessGroup", {value(true)});
  caller->answer("supervisor.removeProcessGroup", {value(true)});
  CHECK(list() == whole);
  names.emplace_back("q");
  CHECK(supervisord.add_group("q", soon()));
  CHECK(list() == whole);
  CHECK(list() == parts);
  names.pop_back();
  CHECK(supervisord.remove_group("q", soon()));
  CHECK(list() == whole);
}

TEST_CASE_METHOD(Crowd,
                 "Lister: a group added while the whole is being listed is in the next listing") {
  caller->answer("supervisor.addProcessGroup", {value(true)});
  caller->answer("supervisor.getAllProcessInfo", [this](const auto&) {
    const auto answer = all();
    CHECK(supervisord.add_group("q", soon()));
    return answer;
  });
  CHECK(poll());
  names.emplace_back("q");
  caller->answer("supervisor.getAllProcessInfo", [this](const auto&) { return all(); });
  CHECK(list() == whole);
}

TEST_CASE_METHOD(Crowd, "Lister: another daemon, or one that was away, is listed whole") {
  CHECK(supervisord.connect(soon()));
  CHECK(list() == whole);
  CHECK(supervisord.connect(soon()));
  CHECK(list() == parts);
  caller->answer("supervisor.getPID", {value(2)});
  CHECK(supervisord.connect(soon()));
  CHECK(list() == whole);
  caller->answer("supervisor.getPID", {tests::error(ErrorKind::unreachable), value(2)});
  CHECK_FALSE(supervisord.connect(soon()));
  CHECK(supervisord.connect(soon()));
  CHECK(list() == whole);
  CHECK(list() == parts);
}

TEST_CASE_METHOD(Crowd, "Lister: a survey's listing is a whole one") {
  caller->answer("supervisor.sendRemoteCommEvent", {value(true)});
  const substrate::PollRequest survey{.max_name_age = 60s, .mark = "mark", .log = {}};
  CHECK(poll_source.poll(survey, soon()));
  CHECK(list() == parts);
  pass(50s);
  CHECK(poll_source.poll(survey, soon()));
  pass(50s);
  CHECK(list() == parts);
}

TEST_CASE_METHOD(Crowd, "Lister: where parts do not work, they are tried once a minute") {
  const auto answer_looks = [&](const StubCaller::Reply& reply) {
    caller->answer("supervisor.getProcessInfo", {reply});
  };
  SECTION("processes cannot be addressed") {
    answer_looks(fault(10, "BAD_NAME: p1000"));
  }
  SECTION("another process is told") {
    answer_looks(value(info_of("p1000")));
  }
  SECTION("no record is whole") {
    answer_looks(value(xmlrpc::Struct{}));
  }
  SECTION("connections are refused") {
    answer_looks(tests::error(ErrorKind::unreachable));
  }
  CHECK(list() == whole);
  CHECK(list() == parts_then_whole);
  CHECK(list() == whole);
  pass(59s);
  CHECK(list() == whole);
  pass(1s);
  CHECK(list() == parts_then_whole);
}

TEST_CASE_METHOD(Crowd, "Lister: one part that fails leaves no listing with a hole") {
  CHECK(list() == whole);
  std::size_t asked = 0;
  caller->answer("system.multicall", [&](const xmlrpc::Call& call) {
    return ++asked == 3 ? tests::error(ErrorKind::unreachable) : caller->multicall(call);
  });
  CHECK(list() == parts_then_whole);
}

TEST_CASE_METHOD(
    Crowd,
    "Lister: a listing that fails in parts and whole is an error, and the next is a whole one") {
  CHECK(list() == whole);
  caller->answer("system.multicall", {tests::error(ErrorKind::timeout)});
  CHECK(poll().error().kind == ErrorKind::timeout);
  caller->answer("system.multicall",
                 [this](const xmlrpc::Call& call) { return caller->multicall(call); });
  CHECK(list() == whole);
  CHECK(list() == parts);
}

TEST_CASE_METHOD(Crowd, "Lister: while records are rejected, listings are whole and count them") {
  caller->answer("supervisor.getAllProcessInfo", [this](const auto&) {
    xmlrpc::Array infos = *all()->value()->as_array();
    infos.emplace_back(xmlrpc::Struct{});
    return value(infos);
  });
  for (int i = 0; i < 2; ++i) {
    CHECK(poll()->listing.rejected == 1);
  }
  CHECK(caller->calls().size() == 2);
}

TEST_CASE_METHOD(Crowd, "Lister: a poll that finds another daemon lists the whole at once") {
  CHECK(list() == whole);
  caller->answer("supervisor.getPID", {value(2)});
  names.emplace_back("q");
  CHECK(list() == parts_then_whole);
  CHECK(list() == parts);
}

TEST_CASE_METHOD(Crowd,
                 "Lister: where there is no multicall it is asked for once a daemon, and calls end "
                 "with the first that does not reach it") {
  const auto multicalls = [&] {
    const auto methods = caller->methods();
    return std::count(methods.begin(), methods.end(), "system.multicall");
  };
  caller->answer("system.multicall", {tests::vague_fault("can't find method")});
  for (int i = 0; i < 3; ++i) {
    CHECK(poll()->listing.instances.size() == many);
    CHECK(supervisord.connect(soon()));
  }
  CHECK(multicalls() == 1);
  caller->answer("supervisor.getPID", {value(2)});
  CHECK(poll());
  CHECK(poll());
  CHECK(poll());
  CHECK(multicalls() == 2);
  caller->answer("supervisor.getPID", {tests::error(ErrorKind::unreachable)});
  const std::size_t before = caller->calls().size();
  CHECK(poll().error().kind == ErrorKind::unreachable);
  CHECK(caller->calls().size() == before + 1);
}

}  // namespace
}  // namespace reeve::supervisor
