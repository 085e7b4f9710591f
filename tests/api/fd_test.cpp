// Descriptors are closed once, by whoever has them last.
#include "api/base/fd.h"

#include <fcntl.h>

#include <utility>

#include "tests/catch.h"

namespace mx2 {
namespace {

Fd null_device() { return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }
bool is_in_use(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST_CASE("A descriptor is closed by its last owner", "[base][fd]") {
  int number = -1;
  {
    Fd first = null_device();
    number = first.get();
    REQUIRE(first.is_open());
    const Fd second = std::move(first);
    CHECK(second.get() == number);
    CHECK(is_in_use(number));
  }
  CHECK_FALSE(is_in_use(number));
}

TEST_CASE("What a descriptor had before an assignment is closed", "[base][fd]") {
  Fd kept = null_device();
  const int before = kept.get();
  Fd next = null_device();
  const int after = next.get();
  {
    Fd given = std::move(next);
    kept = std::move(given);
  }
  CHECK(kept.get() == after);
  CHECK(is_in_use(after));
  CHECK_FALSE(is_in_use(before));
}

TEST_CASE("A descriptor can be closed before its time, and again", "[base][fd]") {
  Fd fd = null_device();
  const int number = fd.get();
  fd.close();
  CHECK_FALSE(is_in_use(number));
  CHECK_FALSE(fd.is_open());
  fd.close();
  CHECK_FALSE(Fd().is_open());
}

}  // namespace
}  // namespace mx2
