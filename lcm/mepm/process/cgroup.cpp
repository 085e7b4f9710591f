#include "lcm/mepm/process/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "api/base/fd.h"
#include "api/base/log.h"
#include "lcm/mepm/process/proc.h"
#include "lcm/mepm/process/spawn.h"

namespace mx2::mepm::process {
namespace {

namespace fs = std::filesystem;
constexpr int kRemovalTries = 100;
constexpr std::chrono::milliseconds kRemovalPause{5};

// Kernel files take a value as one write.
Result<void> put(const std::string& file, const std::string& value) {
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (fd.is_open() && ::write(fd.get(), value.data(), value.size()) == std::ssize(value)) return {};
  return unavailable(file + ": " + std::strerror(errno));
}

bool has_word(const std::string& file, const std::string& word) {
  std::ifstream words(file);
  std::string each;
  while (words >> each) {
    if (each == word) return true;
  }
  return false;
}

struct Mount {
  std::string root;  // of the hierarchy, as far as we see it
  std::string point;
};

bool lists(const std::string& commas, const std::string& word) {
  std::istringstream parts(commas);
  std::string part;
  while (std::getline(parts, part, ',')) {
    if (part == word) return true;
  }
  return false;
}

// proc(5), mountinfo: ID parent device root point options… - type source options. An empty
// controller: version 2.
std::optional<Mount> find_mount(const std::string& proc_self, const std::string& controller) {
  std::ifstream file(proc_self + "/mountinfo");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string skipped;
    Mount mount;
    fields >> skipped >> skipped >> skipped >> mount.root >> mount.point;
    while (fields >> skipped && skipped != "-") {
    }
    std::string type;
    std::string options;
    fields >> type >> skipped >> options;
    if (controller.empty() ? type == "cgroup2" : type == "cgroup" && lists(options, controller)) {
      return mount;
    }
  }
  return std::nullopt;
}

// cgroups(7), /proc/self/cgroup: ID:controllers:path.
std::string own_path(const std::string& proc_self, const std::string& controller) {
  std::ifstream file(proc_self + "/cgroup");
  std::string line;
  while (std::getline(file, line)) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? controllers.empty() : lists(controllers, controller)) {
      return line.substr(second + 1);
    }
  }
  return {};
}

// Of the group that we are in; empty: it is not to be seen from here.
std::string own_directory(const std::string& proc_self, const std::string& controller) {
  const auto mount = find_mount(proc_self, controller);
  auto path = own_path(proc_self, controller);
  if (!mount || path.empty() || path.find("/..") != std::string::npos) return {};
  if (mount->root != "/") {
    if (!path.starts_with(mount->root)) return {};
    path.erase(0, mount->root.size());
  }
  return path == "/" ? mount->point : mount->point + path;
}

// A service of systemd's has its groups beside it, in its slice: the next MEPM begins in the same
// group, where nobody may be while it hands controllers on (cgroups(7), no internal processes).
std::string place_for_folder(const std::string& own) {
  return own.ends_with(".service") ? fs::path(own).parent_path().string() : own;
}

Result<void> make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
  return unavailable(path + ": " + std::strerror(errno));
}

void hand_on(const std::string& directory, const std::string& controller) {
  (void)put(directory + "/cgroup.subtree_control", "+" + controller);
}

}  // namespace

Result<void> Cgroup::attach(pid_t pid) const {
  const auto moved = put(unified + "/cgroup.procs", std::to_string(pid));
  if (moved) return {};
  auto error = moved.error();
  error.cause = kNoGroup;
  return error;
}

std::vector<pid_t> Cgroup::processes() const {
  const auto& directory = !unified.empty() ? unified : !pids.empty() ? pids : memory;
  std::vector<pid_t> found;
  std::ifstream file(directory + "/cgroup.procs");
  for (pid_t pid = 0; file >> pid;) {
    if (pid > 0) found.push_back(pid);  // 0: it is not to be seen from here
  }
  return found;
}

std::optional<std::uint64_t> Cgroup::memory_bytes() const {
  if (memory.empty()) return std::nullopt;
  const auto stat = memory + "/memory.stat";
  if (memory != unified) {
    return sum_of_lines(stat, {"total_rss", "total_shmem", "total_swap"}).value_or(0);
  }
  std::uint64_t swap = 0;
  std::ifstream(memory + "/memory.swap.current") >> swap;
  return sum_of_lines(stat, {"anon", "shmem"}).value_or(0) + swap;
}

std::uint64_t Cgroup::memory_kills() const {
  if (memory.empty()) return 0;
  const auto* file = memory == unified ? "/memory.events" : "/memory.oom_control";
  return sum_of_lines(memory + file, {"oom_kill"}).value_or(0);
}

void Cgroup::limit(std::uint64_t memory_bytes, std::int64_t processes) const {
  if (!pids.empty()) (void)put(pids + "/pids.max", std::to_string(processes));
  if (memory.empty()) return;
  const auto bytes = std::to_string(memory_bytes);
  if (memory != unified) {
    (void)put(memory + "/memory.limit_in_bytes", bytes);
    (void)put(memory + "/memory.memsw.limit_in_bytes", bytes);
    return;
  }
  (void)put(memory + "/memory.max", bytes);
  (void)put(memory + "/memory.swap.max", "0");
  (void)put(memory + "/memory.oom.group", "1");
}

bool Cgroup::kill() const {
  const auto populated = sum_of_lines(unified + "/cgroup.events", {"populated"});
  if (populated ? *populated == 0 : processes().empty()) return true;
  if (put(unified + "/cgroup.kill", "1")) return false;
  if (!pids.empty()) (void)put(pids + "/pids.max", "0");  // nobody is born while they die
  std::vector<Process> seen;
  for (const auto pid : processes()) seen.push_back({pid, start_time(pid).value_or(0), 0});
  const auto still = processes();  // else the pid may have been given to a stranger meanwhile
  for (const auto& process : seen) {
    if (std::find(still.begin(), still.end(), process.pid) != still.end()) {
      send_signal(process, SIGKILL);
    }
  }
  return false;
}

bool Cgroup::remove() const {
  bool gone = true;
  for (const auto* directory : {&unified, &memory, &pids}) {
    if (directory->empty()) continue;
    gone &= ::rmdir(directory->c_str()) == 0 || errno == ENOENT;
  }
  return gone;
}

Cgroups::Cgroups(const std::string& name, const std::string& proc_self) {
  std::string why = "this host has no hierarchy of them";
  const auto folder_in = [&](const std::string& directory) -> std::string {
    if (directory.empty()) return {};
    auto path = directory + "/" + name;
    const auto made = make_folder(path);
    if (made) return path;
    why = made.error().detail;
    return {};
  };
  const auto own = own_directory(proc_self, {});
  const auto place = place_for_folder(own);
  folders_.unified = folder_in(place);
  for (const auto* controller : {"memory", "pids"}) {
    auto& folder = controller == std::string("memory") ? folders_.memory : folders_.pids;
    if (!folders_.unified.empty()) {
      if (place == own) hand_on(own, controller);
      hand_on(folders_.unified, controller);
      const auto given = folders_.unified + "/cgroup.subtree_control";
      if (has_word(given, controller)) folder = folders_.unified;
    }
    if (folder.empty()) folder = folder_in(own_directory(proc_self, controller));
  }
  if (!folders_.exists()) give_up(why);
}

Cgroups::~Cgroups() { (void)folders_.remove(); }

void Cgroups::give_up(const std::string& why) {
  (void)folders_.remove();
  folders_ = {};
  log::info("instances have no control groups; they are known by user, session and environment",
            {{"why", why}});
}

Result<Cgroup> Cgroups::make(const std::string& name) {
  if (!folders_.exists()) return unavailable("no control groups");
  const auto group = at(name);
  for (const auto* directory : {&group.unified, &group.memory, &group.pids}) {
    if (directory->empty()) continue;
    if (auto made = make_folder(*directory); !made) return made.error();
  }
  return group;
}

Cgroup Cgroups::at(const std::string& name) const {
  const auto in = [&](const std::string& folder) {
    return folder.empty() ? folder : folder + "/" + name;
  };
  return {in(folders_.unified), in(folders_.memory), in(folders_.pids)};
}

void Cgroups::end_others(const std::vector<Cgroup>& known) const {
  for (const auto* folder : {&folders_.unified, &folders_.memory, &folders_.pids}) {
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(*folder, failed)) {
      const auto name = entry.path().filename();
      const auto is_it = [&](const Cgroup& group) {
        return fs::path(group.unified).filename() == name ||
               fs::path(group.memory).filename() == name || fs::path(group.pids).filename() == name;
      };
      if (!entry.is_directory(failed) || std::any_of(known.begin(), known.end(), is_it)) continue;
      const auto group = at(name.string());
      for (int i = 0; i < kRemovalTries && !(group.kill() && group.remove()); ++i) {
        std::this_thread::sleep_for(kRemovalPause);
      }
    }
  }
}

}  // namespace mx2::mepm::process
