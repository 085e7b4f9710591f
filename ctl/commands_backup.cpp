// mx2ctl backup, restore.
#include <chrono>
#include <cstdio>
#include <thread>

#include "api/archive/writer.h"
#include "api/base/digest.h"
#include "api/base/text.h"
#include "api/operator/backup.h"
#include "ctl/commands.h"
#include "ctl/store_restore.h"

namespace mx2::ctl {
namespace {

constexpr auto kLookAtSnapshotEvery = std::chrono::milliseconds(50);

struct RestoreArguments {
  RestoreOrder order;
  bool as_is = false;
};

std::string megabytes(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) / 1e6);
  return text;
}

Result<Backup> decoded(const Result<json::Value>& document) {
  if (!document) return document.error();
  return codec::decode_backup(*document);
}

Result<Backup> wait_for_snapshot(Session& session, const std::string& path) {
  for (;;) {
    auto backup = decoded(session.server.get(path));
    if (!backup || backup->state == BackupState::kReady) return backup;
    if (backup->state == BackupState::kFailed) return unavailable(backup->error);
    std::this_thread::sleep_for(kLookAtSnapshotEvery);
  }
}

Result<void> fetch_file(Session& session, const std::string& path, const BackupFile& file,
                        archive::Writer& out) {
  if (auto begun = out.begin(file.name, file.size); !begun) return begun;
  Sha256 digest;
  for (std::uint64_t offset = 0; offset < file.size;) {
    const auto piece =
        session.server.exchange("GET", path + "/content?file=" + percent_encode(file.name) +
                                           "&offset=" + std::to_string(offset));
    if (!piece) return piece.error();
    if (piece->body.empty()) break;
    digest.update(piece->body);
    if (auto written = out.write(piece->body); !written) return written;
    offset += piece->body.size();
  }
  if (digest.hex() == file.sha256) return {};
  return unavailable(file.name + " did not come as it is in the snapshot; try again");
}

Result<void> fetch_all(Session& session, const std::string& path, const Backup& backup,
                       const std::string& file) {
  const auto out = archive::Writer::create(file);
  if (!out) return out.error();
  const auto manifest = json::dump(codec::to_json(backup), 1) + "\n";
  if (auto begun = (*out)->begin(kManifestName, manifest.size()); !begun) return begun;
  if (auto written = (*out)->write(manifest); !written) return written;
  for (const auto& part : backup.files) {
    if (auto fetched = fetch_file(session, path, part, **out); !fetched) return fetched;
  }
  return (*out)->finish();
}

Result<void> print_backup(Session& session, const Backup& backup, const std::string& file) {
  const auto digest = digest_of(file);
  if (!digest) return digest.error();
  std::uint64_t bytes = 0;
  for (const auto& part : backup.files) bytes += part.size;
  if (session.format == Format::kJson) {
    auto document = codec::to_json(backup);
    document["file"] = file;
    document["sha256"] = *digest;
    session.out << json::dump(document, 2) << '\n';
    return {};
  }
  session.out << file << ": " << megabytes(bytes) << ", the store with " << backup.files.size() - 1
              << " packages as of " << backup.created << "\nsha256 " << *digest << '\n';
  return {};
}

Result<int> back_up(Session& session, const std::string& file) {
  const auto begun = decoded(session.server.post_for("/backups"));
  if (!begun) return begun.error();
  const auto path = encoded("backups", begun->id);
  const auto done = [&]() -> Result<void> {
    const auto backup = wait_for_snapshot(session, path);
    if (!backup) return backup.error();
    if (auto fetched = fetch_all(session, path, *backup, file); !fetched) return fetched;
    return print_backup(session, *backup, file);
  }();
  static_cast<void>(session.server.remove(path).ok());  // else it is removed after a while
  if (!done) return done.error();
  return 0;
}

Result<int> take_as_is(Session& session, const std::string& store) {
  if (auto accepted = accept_store(store); !accepted) return accepted.error();
  session.out << "store " << store
              << ": taken as it is; it begins a new epoch with the next start\n";
  return 0;
}

Result<int> restore(Session& session, const RestoreArguments& arguments) {
  const auto& order = arguments.order;
  if (order.file.empty() != arguments.as_is) {
    return usage_error("either a FILE is restored or the store taken --as-is");
  }
  if (arguments.as_is) return take_as_is(session, order.store);
  const auto restored = restore_store(order);
  if (!restored) return restored.error();
  const auto& backup = restored->backup;
  session.out << "store " << order.store << ": restored as of " << backup.created << ", with "
              << backup.files.size() - 1 << " packages; start the orchestrator\n";
  if (!restored->set_aside.empty()) {
    session.out << "what was there is " << restored->set_aside << '\n';
  }
  return 0;
}

}  // namespace

void add_backup_commands(const Menu& program) {
  const auto [backup, file] = program.add<std::string>(
      "backup", "Copy the store and the packages into one file, while all goes on", back_up);
  backup.add_option("FILE", file, "A tar; one that is there is replaced when all has come")
      ->required();
  const auto [command, arguments] = program.add<RestoreArguments>(
      "restore", "Put a backup in the place of the store of an orchestrator that is stopped",
      restore);
  command.add_option("FILE", arguments.order.file, "What backup has made");
  command.add_option("--store", arguments.order.store, "store.path of the orchestrator")
      ->required();
  command.add_option("--packages", arguments.order.packages,
                     "packages.directory of the orchestrator, if it has one");
  command.add_option("--sha256", arguments.order.sha256, "What FILE must be, as backup said");
  command.add_flag("--overwrite", arguments.order.overwrite,
                   "What is there already is renamed (\".before-…\")");
  command.add_flag("--as-is", arguments.as_is,
                   "No FILE: the store that is there is taken as it is, although its log is "
                   "missing or its peers know a newer one");
}

}  // namespace mx2::ctl
