#include "lcm/mepm/process/place.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "api/json/json.h"
#include "lcm/mepm/process/spawn.h"
#include "lcm/mepm/state_dir.h"

namespace mx2::mepm::process {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kRecordBytesMax = 64U << 10U;
constexpr const char* kRecord = "/process.json";
constexpr auto kMayEnter = fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec;

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

std::optional<Place> read_place(const std::string& directory) {
  const auto text = read_file(directory + kRecord, kRecordBytesMax);
  if (!text) return std::nullopt;
  const auto document = json::parse(*text);
  if (!document) return std::nullopt;
  std::optional<Error> error;
  json::ObjectReader reader(*document, "", error);
  Place place;
  place.directory = directory;
  std::int64_t port = 0;
  std::int64_t pid = 0;
  std::int64_t start_time = 0;
  std::optional<std::int64_t> user;
  reader.required("instance", place.instance_id, json::kIdentifier);
  reader.required("port", port, 1, 65535);
  reader.required("pid", pid, 0, std::numeric_limits<pid_t>::max());
  reader.required("startTime", start_time, 0, std::numeric_limits<std::int64_t>::max());
  reader.optional("user", user, 1, std::numeric_limits<uid_t>::max());
  reader.optional("ready", place.ready);
  if (error) return std::nullopt;
  place.port = static_cast<std::uint16_t>(port);
  place.pid = static_cast<pid_t>(pid);
  place.start_time = static_cast<std::uint64_t>(start_time);
  if (user) place.user = static_cast<uid_t>(*user);
  return place;
}

}  // namespace

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
  for (std::int64_t tried = 0; tried < options_.uids; ++tried) {
    const auto user = static_cast<uid_t>(options_.uid_first + next_user_);
    next_user_ = (next_user_ + 1) % options_.uids;
    if (users_.count(user) == 0 && members({user, 0, {}}).empty()) return std::optional(user);
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
  place.directory = options_.directory + "/" + instance_id;
  place.port = *port;
  place.user = *user;
  std::error_code failed;
  fs::remove_all(place.directory, failed);
  fs::create_directories(place.work_directory(), failed);
  if (!failed) fs::permissions(place.directory, kMayEnter, failed);
  if (!failed) fs::permissions(place.work_directory(), fs::perms::owner_all, failed);
  const auto work = place.work_directory();
  if (!failed && place.user && ::chown(work.c_str(), *place.user, *place.user) != 0) {
    failed = std::error_code(errno, std::generic_category());
  }
  if (failed) return unavailable("cannot make its directory: " + failed.message());
  ports_.insert(place.port);
  if (place.user) users_.insert(*place.user);
  return place;
}

Result<void> Places::save(const Place& place) const {
  json::Value out{{"instance", place.instance_id},
                  {"port", place.port},
                  {"pid", place.pid},
                  {"startTime", place.start_time},
                  {"ready", place.ready}};
  if (place.user) out["user"] = *place.user;
  return replace_file(place.directory + kRecord, json::dump(out));
}

void Places::give_back(const Place& place) {
  std::error_code ignored;
  fs::remove_all(place.directory, ignored);
  ports_.erase(place.port);
  if (place.user) users_.erase(*place.user);
}

std::vector<Place> Places::load() {
  std::vector<Place> found;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(options_.directory, failed)) {
    auto place = read_place(entry.path().string());
    if (!place) {
      std::error_code ignored;
      fs::remove_all(entry.path(), ignored);
      continue;
    }
    ports_.insert(place->port);
    if (place->user) users_.insert(*place->user);
    found.push_back(std::move(*place));
  }
  return found;
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
