#include "dispatcher/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "api/base/ip.h"
#include "api/base/text.h"
#include "dispatcher/haproxy_config.h"

namespace mx2::dispatcher {
namespace {

constexpr int kBacklog = 4096;
constexpr int kDatagramBuffer = 4 << 20;
constexpr std::size_t kSaidBytesMax = 4096;
constexpr unsigned kLastFd = 1024;
constexpr int kTermMs = 1000;
constexpr int kRefusalMs = 5000;
constexpr std::size_t kWordsBytesMax = 64U * 1024;

sockaddr_in6 socket_address(const IpAddress& address, std::uint16_t port) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(port);
  std::memcpy(&out.sin6_addr, address.bytes().data(), address.bytes().size());
  return out;
}

sockaddr_in socket_address_v4(const IpAddress& address, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  std::memcpy(&out.sin_addr, address.bytes().data() + 12, 4);
  return out;
}

// After fork() of a program with threads: system calls only.
[[noreturn]] void become(char* const* arguments, int listen_fd, int output) {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::setpgid(0, 0);  // what ends our group must not cut off its calls: it is ended in order
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  if (listen_fd == kListenFd) {
    ::fcntl(listen_fd, F_SETFD, 0);
  } else {
    ::dup2(listen_fd, kListenFd);
  }
  if (::close_range(kListenFd + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {  // older than Linux 5.11
    for (unsigned fd = kListenFd + 1; fd < kLastFd; ++fd) {
      ::fcntl(static_cast<int>(fd), F_SETFD, FD_CLOEXEC);
    }
  }
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

// A child, and what it writes. Nothing, and errno, when that cannot be.
struct Child {
  pid_t pid = -1;
  Fd output;
};
Child spawn(std::vector<std::string> words, int listen_fd) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  Child child{-1, Fd(ends[0])};
  const Fd writer(ends[1]);
  ::fcntl(child.output.get(), F_SETFL, O_NONBLOCK);
  child.pid = ::fork();
  if (child.pid == 0) become(arguments.data(), listen_fd, writer.get());
  return child;
}

// Until it has ended, or for kRefusalMs.
std::string read_all(const Fd& output) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::milliseconds(kRefusalMs);
  std::string text;
  std::array<char, 4096> buffer{};
  while (text.size() < kWordsBytesMax) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    pollfd waiting{output.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) break;
    const auto got = ::read(output.get(), buffer.data(), buffer.size());
    if (got <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

// The first thing that is wrong, without who says it.
std::string first_alert(const std::string& text) {
  for (auto line : split(text, '\n')) {
    if (!line.starts_with(kAlert)) continue;
    const auto who = line.find(") : ");
    line.remove_prefix(who == std::string_view::npos ? kAlert.size() : who + 4);
    return std::string(trim(line.substr(0, kSaidBytesMax)));
  }
  return "it says nothing";
}

}  // namespace

Result<Listener> listen_on(const std::string& address, std::uint16_t port) {
  const auto ip = IpAddress::parse(address);
  if (!ip) return invalid_argument("dispatcher.address is not an IP address");
  const auto where = address + ":" + std::to_string(port);
  const auto failed = [&] {
    return unavailable("cannot listen on " + where + ": " + std::strerror(errno));
  };
  Listener listener{Fd(::socket(ip->is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)),
                    port};
  const int fd = listener.fd.get();
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in v4 = socket_address_v4(*ip, port);
  sockaddr_in6 v6 = socket_address(*ip, port);
  auto* generic = ip->is_v4() ? reinterpret_cast<sockaddr*>(&v4) : reinterpret_cast<sockaddr*>(&v6);
  socklen_t size = ip->is_v4() ? sizeof v4 : sizeof v6;
  if (::bind(fd, generic, size) != 0 || ::listen(fd, kBacklog) != 0 ||
      ::getsockname(fd, generic, &size) != 0) {
    return failed();
  }
  listener.port = ntohs(ip->is_v4() ? v4.sin_port : v6.sin6_port);
  return listener;
}

Result<Fd> bind_datagrams(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kDatagramBuffer, sizeof kDatagramBuffer);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return invalid_argument("the path is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ::unlink(path.c_str());
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return unavailable("cannot make " + path + ": " + std::strerror(errno));
  }
  return fd;
}

Result<void> Process::start(const std::string& configuration, const std::string& master) {
  auto child = spawn({program_, "-W", "-db", "-S", master, "-f", configuration}, listen_fd_);
  if (child.pid < 0) {
    return unavailable(std::string("cannot start anything: ") + std::strerror(errno));
  }
  pid_ = child.pid;
  output_ = std::move(child.output);
  partial_.clear();
  return {};
}

std::string Process::refusal(const std::string& configuration) const {
  const auto child = spawn({program_, "-c", "-f", configuration}, listen_fd_);
  if (child.pid < 0) return {};
  const auto words = read_all(child.output);
  ::kill(child.pid, SIGKILL);  // it has said what it had to say
  int status = 0;
  if (::waitpid(child.pid, &status, 0) != child.pid) return {};
  const bool refused = words.find(kAlert) != std::string::npos;
  return refused ? first_alert(words) : std::string();
}

std::optional<int> Process::ended() {
  int status = 0;
  if (pid_ < 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::vector<std::string> Process::words() {
  std::array<char, 4096> buffer{};
  ssize_t got = 0;
  while (output_.get() >= 0 && (got = ::read(output_.get(), buffer.data(), buffer.size())) > 0) {
    partial_.append(buffer.data(), static_cast<std::size_t>(got));
    if (partial_.size() > std::size_t{256} * kSaidBytesMax) break;
  }
  std::vector<std::string> lines;
  std::size_t end = 0;
  while ((end = partial_.find('\n')) != std::string::npos) {
    lines.push_back(partial_.substr(0, std::min(end, kSaidBytesMax)));
    partial_.erase(0, end + 1);
  }
  if (partial_.size() > kSaidBytesMax) partial_.clear();
  return lines;
}

void Process::stop(int grace_ms) {
  if (pid_ < 0) return;
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  ::kill(pid_, SIGUSR1);
  bool told = false;
  while (!ended()) {
    const auto waited = Clock::now() - begin;
    if (waited >= std::chrono::milliseconds(grace_ms + kTermMs)) {
      ::kill(pid_, SIGKILL);
    } else if (waited >= std::chrono::milliseconds(grace_ms) && !std::exchange(told, true)) {
      ::kill(pid_, SIGTERM);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace mx2::dispatcher
