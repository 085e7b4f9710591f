#include "lcm/mepm/process/pid_watch.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>
#include <utility>

namespace mx2::mepm::process {
namespace {

constexpr std::uint64_t kStop = 0;  // tokens of processes begin with 1
constexpr std::uint64_t kChildren = UINT64_MAX;
constexpr int kEventsMax = 64;

bool gets_orphans() {
  int subreaper = 0;
  return ::getpid() == 1 || (::prctl(PR_GET_CHILD_SUBREAPER, &subreaper) == 0 && subreaper != 0);
}

Fd watch_children() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return Fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace

PidWatch::PidWatch(std::function<void()> ended)
    : ended_(std::move(ended)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  if (!epoll_.is_open() || !stop_.is_open()) throw std::runtime_error("no epoll or eventfd");
  add(stop_.get(), kStop);
  if (gets_orphans()) {
    children_ = watch_children();
    struct epoll_event event {};
    event.events = EPOLLIN;
    event.data.u64 = kChildren;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, children_.get(), &event);
  }
  worker_.repeat([this] { wait(); }, [this] { ::eventfd_write(stop_.get(), 1); });
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

void PidWatch::wait() {
  std::array<struct epoll_event, kEventsMax> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsMax, -1);
  for (int i = 0; i < count; ++i) {
    const auto token = events.at(static_cast<std::size_t>(i)).data.u64;
    if (token == kStop) return;
    if (token == kChildren) {
      struct signalfd_siginfo info {};
      while (::read(children_.get(), &info, sizeof(info)) > 0) {
      }
      continue;
    }
    const std::lock_guard lock(mutex_);
    tokens_.push_back(token);
  }
  if (count > 0) ended_();
}

}  // namespace mx2::mepm::process
