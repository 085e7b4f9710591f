// Durable records: one small JSON document a file, in <directory>/<kind>/<id>.json, replaced by
// renaming. They survive the end of the MEPM, however it comes. They are not flushed to disk one by
// one: when the machine itself fails, its instances are gone as well, and a file that was torn is
// left out. Not for several threads at once.
//
// Records hold what only their owners may know (identifiers, callbacks), so files are 0600 below
// directories that are 0700, whatever the umask, and whatever an earlier version has left.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "api/base/fd.h"
#include "api/base/result.h"
#include "api/json/json.h"

namespace mx2::mepm {

class StateDir {
 public:
  explicit StateDir(std::string directory) : directory_(std::move(directory)) {}

  // Identifiers are ours: hexadecimal digits.
  [[nodiscard]] Result<void> put(const std::string& kind, const std::string& id,
                                 const json::Value& document) const;
  void remove(const std::string& kind, const std::string& id) const;
  // By identifier. Files that are no JSON are left out and told in the log.
  [[nodiscard]] std::vector<std::pair<std::string, json::Value>> load(
      const std::string& kind) const;

 private:
  std::string directory_;
};

inline constexpr mode_t kPrivate = 0700;
inline constexpr mode_t kPassable = 0711;  // for others who know what is in it

// With all its parents; of the last one these are the permissions afterwards, if it is ours.
[[nodiscard]] Result<void> make_directory(const std::string& path, mode_t mode);
// The directory is this process's as long as what is returned is open. conflict: it is another's.
[[nodiscard]] Result<Fd> lock_directory(const std::string& path);
// Writes a file (0600) next to `path` and renames it.
[[nodiscard]] Result<void> replace_file(const std::string& path, const std::string& content);
// Up to `bytes_max` bytes of a file.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace mx2::mepm
