// main() of the test binaries: Catch2's, with the product's log switched off unless MX2_TEST_LOG
// names a level.
#define CATCH_CONFIG_RUNNER  // Catch2 version 2 compiles its implementation here
#include <csignal>
#include <cstdlib>

#include "api/base/log.h"
#include "tests/catch.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const char* level = std::getenv("MX2_TEST_LOG");
  mx2::log::configure(level == nullptr ? "off" : level, mx2::log::Format::kText);
  return Catch::Session().run(argc, argv);
}
