#include "lcm/mepm/package_cache.h"

#include <filesystem>
#include <fstream>

#include "api/archive/archive.h"
#include "api/base/digest.h"
#include "api/base/file.h"
#include "api/base/log.h"
#include "lcm/mepm/state_dir.h"

namespace mx2::mepm {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kLookUpsMax = 1000;
constexpr mode_t kEnterable = 0755;
constexpr auto kExecutable = fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                             fs::perms::others_read | fs::perms::others_exec;

Error refused(std::string cause, std::string detail) {
  return refused_as(ErrorCode::kInvalidArgument, std::move(detail), std::move(cause));
}

std::uint64_t size_of(const std::string& directory) {
  std::uint64_t bytes = 0;
  std::error_code failed;
  for (const auto& entry : fs::recursive_directory_iterator(directory, failed)) {
    if (entry.is_regular_file(failed)) bytes += entry.file_size(failed);
  }
  return bytes;
}

Result<AppDescriptor> descriptor_in(const std::string& directory) {
  const auto text = read_file(directory + "/" + kDescriptorName, kDescriptorBytesMax);
  if (!text) return refused("bad-descriptor", std::string("it has no ") + kDescriptorName);
  auto descriptor = codec::decode_app_descriptor(*text);
  if (!descriptor) {
    return refused("bad-descriptor", std::string(kDescriptorName) + ": " +
                                         descriptor.error().pointer + " " +
                                         descriptor.error().detail);
  }
  return descriptor;
}

// Archives made without Unix modes lose who may be executed.
Result<void> check_executable(const std::string& directory, const AppDescriptor& descriptor) {
  if (!descriptor.process) return {};
  const auto file = fs::path(directory) / descriptor.process->command.front();
  std::error_code failed;
  if (!fs::is_regular_file(file, failed)) {
    return refused("no-executable", "it has no file " + descriptor.process->command.front());
  }
  fs::permissions(file, kExecutable, failed);
  return {};
}

}  // namespace

PackageCache::PackageCache(PackageCacheOptions options, PackageServer& server,
                           const SteadyClock& clock, std::function<void()> changed)
    : options_(std::move(options)), server_(server), clock_(clock), changed_(std::move(changed)) {
  // Instances enter, but need not see each other's.
  if (auto made = make_directory(options_.directory, kPassable); !made) {
    log::error("packages cannot be kept", {{"why", made.error().detail}});
  }
  find_installed();
  asker_.start([this] { return look_up_next(); });
  for (int i = 0; i < options_.fetches; ++i) {
    fetchers_.emplace_back().start([this] { return fetch_next(); });
  }
}

std::string PackageCache::path_of(const std::string& digest) const {
  return options_.directory + "/" + digest;
}

void PackageCache::find_installed() {
  std::error_code failed;
  for (const auto& file : fs::directory_iterator(options_.directory, failed)) {
    const auto name = file.path().filename().string();
    auto descriptor = name.size() == kDigestDigits ? descriptor_in(file.path().string())
                                                   : refused("", "left unfinished");
    if (!descriptor) {
      std::error_code ignored;
      fs::remove_all(file.path(), ignored);
      continue;
    }
    auto& entry = entries_[name];
    entry.state.kind = PackageState::Kind::kInstalled;
    entry.state.package = {name, path_of(name), std::move(*descriptor)};
    entry.bytes = size_of(path_of(name));
  }
}

void PackageCache::want(const std::string& holder, const std::string& app_d_id,
                        const std::string& digest) {
  const std::lock_guard lock(mutex_);
  auto& entry = entries_[digest];
  entry.holders.insert(holder);
  entry.wanted = ++wants_;
  if (entry.state.kind == PackageState::Kind::kInstalled ||
      entry.state.kind == PackageState::Kind::kFetching) {
    return;
  }
  entry.state = {};
  entry.state.kind = PackageState::Kind::kFetching;
  fetches_.push_back({app_d_id, digest});
  for (auto& fetcher : fetchers_) fetcher.wake();
}

void PackageCache::let_go(const std::string& holder) {
  const std::lock_guard lock(mutex_);
  for (auto& [digest, entry] : entries_) entry.holders.erase(holder);
}

PackageState PackageCache::state(const std::string& digest) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(digest);
  return it == entries_.end() ? PackageState{} : it->second.state;
}

void PackageCache::look_up(const std::string& app_d_id, Callback<Result<PackageInfo>> done) {
  {
    const std::lock_guard lock(mutex_);
    if (look_ups_.size() < kLookUpsMax) {
      look_ups_.push_back({app_d_id, std::move(done)});
      asker_.wake();
      return;
    }
  }
  done(unavailable("too many requests wait for the orchestrator"));
}

void PackageCache::stop() {
  std::deque<LookUp> dropped;  // without the lock
  {
    const std::lock_guard lock(mutex_);
    fetches_.clear();
    dropped.swap(look_ups_);
  }
  asker_.stop();
  for (auto& fetcher : fetchers_) fetcher.stop();
}

Worker::Time PackageCache::look_up_next() {
  std::unique_lock lock(mutex_);
  if (look_ups_.empty()) return Worker::kWhenWoken;
  auto next = std::move(look_ups_.front());
  look_ups_.pop_front();
  lock.unlock();
  next.done(server_.info(next.app_d_id));
  return Worker::kAtOnce;
}

Worker::Time PackageCache::fetch_next() {
  std::unique_lock lock(mutex_);
  if (fetches_.empty()) return Worker::kWhenWoken;
  const auto next = std::move(fetches_.front());
  fetches_.pop_front();
  lock.unlock();
  auto state = fetch(next);
  const bool installed = state.kind == PackageState::Kind::kInstalled;
  const auto bytes = installed ? size_of(path_of(next.digest)) : 0;
  lock.lock();
  auto& entry = entries_[next.digest];
  entry.state = std::move(state);
  entry.bytes = bytes;
  evict();
  lock.unlock();
  changed_();
  return Worker::kAtOnce;
}

PackageState PackageCache::fetch(const Fetch& what) {
  PackageState state;
  const auto file = path_of(what.digest) + ".part";
  const auto began = clock_.now_ms();
  const auto downloaded = download(what, file);
  const auto fetched = clock_.now_ms();
  auto installed = downloaded ? install(what.digest, file) : downloaded.error();
  std::error_code ignored;
  fs::remove(file, ignored);
  if (!installed) {
    state.kind = PackageState::Kind::kFailed;
    state.error = installed.error();
    log::warn("package not installed", {{"app", what.app_d_id},
                                        {"digest", what.digest},
                                        {"cause", state.error.cause},
                                        {"detail", state.error.detail}});
    return state;
  }
  state.kind = PackageState::Kind::kInstalled;
  state.package = std::move(*installed);
  state.fetch_ms = fetched - began;
  state.install_ms = clock_.now_ms() - fetched;
  return state;
}

Result<void> PackageCache::download(const Fetch& what, const std::string& file) {
  make_private(file);
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  Sha256 digest;
  std::uint64_t bytes = 0;
  const auto taken = server_.content(what.app_d_id, [&](std::string_view data) {
    bytes += data.size();
    if (bytes > options_.archive_bytes_max) return false;
    digest.update(data);
    out.write(data.data(), static_cast<std::streamsize>(data.size()));
    return out.good();
  });
  if (bytes > options_.archive_bytes_max) {
    return refused("too-large", "its archive has more than " +
                                    std::to_string(options_.archive_bytes_max) + " bytes");
  }
  if (!taken) return taken.error();
  out.flush();
  if (!out) return unavailable("the package cannot be written down", file);
  const auto hex = digest.hex();
  if (hex == what.digest) return {};
  return refused("wrong-digest", "its SHA-256 is " + hex + ", it should be " + what.digest);
}

Result<InstalledPackage> PackageCache::install(const std::string& digest, const std::string& file) {
  const auto fresh = path_of(digest) + ".new";
  std::error_code failed;
  fs::remove_all(fresh, failed);
  if (auto made = make_directory(fresh, kEnterable); !made) return made.error();
  archive::Limits limits;
  limits.entries_max = options_.files_max;
  limits.file_bytes_max = limits.total_bytes_max = options_.unpacked_bytes_max;
  const auto install_into = [&]() -> Result<AppDescriptor> {
    if (auto unpacked = archive::unpack(file, fresh, limits); !unpacked) return unpacked.error();
    auto descriptor = descriptor_in(fresh);
    if (!descriptor) return descriptor;
    if (auto fine = check_executable(fresh, *descriptor); !fine) return fine.error();
    fs::rename(fresh, path_of(digest), failed);
    if (failed) return unavailable("the package cannot be put in place: " + failed.message());
    return descriptor;
  };
  auto descriptor = install_into();
  if (descriptor) return InstalledPackage{digest, path_of(digest), std::move(*descriptor)};
  fs::remove_all(fresh, failed);
  return descriptor.error();
}

void PackageCache::evict() {
  const auto total = [this] {
    std::pair<std::uint64_t, std::size_t> sum{0, 0};
    for (const auto& [digest, entry] : entries_) {
      sum.first += entry.bytes;
      if (entry.state.kind == PackageState::Kind::kInstalled) ++sum.second;
    }
    return sum;
  };
  for (auto [bytes, count] = total(); bytes > options_.bytes_max || count > options_.packages_max;
       std::tie(bytes, count) = total()) {
    auto oldest = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (!it->second.holders.empty()) continue;
      if (it->second.state.kind == PackageState::Kind::kFetching) continue;
      if (oldest == entries_.end() || it->second.wanted < oldest->second.wanted) oldest = it;
    }
    if (oldest == entries_.end()) return;
    std::error_code ignored;
    fs::remove_all(path_of(oldest->first), ignored);
    entries_.erase(oldest);
  }
}

}  // namespace mx2::mepm
