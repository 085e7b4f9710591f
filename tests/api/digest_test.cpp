#include "api/base/digest.h"

#include "tests/catch.h"
#include "tests/support/digest_of_file.h"
#include "tests/support/temp_dir.h"

namespace mx2 {
namespace {

constexpr const char* kOfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST_CASE("SHA-256: FIPS 180-4's examples, in pieces", "[digest]") {
  Sha256 digest;
  CHECK(digest.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  digest.update("a");
  digest.update("");
  digest.update("bc");
  CHECK(digest.hex() == kOfAbc);
  CHECK(digest.hex() == kOfAbc);
  digest.update("dbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
  CHECK(digest.hex() == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("SHA-256 of a file", "[digest]") {
  const test::TempDir dir;
  CHECK(sha256_of_file(dir.write("abc", "abc")).value() == kOfAbc);
  const std::string large(1'000'000, 'a');
  CHECK(sha256_of_file(dir.write("large", large)).value() ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  CHECK_FALSE(sha256_of_file(dir.file("none")).ok());
  CHECK_FALSE(sha256_of_file(dir.path()).ok());
}

}  // namespace
}  // namespace mx2
