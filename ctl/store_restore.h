// Puts a backup (api/operator/backup.h) in the place of an orchestrator's store, which must not be
// running. Nothing is touched until the backup is unpacked beside it, on the disk, and is what its
// digests say. Then what was there is renamed, never removed, and the store's file comes last: an
// orchestrator that is started meanwhile, or after a crash, refuses as long as it is not all there.
//
// Blocking. Errors are invalid_argument (the backup), conflict (what is there) and unavailable.
#pragma once

#include <cstdint>
#include <string>

#include "api/base/result.h"
#include "api/operator/backup.h"

namespace mx2::ctl {

struct RestoreOrder {
  std::string file;
  std::string sha256;      // that the file must have; empty: any
  std::string store;       // path of the store's file
  std::string packages;    // directory of the packages' contents; empty: beside it
  bool overwrite = false;  // what is there is renamed
};

struct Restored {
  Backup backup;
  std::string set_aside;  // the name that the former store's file would have now; empty: none was
};

[[nodiscard]] Result<Restored> restore_store(const RestoreOrder& order);

// The file that is there is the store from now on, as it is: with the next start it begins a new
// epoch, whatever its peers know, and without a log that it lacks.
[[nodiscard]] Result<void> accept_store(const std::string& store);

// Of a whole file, 64 hexadecimal digits. unavailable when it cannot be read.
[[nodiscard]] Result<std::string> digest_of(const std::string& file);

}  // namespace mx2::ctl
