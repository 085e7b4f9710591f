// A tar that is written in pieces.
#include <filesystem>

#include "api/archive/archive.h"
#include "api/archive/writer.h"
#include "api/base/file.h"
#include "tests/catch.h"
#include "tests/support/temp_dir.h"

namespace mx2::archive {
namespace {

namespace fs = std::filesystem;
using test::TempDir;

TEST_CASE("archive writer: what it writes can be unpacked", "[archive]") {
  const TempDir dir;
  const auto path = dir.file("out.tar");
  const std::string large(3'000'000, 'x');
  {
    const auto writer = Writer::create(path).value();
    REQUIRE(writer->begin("a.txt", 5).ok());
    REQUIRE(writer->write("he").ok());
    REQUIRE(writer->write("llo").ok());
    REQUIRE(writer->begin("folder/large", large.size()).ok());
    REQUIRE(writer->write(large).ok());
    REQUIRE(writer->begin("empty", 0).ok());
    CHECK_FALSE(fs::exists(path));
    REQUIRE(writer->finish().ok());
  }
  CHECK_FALSE(fs::exists(path + ".part"));
  CHECK((fs::status(path).permissions() & fs::perms::others_all) == fs::perms::none);
  const auto into = dir.file("into");
  fs::create_directory(into);
  REQUIRE(unpack(path, into, {}).ok());
  CHECK(read_file(into + "/a.txt").value() == "hello");
  CHECK(read_file(into + "/folder/large").value() == large);
  CHECK(fs::file_size(into + "/empty") == 0);
}

TEST_CASE("archive writer: what is not finished leaves nothing, and an older file as it was",
          "[archive]") {
  const TempDir dir;
  const auto path = dir.write("out.tar", "older");
  {
    const auto writer = Writer::create(path).value();
    REQUIRE(writer->begin("a", 10).ok());
    REQUIRE(writer->write("12345").ok());
    CHECK_FALSE(writer->begin("b", 1).ok());
    CHECK_FALSE(writer->finish().ok());
    CHECK_FALSE(writer->write("1234567890").ok());
  }
  CHECK_FALSE(fs::exists(path + ".part"));
  CHECK(read_file(path).value() == "older");
  CHECK_FALSE(Writer::create(dir.file("no/such/folder")).ok());
}

}  // namespace
}  // namespace mx2::archive
