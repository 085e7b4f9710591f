#include "mx2-client/cli/stop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace mx2::cli {

Stop::Stop() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { watch(); });
}

Stop::~Stop() {
  eventfd_write(wake_, 1);
  thread_.join();
  close(signals_);
  close(wake_);
}

bool Stop::wait_until(std::chrono::steady_clock::time_point time) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, time, [&] { return wanted_; });
  return wanted_;
}

void Stop::watch() {
  std::array<pollfd, 2> sources{{{signals_, POLLIN, 0}, {wake_, POLLIN, 0}}};
  for (;;) {
    if (poll(sources.data(), sources.size(), -1) < 0) continue;
    if (sources[1].revents != 0) return;
    signalfd_siginfo signal{};
    if (read(signals_, &signal, sizeof signal) != sizeof signal) continue;
    const std::lock_guard lock(mutex_);
    if (wanted_) _exit(128 + static_cast<int>(signal.ssi_signo));
    wanted_ = true;
    changed_.notify_all();
  }
}

}  // namespace mx2::cli
