#include "records/line_file.h"

#include <csignal>
#include <vector>

#include <sys/resource.h>

#include "support/catch.h"
#include "support/temporary_folder.h"

namespace reeve::records {
namespace {

using base::ErrorKind;
using base::Result;
using tests::TemporaryFolder;

Result<std::vector<std::string>> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  return read_lines(path,
                    [&](std::string_view line) -> Result<void> {
                      lines.emplace_back(line);
                      return {};
                    })
      .map([&] { return lines; });
}

TEST_CASE("LineFile: lines are appended to what was there") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/lines";
  REQUIRE(LineFile::open(path)->append("a\nb\n", Durability::synced));
  auto again = LineFile::open(path);
  REQUIRE(again);
  CHECK(again->size() == 4);
  REQUIRE(again->append("c\n", Durability::written));
  CHECK(again->size() == 6);
  CHECK(lines_of(path) == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("LineFile: half a line, which a crash leaves, is cut off and passed by") {
  const TemporaryFolder folder;
  const std::string path = folder.write("lines", "a\nhalf a li");
  CHECK(lines_of(path) == std::vector<std::string>{"a"});
  auto file = LineFile::open(path);
  REQUIRE(file);
  REQUIRE(file->append("b\n", Durability::written));
  CHECK(lines_of(path) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("LineFile: half a line is cut off however long it is") {
  const TemporaryFolder folder;
  CHECK(LineFile::open(folder.write("long", "a\n" + std::string(200'000, 'x')))->size() == 2);
  CHECK(LineFile::open(folder.write("alone", std::string(200'000, 'x')))->size() == 0);
}

TEST_CASE("LineFile: long lines are read in one piece, too long ones not at all") {
  const TemporaryFolder folder;
  const std::string longest(LineFile::max_line_bytes, 'x');
  CHECK(lines_of(folder.write("long", longest + "\n" + longest + "\n")) ==
        std::vector<std::string>{longest, longest});
  const auto too_long = lines_of(folder.write("longer", longest + longest + "\n"));
  REQUIRE_FALSE(too_long);
  CHECK(too_long.error().kind == ErrorKind::malformed);
  CHECK(too_long.error().message.find(folder.path() + "/longer") != std::string::npos);
}

TEST_CASE("LineFile: a reading ends with the first line that is not taken") {
  const TemporaryFolder folder;
  int taken = 0;
  const auto read =
      read_lines(folder.write("lines", "a\nb\nc\n"), [&](std::string_view line) -> Result<void> {
        ++taken;
        return line == "b" ? base::failure(ErrorKind::malformed, "b") : Result<void>();
      });
  CHECK_FALSE(read);
  CHECK(taken == 2);
}

/// As a disk with room for so many bytes in a file.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    (void)std::signal(SIGXFSZ, SIG_IGN);
    (void)::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    (void)::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() { (void)::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_CASE("LineFile: what cannot be written whole is an error, and leaves nothing behind") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/lines";
  auto file = LineFile::open(path);
  REQUIRE(file->append("a\n", Durability::written));
  {
    const FullDisk disk(5);
    const auto written = file->append("b\nc\nd\n", Durability::written);
    REQUIRE_FALSE(written);
    CHECK(written.error().message == "cannot write " + path + ": File too large");
  }
  CHECK(lines_of(path) == std::vector<std::string>{"a"});
  CHECK(file->append("e\n", Durability::synced));
  CHECK(lines_of(path) == std::vector<std::string>{"a", "e"});
}

}  // namespace
}  // namespace reeve::records
