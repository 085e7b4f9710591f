// A backup of the orchestrator's store, as it is made and read: what it has, how its file is laid
// out, and the files beside a store by which `mx2ctl restore` and the orchestrator understand each
// other.
//
// The file is a tar: first kManifestName, which is a Backup as JSON, then each of its files under
// its name. Plain values; pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.h"
#include "api/json/json.h"

namespace mx2 {

// Which store, and how new: a store has its identity for as long as it lives, whatever is copied of
// it, and begins an epoch at each start and with `restore`. Of two with one identity the higher
// epoch is the newer one.
struct StoreEpoch {
  std::string id;  // 32 hexadecimal digits
  std::uint64_t epoch = 0;
  bool operator==(const StoreEpoch&) const = default;
};

// How it travels between the orchestrator and its peers: "<id>/<epoch>".
inline constexpr const char* kStoreHeader = "Mx2-Store";
[[nodiscard]] std::string to_text(const StoreEpoch& store);
// Nothing when it is none.
[[nodiscard]] std::optional<StoreEpoch> parse_store_epoch(std::string_view text);
// What is worth remembering of two: the second if it is of another store, else the higher.
[[nodiscard]] StoreEpoch newer_of(const StoreEpoch& known, const StoreEpoch& heard);

enum class BackupState : std::uint8_t { kRunning, kReady, kFailed };
[[nodiscard]] std::string_view to_text(BackupState state);

struct BackupFile {
  std::string name;  // kDatabaseName, or kPackagePrefix and a file's name
  std::uint64_t size = 0;
  std::string sha256;
};

struct Backup {
  std::string id;
  BackupState state = BackupState::kRunning;
  std::string error;    // kFailed: why
  std::string created;  // UTC
  std::string version;  // of the program
  StoreEpoch store;
  std::vector<BackupFile> files;  // kReady: all
};

inline constexpr const char* kManifestName = "mx2-backup.json";
inline constexpr const char* kDatabaseName = "store.sqlite";
inline constexpr const char* kPackagePrefix = "packages/";
inline constexpr std::size_t kBackupFilesMax =
    100'001;  // the store, and as many packages as there may be
inline constexpr std::size_t kManifestBytesMax = 64U << 20U;

// Beside the store's file, appended to its path.
inline constexpr const char* kLockSuffix = ".lock";
inline constexpr const char* kPackagesSuffix = ".packages";    // a directory
inline constexpr const char* kRestoringSuffix = ".restoring";  // a directory: a restore has begun
inline constexpr const char* kNewEpochSuffix = ".epoch";       // a number: what to begin next
inline constexpr const char* kSetAsideInfix = ".before-";      // a directory, of a former store

namespace codec {

[[nodiscard]] json::Value to_json(const Backup& backup);
[[nodiscard]] Result<Backup> decode_backup(const json::Value& document);

}  // namespace codec
}  // namespace mx2
