#include "lcm/mepm/process/place.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "api/base/digest.h"
#include "api/base/fd.h"
#include "api/base/text.h"
#include "api/base/units.h"
#include "api/json/json.h"
#include "lcm/mepm/state_dir.h"

namespace mx2::mepm::process {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kRecordBytesMax = 64U << 10U;
constexpr const char* kRecord = "/process.json";
constexpr const char* kGone = ".gone-";  // what is being removed; then its user and a number
constexpr std::uint64_t kNamesTried = 100;
constexpr std::size_t kFolderDigits = 12;
constexpr std::size_t kGroupDigits = 8;

bool is_free(std::uint16_t port) {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  struct sockaddr_in address {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  return ::bind(socket.get(), reinterpret_cast<const struct sockaddr*>(&address),
                sizeof(address)) == 0;
}

constexpr auto kPlace = [](auto& io, auto& place) {
  io.required("instance", place.instance_id, json::kIdentifier);
  io.required("port", place.port, 1, kPortMax);
  io.required("pid", place.pid, 0, std::numeric_limits<pid_t>::max());
  io.required("startTime", place.start_time, 0, std::numeric_limits<std::int64_t>::max());
  io.optional("user", place.user, 1, std::numeric_limits<uid_t>::max());
  io.optional("ready", place.ready);
  io.optional("address", place.address, json::kAnyText);
  io.optional("unifiedGroup", place.cgroup.unified, json::kAnyText);
  io.optional("memoryGroup", place.cgroup.memory, json::kAnyText);
  io.optional("pidsGroup", place.cgroup.pids, json::kAnyText);
};

std::optional<Place> read_place(const std::string& directory) {
  const auto text = read_file(directory + kRecord, kRecordBytesMax);
  if (!text) return std::nullopt;
  std::optional<std::string> boot;
  auto read = json::decode_text<Place>(*text, [&](json::ObjectReader& reader, Place& record) {
    kPlace(reader, record);
    reader.optional("boot", boot, json::kAnyText);
  });
  if (!read) return std::nullopt;
  auto& place = *read;
  place.directory = directory;
  // Records of earlier versions do not say of which start of the machine they are.
  const auto is_its = [&] {
    return place.user ? user_of(place.pid) == place.user : carries(place.pid, place.instance_id);
  };
  place.bygone = boot && *boot != boot_id();
  if (place.bygone || (!boot && !is_its())) place.pid = 0;
  return place;
}

// Whatever the umask, and an earlier version, have made of them.
void protect(const Place& place) {
  (void)make_directory(place.directory, kPassable);
  ::chmod(place.work_directory().c_str(), kPrivate);
  for (const auto& file : {place.directory + kRecord, place.log_file(), place.log_file() + ".1"}) {
    ::chmod(file.c_str(), S_IRUSR | S_IWUSR);
  }
}

std::vector<std::string> directories_in(const std::string& path) {
  std::vector<std::string> found;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(path, failed)) {
    found.push_back(entry.path().string());
  }
  return found;
}

// Of a directory that was being removed when an earlier life of ours ended.
std::optional<uid_t> user_of_gone(const std::string& path) {
  const auto name = fs::path(path).filename().string();
  if (!name.starts_with(kGone)) return std::nullopt;
  const auto digits = name.substr(std::strlen(kGone));
  const auto user = parse_uint(digits.substr(0, digits.find('-')));
  if (!user || *user == 0) return std::nullopt;
  return static_cast<uid_t>(*user);
}

void forget_absent(std::string& directory) {
  if (!directory.empty() && !fs::exists(directory)) directory.clear();
}

}  // namespace

Membership Place::membership() const {
  if (bygone) return {};
  return {user, pid, start_time, instance_id, cgroup};
}

bool Place::is_alive() const { return pid > 0 && process::start_time(pid) == start_time; }

Result<void> Place::write_token(const std::string& token) const {
  const auto path = token_file();
  ::unlink(path.c_str());
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400));
  const auto line = token + "\n";
  const bool written =
      file.is_open() && ::write(file.get(), line.data(), line.size()) == std::ssize(line);
  if (!written || (user && ::fchown(file.get(), *user, *user) != 0)) {
    return unavailable("cannot write " + path);
  }
  return {};
}

Places::Places(PlaceOptions options) : options_(std::move(options)) {
  if (options_.control_groups) {
    Sha256 digest;
    digest.update(fs::absolute(options_.directory).lexically_normal().string());
    cgroups_ = std::make_unique<Cgroups>("mx2-" + digest.hex().substr(0, kFolderDigits));
  }
  cpu_set_t mine{};
  if (::sched_getaffinity(0, sizeof(mine), &mine) != 0) return;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &mine)) instances_on_cpu_[cpu] = 0;
  }
}

Result<std::uint16_t> Places::free_port() {
  for (int tried = 0; tried < options_.ports; ++tried) {
    const auto port = static_cast<std::uint16_t>(options_.port_first + next_port_);
    next_port_ = (next_port_ + 1) % options_.ports;
    if (ports_.count(port) == 0 && is_free(port)) return port;
  }
  return unavailable("no port is free");
}

Result<std::optional<uid_t>> Places::free_user() {
  if (options_.uid_first == 0 || ::geteuid() != 0) return std::optional<uid_t>();
  for (const auto user : sweeper_.take_swept()) users_.erase(user);
  for (std::int64_t tried = 0; tried < options_.uids; ++tried) {
    const auto user = static_cast<uid_t>(options_.uid_first + next_user_);
    next_user_ = (next_user_ + 1) % options_.uids;
    if (users_.count(user) != 0 || owns_anything(user)) continue;  // or it would inherit
    Membership all;
    all.uid = user;
    if (members(all).empty()) return std::optional(user);
  }
  return unavailable("no user is free");
}

Result<Place> Places::take(const std::string& instance_id) {
  const auto port = free_port();
  if (!port) return port.error();
  const auto user = free_user();
  if (!user) return user.error();
  Place place;
  place.instance_id = instance_id;
  place.directory = options_.directory + "/" + std::to_string(*port);
  place.port = *port;
  place.user = *user;
  const auto work = place.work_directory();
  if (fs::exists(place.directory)) discard(place.directory, std::nullopt);
  auto made = make_directory(options_.directory, kPassable);
  if (made) made = make_directory(place.directory, kPassable);
  if (made) made = make_directory(work, kPrivate);
  if (made && place.user && ::chown(work.c_str(), *place.user, *place.user) != 0) {
    made = unavailable(std::strerror(errno));
  }
  if (!made) return unavailable("cannot make its directory: " + made.error().detail);
  ports_.insert(place.port);
  if (place.user) users_.insert(*place.user);
  return place;
}

Result<void> Places::save(const Place& place) const {
  auto out = json::object_of(place, kPlace);
  out["boot"] = boot_id();
  return replace_file(place.directory + kRecord, json::dump(out));
}

void Places::give_back(const Place& place) {
  (void)place.cgroup.remove();
  discard(place.directory, place.user);
  ports_.erase(place.port);
}

// Out of the way at once, as the port may be taken again.
void Places::discard(const std::string& directory, const std::optional<uid_t>& user) {
  if (user) users_.insert(*user);
  std::error_code failed;
  std::string gone;
  do {
    gone = options_.directory + "/" + kGone + std::to_string(user.value_or(0)) + "-" +
           std::to_string(++discarded_);
    fs::rename(directory, gone, failed);
  } while (failed && discarded_ % kNamesTried != 0);
  sweeper_.sweep(failed ? directory : gone, user);
}

std::vector<Place> Places::load() {
  std::vector<Place> found;
  std::vector<Cgroup> groups;
  if (fs::exists(options_.directory)) (void)make_directory(options_.directory, kPassable);
  for (const auto& path : directories_in(options_.directory)) {
    auto place = read_place(path);
    if (!place) {
      discard(path, user_of_gone(path));
      continue;
    }
    protect(*place);
    for (auto* group : {&place->cgroup.unified, &place->cgroup.memory, &place->cgroup.pids}) {
      forget_absent(*group);
    }
    groups.push_back(place->cgroup);
    ports_.insert(place->port);
    if (place->user) users_.insert(*place->user);
    found.push_back(std::move(*place));
  }
  if (cgroups_) cgroups_->end_others(groups);
  return found;
}

void Places::provide_group(Place& place, std::uint64_t memory_bytes, std::int64_t processes) {
  (void)place.cgroup.remove();
  place.cgroup = {};
  if (cgroups_) {
    Sha256 digest;  // tells nobody the identifier, and is no other group's
    digest.update(place.instance_id +
                  std::to_string(std::chrono::steady_clock::now().time_since_epoch().count()));
    const auto name = std::to_string(place.port) + "-" + digest.hex().substr(0, kGroupDigits);
    if (auto made = cgroups_->make(name)) place.cgroup = std::move(*made);
  }
  place.cgroup.limit(memory_bytes, processes);
}

void Places::give_up_group(Place& place, const std::string& why) {
  (void)place.cgroup.remove();
  place.cgroup = {};
  if (cgroups_) cgroups_->give_up(why);
}

std::vector<int> Places::take_cpus(int count) {
  if (count >= static_cast<int>(instances_on_cpu_.size())) return {};
  std::vector<int> cpus;
  for (const auto& [cpu, instances] : instances_on_cpu_) cpus.push_back(cpu);
  std::stable_sort(cpus.begin(), cpus.end(), [this](int a, int b) {
    return instances_on_cpu_.at(a) < instances_on_cpu_.at(b);
  });
  cpus.resize(static_cast<std::size_t>(count));
  for (const int cpu : cpus) ++instances_on_cpu_[cpu];
  return cpus;
}

void Places::give_back_cpus(const std::vector<int>& cpus) {
  for (const int cpu : cpus) --instances_on_cpu_[cpu];
}

}  // namespace mx2::mepm::process
