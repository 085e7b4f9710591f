#include "tests/support/paths.h"

namespace mx2::test {

std::string source_file(const std::string& path) { return MX2_SOURCE_DIR "/" + path; }

std::string test_lambda() { return MX2_TEST_LAMBDA; }

}  // namespace mx2::test
