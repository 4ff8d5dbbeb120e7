#include "records/state_dir.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/catch.h"
#include "support/temporary_folder.h"

namespace reeve::records {
namespace {

namespace fs = std::filesystem;
using base::ErrorKind;
using tests::TemporaryFolder;

TEST_CASE("StateDir: the state directory is made for the agent alone") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/state";
  const auto state = StateDir::open(path);
  REQUIRE(state);
  CHECK((fs::status(path).permissions() & fs::perms::mask) == fs::perms::owner_all);
}

TEST_CASE("StateDir: a second agent does not get the same state directory") {
  const TemporaryFolder folder;
  {
    const auto first = StateDir::open(folder.path());
    REQUIRE(first);
    const auto second = StateDir::open(folder.path());
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == ErrorKind::conflict);
    CHECK(second.error().message == "the state directory " + folder.path() +
                                        " is in use by another agent: stop that one, or give "
                                        "this one a state_dir of its own");
  }
  CHECK(StateDir::open(folder.path()));
}

TEST_CASE("StateDir: a directory that others may write to is not used") {
  const TemporaryFolder folder;
  fs::permissions(folder.path(), fs::perms::all);
  const auto state = StateDir::open(folder.path());
  REQUIRE_FALSE(state);
  CHECK(state.error().kind == ErrorKind::invalid_argument);
  CHECK(state.error().message.find("nobody else may write to it") != std::string::npos);
}

TEST_CASE("StateDir: a state directory that cannot be made says what to do") {
  const TemporaryFolder folder;
  for (const std::string& path : {folder.write("file", ""), folder.path() + "/not/there"}) {
    const auto state = StateDir::open(path);
    REQUIRE_FALSE(state);
    CHECK(state.error().kind == ErrorKind::invalid_argument);
    CHECK(state.error().message.find(path) != std::string::npos);
    CHECK(state.error().message.find("state_dir") != std::string::npos);
  }
}

TEST_CASE("StateDir: a file is replaced as a whole, and nothing of the draft stays") {
  const TemporaryFolder folder;
  const auto state = StateDir::open(folder.path());
  REQUIRE(state);
  CHECK(state->read("guards.json", 100).error().kind == ErrorKind::not_found);
  REQUIRE(state->write("guards.json", "a long text"));
  REQUIRE(state->write("guards.json", "short"));
  CHECK(state->read("guards.json", 100) == "short");
  CHECK_FALSE(state->read("guards.json", 4));
  const auto files = fs::directory_iterator(folder.path());
  CHECK(std::distance(begin(files), end(files)) == 2);  // the lock, too
}

TEST_CASE("StateDir: a file that cannot be written is an error that names it") {
  const TemporaryFolder folder;
  const auto state = StateDir::open(folder.path());
  REQUIRE(state);
  fs::create_directory(state->path("guards.json"));
  const auto written = state->write("guards.json", "{}");
  REQUIRE_FALSE(written);
  CHECK(written.error().message.find("cannot write " + state->path("guards.json")) == 0);
}

}  // namespace
}  // namespace reeve::records
