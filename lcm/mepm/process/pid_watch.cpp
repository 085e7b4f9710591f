#include "lcm/mepm/process/pid_watch.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <utility>

namespace mx2::mepm::process {
namespace {

constexpr std::uint64_t kStop = 0;  // tokens of processes begin with 1
constexpr int kEventsMax = 64;

}  // namespace

PidWatch::PidWatch(std::function<void()> ended)
    : ended_(std::move(ended)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  if (!epoll_.is_open() || !stop_.is_open()) throw std::runtime_error("no epoll or eventfd");
  add(stop_.get(), kStop);
  thread_ = std::thread([this] { run(); });
}

PidWatch::~PidWatch() {
  const std::uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof(one));
  thread_.join();
}

void PidWatch::add(int pidfd, std::uint64_t token) {
  struct epoll_event event {};
  event.events = EPOLLIN | EPOLLONESHOT;
  event.data.u64 = token;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, pidfd, &event);
}

std::vector<std::uint64_t> PidWatch::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(tokens_, {});
}

void PidWatch::run() {
  std::array<struct epoll_event, kEventsMax> events{};
  while (true) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsMax, -1);
    if (count < 0 && errno != EINTR) return;
    for (int i = 0; i < count; ++i) {
      const auto token = events.at(static_cast<std::size_t>(i)).data.u64;
      if (token == kStop) return;
      const std::lock_guard lock(mutex_);
      tokens_.push_back(token);
    }
    if (count > 0) ended_();
  }
}

}  // namespace mx2::mepm::process
