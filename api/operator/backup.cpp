#include "api/operator/backup.h"

#include <algorithm>
#include <limits>

#include "api/base/ids.h"
#include "api/base/text.h"

namespace mx2 {
namespace {

constexpr EnumTexts<3> kBackupStates{"running", "ready", "failed"};

constexpr auto kBackupFile = [](auto& io, auto& file) {
  io.required_line("name", file.name, json::kIdentifier);
  io.required("size", file.size, 0, std::numeric_limits<std::int64_t>::max());
  io.required_line("sha256", file.sha256, json::Chars{64, 64});
};

constexpr auto kBackup = [](auto& io, auto& backup) {
  io.required_line("id", backup.id, json::kIdentifier);
  io.optional("error", backup.error, json::kAnyText);
  io.required_line("created", backup.created, json::kIdentifier);
  io.required_line("version", backup.version, json::kIdentifier);
  io.required_line("storeId", backup.store.id, json::kIdentifier);
  io.required("storeEpoch", backup.store.epoch, 0, std::numeric_limits<std::int64_t>::max());
  io.optional_items("files", backup.files, kBackupFilesMax, kBackupFile);
};

}  // namespace

std::string to_text(const StoreEpoch& store) {
  return store.id + "/" + std::to_string(store.epoch);
}

std::optional<StoreEpoch> parse_store_epoch(std::string_view text) {
  const auto parts = split(trim(text), '/');
  if (parts.size() != 2 || !is_hex32(parts[0])) return std::nullopt;
  const auto epoch = parse_uint(parts[1]);
  if (!epoch || *epoch > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  return StoreEpoch{std::string(parts[0]), *epoch};
}

StoreEpoch newer_of(const StoreEpoch& known, const StoreEpoch& heard) {
  if (heard.id != known.id) return heard;
  return {known.id, std::max(known.epoch, heard.epoch)};
}

std::string_view to_text(BackupState state) { return enum_text(state, kBackupStates); }

namespace codec {

json::Value to_json(const Backup& backup) {
  auto out = json::object_of(backup, kBackup);
  out["state"] = to_text(backup.state);
  return out;
}

Result<Backup> decode_backup(const json::Value& document) {
  return json::decode_object<Backup>(document, [](json::ObjectReader& reader, Backup& backup) {
    kBackup(reader, backup);
    reader.required("state", backup.state, kBackupStates);
  });
}

}  // namespace codec
}  // namespace mx2
