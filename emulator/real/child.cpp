#include "emulator/real/child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

namespace mx2::emulator {
namespace {

constexpr auto kLook = std::chrono::milliseconds(5);
constexpr int kGraceMs = 5000;
constexpr std::size_t kLastWords = 1000;

// After fork(): system calls only.
[[noreturn]] void become(char* const* arguments, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

std::string content_of(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

Result<Child> Child::start(const std::vector<std::string>& command, std::string log_file) {
  const int output = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (output < 0) return unavailable(log_file + ": " + std::strerror(errno));
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  Child child;
  child.log_file_ = std::move(log_file);
  child.pid_ = ::fork();
  if (child.pid_ == 0) become(arguments.data(), output);
  ::close(output);
  if (child.pid_ < 0) return unavailable(command.front() + ": " + std::strerror(errno));
  return child;
}

void Child::swap(Child& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(log_file_, other.log_file_);
}

bool Child::is_running() {
  if (pid_ < 0) return false;
  if (::waitpid(pid_, nullptr, WNOHANG) == 0) return true;
  pid_ = -1;
  return false;
}

Result<std::string> Child::wait_for(const std::string& text, int timeout_ms) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {
    const bool running = is_running();
    const auto words = content_of(log_file_);
    const auto at = words.find(text);
    const auto blank = at == std::string::npos ? at : words.find_first_of(" \n", at + text.size());
    if (blank != std::string::npos) {
      return words.substr(at + text.size(), blank - at - text.size());
    }
    if (!running || std::chrono::steady_clock::now() > end) {
      const auto last = words.size() > kLastWords ? words.substr(words.size() - kLastWords) : words;
      return unavailable(log_file_ + (running ? ": not ready in time: " : ": it ended: ") + last);
    }
    std::this_thread::sleep_for(kLook);
  }
}

void Child::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

void Child::stop() {
  signal(SIGTERM);
  for (int ms = 0; ms < kGraceMs && is_running(); ms += 5) std::this_thread::sleep_for(kLook);
  if (!is_running()) return;
  signal(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace mx2::emulator
