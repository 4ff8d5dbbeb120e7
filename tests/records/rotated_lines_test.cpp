#include "records/rotated_lines.h"

#include <fstream>

#include "support/catch.h"
#include "support/temporary_folder.h"

namespace reeve::records {
namespace {

std::vector<std::string> lines_backwards(const LineSource& source) {
  std::vector<std::string> lines;
  REQUIRE(source.read_backwards([&](std::string_view line, std::uint64_t offset) {
    lines.emplace_back(line);
    CHECK(source.read(offset, line.size()) == line);
    return true;
  }));
  return lines;
}

struct FileOf {
  explicit FileOf(const std::string& text) {
    std::ofstream(path) << text;
    source = *LineSource::open(path);
  }
  tests::TemporaryFolder folder;
  std::string path = folder.path() + "/lines";
  std::shared_ptr<const LineSource> source;
};

TEST_CASE("LineSource: whole lines are read, the last one first") {
  CHECK(lines_backwards(*FileOf("").source).empty());
  CHECK(lines_backwards(*FileOf("half").source).empty());
  CHECK(lines_backwards(*FileOf("\n").source) == std::vector<std::string>{""});
  CHECK(lines_backwards(*FileOf("a\n").source) == std::vector<std::string>{"a"});
  CHECK(lines_backwards(*FileOf("a\n\nbc\nhalf").source) ==
        std::vector<std::string>{"bc", "", "a"});
}

TEST_CASE("LineSource: lines of any length are read over the borders of blocks") {
  std::string text;
  std::vector<std::string> expected;
  for (std::size_t number = 0; number < 300; ++number) {
    const std::string line(number * number * 7 % 70'001, static_cast<char>('a' + number % 26));
    text += line + '\n';
    expected.insert(expected.begin(), line);
  }
  CHECK(lines_backwards(*FileOf(text).source) == expected);
}

TEST_CASE("LineSource: a line that is too long is an error, and reading ends when asked to") {
  const FileOf long_line(std::string(LineFile::max_line_bytes + 70'000, 'x') + "\nlast\n");
  int lines = 0;
  const auto take = [&](std::string_view, std::uint64_t) { return ++lines < 5; };
  CHECK(long_line.source->read_backwards(take).error().kind == base::ErrorKind::malformed);
  CHECK(lines == 1);
  const FileOf many("1\n2\n3\n4\n5\n6\n7\n");
  lines = 0;
  CHECK(many.source->read_backwards(take));
  CHECK(lines == 5);
}

TEST_CASE("LineSource: what was cut off meanwhile is not there") {
  const FileOf file("one\ntwo\n");
  std::filesystem::resize_file(file.path, 5);
  CHECK(file.source->read(4, 3) == "t");
  CHECK(LineSource::open(file.path + ".none").error().kind == base::ErrorKind::not_found);
}

TEST_CASE("RotatedLines: names of other files are left alone") {
  const tests::TemporaryFolder folder;
  const StateDir state = *StateDir::open(folder.path());
  for (const char* name : {"a.jsonl.jsonl", "a.x.jsonl", "a..jsonl", "a.01.jsonl", "ab.1.jsonl"}) {
    std::ofstream(folder.path() + "/" + name) << "mine\n";
  }
  auto lines = *RotatedLines::open(state, "a", {.file_bytes = 4, .rotated_files = 1}, base::Log());
  for (int number = 0; number < 5; ++number) {
    (void)lines.make_room(4);
    REQUIRE(lines.append("abc\n", Durability::written));
  }
  CHECK(lines.files()->rotated == std::vector<std::string>{folder.path() + "/a.4.jsonl"});
  CHECK(std::filesystem::exists(folder.path() + "/a.01.jsonl"));
}

}  // namespace
}  // namespace reeve::records
