#include "emulator/real/program.h"

#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

namespace mx2::emulator {
namespace {

constexpr auto kLook = std::chrono::milliseconds(5);
constexpr int kGraceMs = 5000;
constexpr std::size_t kLastWords = 1000;

std::string content_of(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

Result<Program> Program::start(std::vector<std::string> command, std::string log_file) {
  const Fd output(::open(log_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!output.is_open()) return unavailable(log_file + ": " + std::strerror(errno));
  Launch launch;
  launch.executable = command.front();
  launch.arguments = std::move(command);
  launch.output = output.get();
  launch.death_signal = SIGKILL;
  auto child = Child::start(launch);
  if (!child) return unavailable(launch.executable + ": " + child.error().detail);
  return Program(std::move(*child), std::move(log_file));
}

Program::~Program() { child_.end({{SIGTERM, kGraceMs}}); }

Result<std::string> Program::wait_for(const std::string& text, int timeout_ms) {
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

}  // namespace mx2::emulator
