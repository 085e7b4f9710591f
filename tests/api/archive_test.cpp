// Application packages as archives, most of them hostile.
#include "api/archive/archive.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/catch.h"
#include "tests/support/archives.h"
#include "tests/support/temp_dir.h"

namespace mx2::archive {
namespace {

namespace fs = std::filesystem;
using test::ArchiveEntry;
using test::ArchiveKind;
using test::ContainsSubstring;
using test::TempDir;

struct Package {
  TempDir dir;
  std::string path = dir.file("package");
  std::string into = dir.file("into");

  Package(ArchiveKind kind, const std::vector<ArchiveEntry>& entries) {
    test::write_archive(path, kind, entries);
    fs::create_directory(into);
  }
  explicit Package(const std::string& bytes) {
    static_cast<void>(dir.write("package", bytes));
    fs::create_directory(into);
  }
  [[nodiscard]] Result<void> unpack(const Limits& limits = {}) const {
    return archive::unpack(path, into, limits);
  }
};

std::string content_of(const std::string& path) {
  std::stringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

void check_archive_refused(const Package& package, const char* cause, const Limits& limits = {}) {
  const auto done = package.unpack(limits);
  REQUIRE_FALSE(done.ok());
  INFO(done.error().detail);
  CHECK(done.error().code == ErrorCode::kInvalidArgument);
  CHECK(done.error().cause == cause);
  CHECK(fs::is_empty(package.into));
}

const std::vector<ArchiveKind> kKinds{ArchiveKind::kZip, ArchiveKind::kTar, ArchiveKind::kTarGz,
                                      ArchiveKind::kTarZst};

TEST_CASE("archive: zip and tar are unpacked, modes reduced", "[archive]") {
  for (const auto kind : kKinds) {
    CAPTURE(static_cast<int>(kind));
    const std::string large(300'000, 'x');
    const Package package(kind, {{"./", "", 0777, AE_IFDIR},
                                 {"./appd.json", "{}", 0600},
                                 {"bin/", "", 0700, AE_IFDIR},
                                 {"bin/x", "#!", 06711},
                                 {"deep/er/naïve 東京", large, 0666},
                                 {"empty", "", 0644}});
    const auto done = package.unpack();
    INFO((done ? "" : done.error().detail + done.error().internal_text));
    REQUIRE(done.ok());
    CHECK(content_of(package.into + "/appd.json") == "{}");
    CHECK(content_of(package.into + "/deep/er/naïve 東京") == large);
    CHECK(fs::file_size(package.into + "/empty") == 0);
    CHECK(mode_of(package.into + "/appd.json") == 0644);
    CHECK(mode_of(package.into + "/bin/x") == 0755);
    CHECK(mode_of(package.into + "/bin") == 0755);
    CHECK(mode_of(package.into + "/deep/er") == 0755);
  }
}

TEST_CASE("archive: modes do not depend on umask", "[archive]") {
  const Package package(ArchiveKind::kZip, {{"a/b", "1", 0755}});
  const auto before = ::umask(0077);
  const auto done = package.unpack();
  ::umask(before);
  REQUIRE(done.ok());
  CHECK(mode_of(package.into + "/a") == 0755);
  CHECK(mode_of(package.into + "/a/b") == 0755);
}

TEST_CASE("archive: one member", "[archive]") {
  for (const auto kind : kKinds) {
    const Package package(kind, {{"x", std::string(5000, 'x')}, {"./appd.json", "content"}});
    CHECK(read_member(package.path, "appd.json", 7).value() == "content");
    CHECK(read_member(package.path, "appd.json", 6).error().cause == "too-large");
    CHECK(read_member(package.path, "none", 10).error().code == ErrorCode::kNotFound);
  }
  CHECK(read_member("/nowhere/x.zip", "a", 1).error().code == ErrorCode::kUnavailable);
  const Package directory(ArchiveKind::kTar, {{"appd.json", "", 0755, AE_IFDIR}});
  CHECK(read_member(directory.path, "appd.json", 6).error().code == ErrorCode::kNotFound);
}

TEST_CASE("archive: names that lead out", "[archive][hostile]") {
  for (const auto kind : kKinds) {
    for (const char* name : {"../x", "a/../../x", "a/..", "..", "/etc/x", "//x", "a/../b"}) {
      CAPTURE(name);
      check_archive_refused(Package(kind, {{"good", "1"}, {name, "bad"}}), "path-traversal");
    }
  }
  const Package package(ArchiveKind::kTar, {{"../x", "bad"}});
  static_cast<void>(package.unpack());
  CHECK_FALSE(fs::exists(package.dir.file("x")));
  CHECK(read_member(package.path, "x", 10).error().cause == "path-traversal");
}

TEST_CASE("archive: names nobody needs", "[archive][hostile]") {
  for (const std::string& name :
       {std::string("a\nb"), std::string("a\x7f"), std::string("a\\b"), std::string("\x1b[2J"),
        std::string(256, 'a'), "a/" + std::string(256, 'b') + "/c"}) {
    check_archive_refused(Package(ArchiveKind::kTar, {{"good", "1"}, {name, "bad"}}), "bad-entry");
  }
  std::string deep;
  while (deep.size() <= 4096) deep += std::string(200, 'd') + "/";
  check_archive_refused(Package(ArchiveKind::kTar, {{deep + "x", "bad"}}), "bad-entry");
  const auto done = Package(ArchiveKind::kTar, {{"a\nb", "bad"}}).unpack();
  CHECK_THAT(done.error().detail, ContainsSubstring("'a?b'"));
}

TEST_CASE("archive: links and devices", "[archive][hostile]") {
  for (const auto kind : kKinds) {
    check_archive_refused(Package(kind, {{"good", "1"}, {"s", "", 0777, AE_IFLNK, "/etc/passwd"}}),
                          "bad-entry");
    check_archive_refused(Package(kind, {{"d", "", 0777, AE_IFLNK, "/tmp"}, {"d/x", "through"}}),
                          "bad-entry");
  }
  check_archive_refused(
      Package(ArchiveKind::kTar, {{"good", "1"}, {"h", "", 0644, AE_IFREG, "", "good"}}),
      "bad-entry");
  for (const unsigned type : {AE_IFIFO, AE_IFCHR, AE_IFBLK}) {
    check_archive_refused(Package(ArchiveKind::kTar, {{"x", "", 0644, type}}), "bad-entry");
  }
}

TEST_CASE("archive: a name twice, a file below a file", "[archive][hostile]") {
  for (const auto kind : kKinds) {
    check_archive_refused(Package(kind, {{"a", "1"}, {"a", "2"}}), "bad-entry");
    check_archive_refused(Package(kind, {{"a", "1"}, {"./a", "2"}}), "bad-entry");
    check_archive_refused(Package(kind, {{"a", "1"}, {"a/b", "2"}}), "bad-entry");
    check_archive_refused(Package(kind, {{"a/b", "1"}, {"a", "2"}}), "bad-entry");
  }
}

TEST_CASE("archive: limits", "[archive][hostile]") {
  const std::vector<ArchiveEntry> three{{"a", "12345"}, {"b", "12345"}, {"c", "12345"}};
  for (const auto kind : kKinds) {
    const Package package(kind, three);
    check_archive_refused(package, "too-many-entries", {.entries_max = 2});
    check_archive_refused(package, "too-large", {.file_bytes_max = 4});
    check_archive_refused(package, "too-large", {.total_bytes_max = 14});
    CHECK(Package(ArchiveKind::kZip, three)
              .unpack({.entries_max = 3, .file_bytes_max = 5, .total_bytes_max = 15})
              .ok());
  }
}

TEST_CASE("archive: bombs", "[archive][hostile]") {
  const std::string zeros(8 << 20, '\0');
  for (const auto kind : {ArchiveKind::kZip, ArchiveKind::kTarGz, ArchiveKind::kTarZst}) {
    check_archive_refused(Package(kind, {{"good", "1"}, {"zeros", zeros}}), "too-large");
  }
  CHECK(Package(ArchiveKind::kTar, {{"zeros", zeros}}).unpack().ok());
  CHECK(Package(ArchiveKind::kZip, {{"zeros", zeros}}).unpack({.ratio_max = 2000}).ok());
  // Reading what follows a bomb costs as little.
  const Package skipped(ArchiveKind::kTarGz, {{"zeros", zeros}, {"appd.json", "{}"}});
  CHECK(read_member(skipped.path, "appd.json", 10).error().cause == "too-large");
}

TEST_CASE("archive: truncated at every length", "[archive][hostile]") {
  for (const auto kind : kKinds) {
    const Package whole(kind, {{"a", std::string(700, 'a')}, {"b/c", std::string(700, 'c')}});
    const auto bytes = content_of(whole.path);
    std::size_t refused = 0;
    for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 97) {
      const Package package(bytes.substr(0, size));
      const auto done = package.unpack();
      if (done) continue;  // a tar that lacks only its padding is whole
      ++refused;
      CHECK(done.error().cause == "bad-archive");
      CHECK(fs::is_empty(package.into));
    }
    CHECK(refused > 10);
  }
}

TEST_CASE("archive: damaged at every length", "[archive][hostile]") {
  const Package whole(ArchiveKind::kZip, {{"a", std::string(700, 'a')}, {"b/c", "content"}});
  const auto bytes = content_of(whole.path);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    auto damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0xFF);
    const Package package(damaged);
    if (!package.unpack()) CHECK(fs::is_empty(package.into));
  }
}

TEST_CASE("archive: something else", "[archive][hostile]") {
  for (const std::string& bytes : {std::string(), std::string("hello"), std::string(20000, '\0'),
                                   "\x7f"
                                   "ELF" +
                                       std::string(9000, 'x'),
                                   std::string("#!/bin/sh\nexit 0\n")}) {
    const Package package(bytes);
    const auto done = package.unpack();
    if (!done) CHECK(done.error().cause == "bad-archive");
    CHECK(fs::is_empty(package.into));
  }
}

TEST_CASE("archive: only into an empty directory", "[archive]") {
  const Package package(ArchiveKind::kZip, {{"a", "new"}});
  static_cast<void>(package.dir.write("into/kept", "old"));
  CHECK(package.unpack().error().code == ErrorCode::kUnavailable);
  CHECK(content_of(package.into + "/kept") == "old");
  CHECK_FALSE(fs::exists(package.into + "/a"));
  CHECK(unpack(package.path, package.dir.file("none"), {}).error().code == ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace mx2::archive
