// Where the tests' files are. Only paths.cpp is compiled with them, so that two checkouts of the
// same sources compile the same objects.
#pragma once

#include <string>

namespace mx2::test {

/// A file of this checkout by its path in it, such as "deploy/example/mepm.yaml".
std::string source_file(const std::string& path);

/// The executable of the λ that misbehaves (tests/lcm/mepm/test_lambda.cpp).
std::string test_lambda();

}  // namespace mx2::test
