// What an instance writes to its standard output and error: a file that is kept short from outside,
// as it must go on while the MEPM is away.
#pragma once

#include <cstdint>
#include <string>

namespace mx2::mepm::process {

// When the file has more than `bytes_max`, its last half goes to "<path>.1" and it begins anew.
// Lines that are written in between may be lost.
void bound_log(const std::string& path, std::uint64_t bytes_max);

// The last line or lines, for an error's text: printable, at most `bytes_max`; empty: it said
// nothing.
[[nodiscard]] std::string log_tail(const std::string& path, std::size_t bytes_max = 240);

}  // namespace mx2::mepm::process
