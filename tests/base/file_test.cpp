#include "base/file.h"

#include "support/catch.h"
#include "support/temporary_folder.h"

namespace reeve::base {
namespace {

using tests::TemporaryFolder;

TEST_CASE("read_file: a file is read whole, up to the bound and not a byte more") {
  const TemporaryFolder folder;
  const std::string path = folder.write("five", "12345");
  CHECK(read_file(path, 5) == "12345");
  REQUIRE_FALSE(read_file(path, 4));
  CHECK(read_file(path, 4).error().kind == ErrorKind::invalid_argument);
}

TEST_CASE("read_file: a missing file and a folder are different errors, and both name the path") {
  const TemporaryFolder folder;
  const auto missing = read_file(folder.path() + "/none", 10);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().kind == ErrorKind::not_found);
  CHECK(missing.error().message ==
        "cannot read " + folder.path() + "/none: No such file or directory");
  CHECK(read_file(folder.path(), 10).error().message ==
        "cannot read " + folder.path() + ": not a regular file");
}

TEST_CASE("read_secret_file: a secret is the first line of its file") {
  const TemporaryFolder folder;
  CHECK(read_secret_file(folder.write("a", "s3cret\n"))->reveal() == "s3cret");
  CHECK(read_secret_file(folder.write("b", "s3 cret\r\nsecond"))->reveal() == "s3 cret");
  CHECK(read_secret_file(folder.write("mark", "\xEF\xBB\xBFs3cret\r\n"))->reveal() == "s3cret");
  CHECK(read_secret_file(folder.write("c", ""))->empty());
}

}  // namespace
}  // namespace reeve::base
