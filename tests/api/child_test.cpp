// Programs are started with what they are given and nothing else, and end when they must.
#include "api/base/child.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "tests/catch.h"

namespace mx2 {
namespace {

struct Words {
  Fd reader;
  Fd writer;
};

Words pipe_for_words() {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

Launch shell(const std::string& script, const Words& words) {
  Launch launch;
  launch.executable = "/bin/sh";
  launch.arguments = {"sh", "-c", script};
  launch.output = words.writer.get();
  return launch;
}

std::string words_of(Words& words) {
  words.writer.close();
  std::string text;
  std::array<char, 256> buffer{};
  for (ssize_t got = 0; (got = ::read(words.reader.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

int status_of(Child& child) {
  for (;;) {
    if (const auto status = child.ended()) return *status;
    ::poll(nullptr, 0, 1);
  }
}

TEST_CASE("A child has its words, environment and descriptors, and tells how it ended",
          "[base][child]") {
  auto words = pipe_for_words();
  auto handed = pipe_for_words();
  auto launch = shell("echo $A; echo on >&3; ls /proc/self/fd | wc -l; exit 7", words);
  launch.environment = std::vector<std::string>{"A=b", "PATH=/usr/bin:/bin"};
  launch.handed = handed.writer.get();
  auto child = Child::start(launch);
  REQUIRE(child);
  CHECK(status_of(*child) == 7);
  CHECK_FALSE(child->is_known());
  CHECK(words_of(words) == "b\n5\n");  // its own four, and the directory that is listed
  CHECK(words_of(handed) == "on\n");
}

TEST_CASE("Which step failed is told", "[base][child]") {
  const auto words = pipe_for_words();
  auto launch = shell("true", words);
  launch.steps = {{"cannot do it", [] { return ::chdir("/nowhere") == 0; }, "no-place"}};
  const auto stepped = Child::start(launch);
  REQUIRE_FALSE(stepped);
  CHECK(stepped.error().detail == "cannot do it: No such file or directory");
  CHECK(stepped.error().cause == "no-place");
  launch.steps.clear();
  launch.executable = "/nowhere/sh";
  CHECK(Child::start(launch).error().detail == "cannot execute it: No such file or directory");
}

TEST_CASE("A child that is not admitted runs nothing", "[base][child]") {
  auto words = pipe_for_words();
  auto launch = shell("echo it runs", words);
  pid_t seen = 0;
  launch.admit = [&](pid_t pid, bool) -> Result<void> {
    seen = pid;
    return conflict("not this one");
  };
  CHECK(Child::start(launch).error().detail == "not this one");
  CHECK(seen > 0);
  CHECK(words_of(words).empty());
}

TEST_CASE("A child is asked to end, and made to", "[base][child]") {
  auto words = pipe_for_words();
  auto asked =
      Child::start(shell("trap 'echo asked; exit 0' TERM; echo on; while :; do :; done", words));
  REQUIRE(asked);
  std::array<char, 3> on{};
  REQUIRE(::read(words.reader.get(), on.data(), on.size()) == 3);
  asked->end({{SIGTERM, 10'000}});
  CHECK_FALSE(asked->is_known());
  CHECK(words_of(words) == "asked\n");
  auto others = pipe_for_words();
  auto stubborn = Child::start(shell("trap '' TERM; echo on; while :; do :; done", others));
  REQUIRE(stubborn);
  REQUIRE(::read(others.reader.get(), on.data(), on.size()) == 3);
  stubborn->end({{SIGTERM, 10}});
  CHECK(words_of(others).empty());
}

}  // namespace
}  // namespace mx2
