#include "records/state_file.h"

#include <filesystem>
#include <fstream>

#include "support/catch.h"
#include "support/recording_sink.h"
#include "support/temporary_folder.h"

namespace reeve::records {
namespace {

using base::ErrorKind;
using tests::TemporaryFolder;
using TextFile = StateFile<std::string>;

/// A text is its own format; "damaged" is none, "future" claims to be younger than now.
struct World {
  TemporaryFolder folder;
  std::shared_ptr<tests::RecordingSink> sink = std::make_shared<tests::RecordingSink>();
  StateDir directory = StateDir::open(folder.path() + "/state").value();

  [[nodiscard]] TextFile::Format format() const {
    return {.name = "text",
            .content = "the text",
            .remedy = "Reset it",
            .to_text = [](const std::string& value) { return value; },
            .parse = [](std::string_view text) -> std::optional<TextFile::Parsed> {
              if (text == "damaged") {
                return std::nullopt;
              }
              return TextFile::Parsed{std::string(text), text == "future"};
            }};
  }
  void write(const std::string& text) const { std::ofstream(directory.path("text")) << text; }
  [[nodiscard]] std::string on_disk() const { return directory.read("text", 100).value_or("none"); }
  void break_writing() const { std::filesystem::create_directory(directory.path("text.new")); }
  void mend_writing() const { std::filesystem::remove(directory.path("text.new")); }
};

auto set_to(const char* text) {
  return [text](std::string& value) {
    value = text;
    return true;
  };
}

std::string value_of(const TextFile& file) {
  return file.read([](const std::string& value) { return value; });
}

TEST_CASE("StateFile: without a file it begins empty, and a change is on the disk") {
  const World world;
  TextFile file(world.directory, world.format(), base::Log());
  CHECK(file.is_new());
  CHECK(value_of(file).empty());
  CHECK(world.on_disk() == "none");
  REQUIRE(file.change(set_to("one")));
  CHECK(value_of(file) == "one");
  CHECK(world.on_disk() == "one");
  CHECK_FALSE(TextFile(world.directory, world.format(), base::Log()).is_new());
}

TEST_CASE("StateFile: an edit that changes nothing, or fails, leaves file and value") {
  const World world;
  TextFile file(world.directory, world.format(), base::Log());
  CHECK(file.change([](std::string& value) {
    value = "ignored";
    return false;
  }));
  CHECK(file.change([](std::string& value) -> base::Result<bool> {
              value = "ignored";
              return base::failure(ErrorKind::not_found, "no");
            })
            .error()
            .kind == ErrorKind::not_found);
  CHECK(value_of(file).empty());
  CHECK(world.on_disk() == "none");
}

TEST_CASE("StateFile: a change that cannot be written is discarded, or kept and written later") {
  const World world;
  TextFile file(world.directory, world.format(), base::Log());
  REQUIRE(file.change(set_to("one")));
  world.break_writing();
  CHECK_FALSE(file.change(set_to("two")));
  CHECK(value_of(file) == "one");
  CHECK_FALSE(file.change(set_to("three"), IfUnwritten::keep));
  CHECK(value_of(file) == "three");
  world.mend_writing();
  REQUIRE(file.change([](std::string&) { return false; }));
  CHECK(world.on_disk() == "three");
}

TEST_CASE("StateFile: an unreadable file is kept and refuses changes until it is reset") {
  const World world;
  world.write("damaged");
  TextFile file(world.directory, world.format(), base::Log(world.sink));
  CHECK(file.unreadable() ==
        "the text cannot be read, so nothing is done for alerts: " + world.directory.path("text") +
            " is damaged or not of this version. Reset it");
  CHECK(world.sink->entries().back().message ==
        "the text cannot be read: nothing is done for alerts until it is reset");
  CHECK(file.change(set_to("one")).error().kind == ErrorKind::conflict);
  CHECK(file.save());
  CHECK(world.on_disk() == "damaged");
  REQUIRE(file.forget_unreadable());
  CHECK_FALSE(file.unreadable());
  CHECK(world.on_disk().empty());
  REQUIRE(file.change(set_to("one")));
  REQUIRE(file.forget_unreadable());  // does nothing
  CHECK(value_of(file) == "one");
}

TEST_CASE("StateFile: replace() knows whether the file was unreadable") {
  const World world;
  world.write("damaged");
  TextFile file(world.directory, world.format(), base::Log());
  const auto make = [](bool was_unreadable) { return was_unreadable ? "anew" : "again"; };
  REQUIRE(file.replace(make));
  CHECK(world.on_disk() == "anew");
  REQUIRE(file.replace(make));
  CHECK(world.on_disk() == "again");
}

TEST_CASE("StateFile: edits in memory are written by save(), once") {
  const World world;
  TextFile file(world.directory, world.format(), base::Log());
  file.edit_in_memory(set_to("one"));
  CHECK(world.on_disk() == "none");
  REQUIRE(file.save());
  CHECK(world.on_disk() == "one");
  world.break_writing();
  CHECK(file.save());  // nothing to write
  file.edit_in_memory(set_to("two"));
  CHECK_FALSE(file.save());
  CHECK(value_of(file) == "two");
}

TEST_CASE("StateFile: a file from the future is read, and that is logged") {
  const World world;
  world.write("future");
  const TextFile file(world.directory, world.format(), base::Log(world.sink));
  CHECK(value_of(file) == "future");
  CHECK(world.sink->entries().back().message ==
        "the text is dated in the future: no time has passed since then");
}

}  // namespace
}  // namespace reeve::records
