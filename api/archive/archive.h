// Archives from outside: application packages, as zip or tar (plain, gzip, bzip2, xz, zstd). The
// only place that includes libarchive.
//
// Nothing in an archive is trusted. Regular files and directories are read; refused are absolute
// names, "..", backslashes and control characters in names, components over 255 and names over 4096
// bytes, a name that appears twice, symbolic and hard links, devices, encrypted entries, and
// whatever exceeds the limits. Modes become 0755 (directories, and files that somebody may execute)
// or 0644; owners, times and extended attributes are dropped.
//
// A refusal is invalid_argument that names the entry, with a cause: "path-traversal", "too-large",
// "too-many-entries", "bad-entry" or "bad-archive". A file that cannot be opened or written is
// unavailable. Blocking; callable from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "api/base/result.h"

namespace mx2::archive {

struct Limits {
  std::size_t entries_max = 4096;
  std::uint64_t file_bytes_max = 256ULL << 20U;
  std::uint64_t total_bytes_max = 512ULL << 20U;
  std::uint64_t ratio_max = 200;  // unpacked to packed bytes; the first MiB unpacked is free
};

// The content of the regular file `name`; not_found when the archive has none. The default limits
// hold for what has to be read before it.
[[nodiscard]] Result<std::string> read_member(const std::string& archive, const std::string& name,
                                              std::size_t bytes_max);

// Into an existing empty directory. After an error it is empty again.
[[nodiscard]] Result<void> unpack(const std::string& archive, const std::string& directory,
                                  const Limits& limits);

}  // namespace mx2::archive
