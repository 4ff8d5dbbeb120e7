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

using Methods = std::vector<std::string>;

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
  /// The requests of a listing, which must be of all that is there.
  Methods list() {
    const std::size_t before = caller->calls().size();
    const auto listing = poll_source.relist(60s, soon());
    REQUIRE(listing);
    CHECK(listing->rejected == 0);
    std::vector<std::string> listed;
    for (const auto& instance : listing->instances) {
      listed.push_back(instance.name.text());
    }
    CHECK(listed == names);
    Methods methods = caller->methods();
    methods.erase(methods.begin(), methods.begin() + static_cast<std::ptrdiff_t>(before));
    return methods;
  }
  void pass(base::Duration span) { (void)clock.wait_until(clock.steady_now() + span, {}); }

  const Methods whole = {"supervisor.getAllProcessInfo"};
  const Methods parts = Methods(shards_for(many), "system.multicall");
  Methods parts_then_whole() const {
    Methods both = parts;
    both.push_back(whole.front());
    return both;
  }
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
    const xmlrpc::Array& looks = *caller->calls()[i].parameters.at(0).as_array();
    CHECK(looks.size() == many / parts.size());
    for (const xmlrpc::Value& look : looks) {
      asked.push_back(*look.member("params")->as_array()->at(0).as_string());
    }
  }
  CHECK(asked == names);
}

TEST_CASE_METHOD(Crowd, "Lister: a process that has vanished is found missing at once, once") {
  CHECK(list() == whole);
  names.erase(names.begin() + 7);
  CHECK(list() == parts_then_whole());
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
  CHECK(poll_source.relist(60s, soon()));
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
  CHECK(poll_source.survey({"mark", {}}, soon()));
  CHECK(list() == parts);
  pass(50s);
  CHECK(poll_source.survey({"mark", {}}, soon()));
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
  SECTION("there is no multicall") {
    caller->answer("system.multicall", {tests::vague_fault("can't find method")});
  }
  SECTION("the multicall answers with something else") {
    caller->answer("system.multicall", {value(xmlrpc::Array{}), value("text")});
  }
  CHECK(list() == whole);
  CHECK(list() == parts_then_whole());
  CHECK(list() == whole);
  pass(59s);
  CHECK(list() == whole);
  pass(1s);
  CHECK(list() == parts_then_whole());
}

TEST_CASE_METHOD(Crowd, "Lister: one part that fails leaves no listing with a hole") {
  CHECK(list() == whole);
  std::size_t asked = 0;
  caller->answer("system.multicall", [&](const xmlrpc::Call& call) -> StubCaller::Reply {
    if (++asked == 3) {
      return tests::error(ErrorKind::unreachable);
    }
    xmlrpc::Array infos;
    for (const xmlrpc::Value& look : *call.parameters.at(0).as_array()) {
      infos.push_back(info_of(*look.member("params")->as_array()->at(0).as_string()));
    }
    return value(infos);
  });
  CHECK(list() == parts_then_whole());
}

TEST_CASE_METHOD(
    Crowd,
    "Lister: a listing that fails in parts and whole is an error, and the next is a whole one") {
  CHECK(list() == whole);
  caller->answer("system.multicall", {tests::error(ErrorKind::timeout)});
  caller->answer("supervisor.getAllProcessInfo", {fault(6, "SHUTDOWN_STATE")});
  CHECK(poll_source.relist(60s, soon()).error().kind == ErrorKind::shutting_down);
  caller->answer("supervisor.getAllProcessInfo", [this](const auto&) { return all(); });
  CHECK(list() == whole);
}

TEST_CASE_METHOD(Crowd, "Lister: while records are rejected, listings are whole and count them") {
  caller->answer("supervisor.getAllProcessInfo", [this](const auto&) {
    xmlrpc::Array infos = *all()->value()->as_array();
    infos.emplace_back(xmlrpc::Struct{});
    return value(infos);
  });
  for (int i = 0; i < 2; ++i) {
    CHECK(poll_source.relist(60s, soon())->rejected == 1);
  }
  CHECK(caller->methods() == Methods(2, whole.front()));
}

struct PolledCrowd : Crowd {
  PolledCrowd() {
    caller->answer_fixture("supervisor.getState", "getState.xml");
    caller->answer("supervisor.readLog", {value("text")});
  }
  /// The number of requests of a poll, which must list all that is there.
  std::size_t poll() {
    const std::size_t before = caller->calls().size();
    const auto answer =
        poll_source.poll({.max_name_age = 60s,
                          .mark = std::nullopt,
                          .log = substrate::LogRange{substrate::LogRange::From::end, 0, 10}},
                         soon());
    REQUIRE(answer);
    CHECK(answer->listing.instances.size() == names.size());
    CHECK(answer->log == "text");
    const std::size_t requests = caller->calls().size() - before;
    CHECK(answer->of_one_moment == (requests != parts.size()));
    return requests;
  }
};

TEST_CASE_METHOD(PolledCrowd, "Lister: a poll of many processes is made in parts, with no more") {
  CHECK(poll() == 1);
  CHECK(poll() == parts.size());
  pass(60s);
  CHECK(poll() == 1);
  CHECK(poll() == parts.size());
}

TEST_CASE_METHOD(PolledCrowd, "Lister: a poll that finds another daemon lists the whole at once") {
  CHECK(poll() == 1);
  caller->answer("supervisor.getPID", {value(2)});
  names.emplace_back("q");
  CHECK(poll() == parts.size() + 1);
  CHECK(poll() == parts.size());
}

TEST_CASE_METHOD(PolledCrowd, "Lister: after a poll that failed the next one lists the whole") {
  CHECK(poll() == 1);
  caller->answer("system.multicall", {tests::error(ErrorKind::unreachable)});
  CHECK_FALSE(poll_source.poll({.max_name_age = 60s, .mark = {}, .log = {}}, soon()));
  caller->answer("system.multicall",
                 [this](const xmlrpc::Call& call) { return caller->multicall(call); });
  CHECK(poll() == 1);
  CHECK(poll() == parts.size());
}

TEST_CASE_METHOD(PolledCrowd,
                 "Lister: a poll whose parts fail lists the whole, and tries them once a minute") {
  caller->answer("supervisor.getProcessInfo", {fault(10, "BAD_NAME: p1000")});
  CHECK(poll() == 1);
  CHECK(poll() == parts.size() + 1);
  CHECK(poll() == 1);
}

}  // namespace
}  // namespace reeve::supervisor
