// Control groups of both versions, as files of a directory that looks like the kernel's.
#include "lcm/mepm/process/cgroup.h"

#include <filesystem>
#include <fstream>

#include "lcm/mepm/process/spawn.h"
#include "tests/catch.h"
#include "tests/support/temp_dir.h"

namespace mx2::mepm::process {
namespace {

namespace fs = std::filesystem;

// /proc/self and the hierarchies that it tells of.
class Kernel {
 public:
  void mount(const std::string& name, const std::string& type, const std::string& options,
             const std::string& root = "/") {
    fs::create_directories(at(name));
    mounts_ += "30 20 0:30 " + root + " " + at(name) + " rw - " + type + " none " + options + "\n";
    write("self/mountinfo", mounts_);
  }
  void write(const std::string& path, const std::string& content) {
    fs::create_directories(fs::path(at(path)).parent_path());
    std::ofstream(at(path)) << content;
  }
  [[nodiscard]] std::string read(const std::string& path) const {
    std::ifstream file(at(path));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] std::string at(const std::string& path) const { return directory_.file(path); }
  [[nodiscard]] std::string self() const { return at("self"); }

 private:
  mx2::test::TempDir directory_;
  std::string mounts_;
};

TEST_CASE("A service's groups are beside it, where systemd has handed controllers on",
          "[mepm-cgroup]") {
  Kernel kernel;
  kernel.mount("cgroup", "cgroup2", "rw");
  kernel.write("self/cgroup", "0::/system.slice/mx2-mepm@a.service\n");
  kernel.write("cgroup/system.slice/mx2-mepm@a.service/cgroup.procs", "");
  // What is written to it goes to its beginning.
  kernel.write("cgroup/system.slice/mx2/cgroup.subtree_control", "######## memory pids\n");
  Cgroups groups("mx2", kernel.self());
  const auto group = groups.make("20000-a");
  REQUIRE(group.ok());
  CHECK(group->unified == kernel.at("cgroup/system.slice/mx2/20000-a"));
  CHECK(group->memory == group->unified);
  CHECK(group->pids == group->unified);
  const std::string mine = "cgroup/system.slice/mx2/20000-a/";
  for (const auto* file : {"memory.max", "memory.swap.max", "memory.oom.group", "pids.max"}) {
    kernel.write(mine + file, "max");
  }
  group->limit(1000, 7);
  CHECK(kernel.read(mine + "memory.max").starts_with("1000"));
  CHECK(kernel.read(mine + "memory.swap.max").starts_with("0"));
  CHECK(kernel.read(mine + "pids.max").starts_with("7"));
  kernel.write(mine + "memory.stat", "anon 5\nfile 100\nshmem 7\n");
  kernel.write(mine + "memory.swap.current", "11\n");
  kernel.write(mine + "memory.events", "low 1\noom 3\noom_kill 2\n");
  CHECK(group->memory_bytes() == 23);  // what the kernel can drop does not count
  CHECK(group->memory_kills() == 2);
  kernel.write(mine + "cgroup.events", "populated 1\nfrozen 0\n");
  kernel.write(mine + "cgroup.kill", "");
  CHECK_FALSE(group->kill());
  CHECK(kernel.read(mine + "cgroup.kill") == "1");
  kernel.write(mine + "cgroup.events", "populated 0\nfrozen 0\n");
  CHECK(group->kill());
}

TEST_CASE("Controllers of version 1 beside a version 2 that has none", "[mepm-cgroup]") {
  Kernel kernel;
  kernel.mount("unified", "cgroup2", "rw");
  kernel.mount("memory", "cgroup", "rw,memory");
  kernel.mount("pids", "cgroup", "rw,pids");
  kernel.write("self/cgroup", "4:memory:/box/1\n8:pids:/\n0::/\n");
  fs::create_directories(kernel.at("memory/box/1"));
  Cgroups groups("mx2", kernel.self());
  const auto group = groups.make("a").value();
  CHECK(group.unified == kernel.at("unified/mx2/a"));
  CHECK(group.memory == kernel.at("memory/box/1/mx2/a"));  // below ours: its limits hold
  CHECK(group.pids == kernel.at("pids/mx2/a"));
  kernel.write("memory/box/1/mx2/a/memory.stat",
               "rss 1\ntotal_rss 5\ntotal_shmem 7\ntotal_cache 9\n");
  kernel.write("memory/box/1/mx2/a/memory.oom_control", "oom_kill_disable 0\noom_kill 4\n");
  CHECK(group.memory_bytes() == 12);
  CHECK(group.memory_kills() == 4);
  CHECK(group.attach(1234).error().cause == kNoGroup);  // the file that takes it is not there
  kernel.write("unified/mx2/a/cgroup.procs", "");
  CHECK(group.attach(1234).ok());
  CHECK(kernel.read("unified/mx2/a/cgroup.procs") == "1234");
}

TEST_CASE("Where there are no groups, or none for us, there are none", "[mepm-cgroup]") {
  Kernel kernel;
  kernel.write("self/cgroup", "0::/\n");
  kernel.write("self/mountinfo", "");
  CHECK_FALSE(Cgroups("mx2", kernel.self()).make("a").ok());
  kernel.mount("unified", "cgroup2", "rw", "/elsewhere");
  kernel.write("self/cgroup", "0::/box\n");
  CHECK_FALSE(Cgroups("mx2", kernel.self()).make("a").ok());
  kernel.write("self/cgroup", "0::/elsewhere/box\n");
  fs::create_directories(kernel.at("unified/box"));
  Cgroups groups("mx2", kernel.self());
  CHECK(groups.make("a")->unified == kernel.at("unified/box/mx2/a"));
  groups.give_up("a test");
  CHECK_FALSE(groups.make("b").ok());
}

TEST_CASE("Groups that no record names are ended", "[mepm-cgroup]") {
  Kernel kernel;
  kernel.mount("unified", "cgroup2", "rw");
  kernel.write("self/cgroup", "0::/\n");
  Cgroups groups("mx2", kernel.self());
  const auto known = groups.make("known").value();
  const auto left = groups.make("left").value();
  groups.end_others({known});
  CHECK(fs::exists(known.unified));
  CHECK_FALSE(fs::exists(left.unified));
}

}  // namespace
}  // namespace mx2::mepm::process
