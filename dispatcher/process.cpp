#include "dispatcher/process.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>

#include "api/base/ip.h"
#include "api/base/text.h"

namespace mx2::dispatcher {
namespace {

constexpr int kBacklog = 4096;
constexpr int kDatagramBuffer = 4 << 20;
constexpr std::size_t kSaidBytesMax = 4096;
constexpr int kTermMs = 1000;
constexpr int kRefusalMs = 5000;
constexpr std::size_t kWordsBytesMax = 64U * 1024;

// A child, and what it writes.
struct Started {
  Child child;
  Fd output;
};
Result<Started> start_program(std::vector<std::string> words, int listen_fd) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return unavailable(std::strerror(errno));
  Started started{{}, Fd(ends[0])};
  const Fd writer(ends[1]);
  ::fcntl(started.output.get(), F_SETFL, O_NONBLOCK);
  Launch launch;
  launch.executable = words.front();
  launch.arguments = std::move(words);
  launch.output = writer.get();
  launch.handed = listen_fd;
  launch.death_signal = SIGTERM;
  auto child = Child::start(launch);
  if (!child) return child.error();
  started.child = std::move(*child);
  return started;
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
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const auto ip = IpAddress::parse(address);
  const auto service = std::to_string(port);
  if (!ip || ::getaddrinfo(ip->text().c_str(), service.c_str(), &wanted, &found) != 0) {
    return invalid_argument("dispatcher.address is not an IP address");
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> freed(found, ::freeaddrinfo);
  Listener listener{Fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)), port};
  const int fd = listener.fd.get();
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in6 bound{};  // an IPv4 port is at the same place
  socklen_t size = sizeof bound;
  if (::bind(fd, found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd, kBacklog) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    return unavailable("cannot listen on " + address + ":" + service + ": " + std::strerror(errno));
  }
  listener.port = ntohs(bound.sin6_port);
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
  auto started =
      start_program({program_, "-W", "-db", "-S", master, "-f", configuration}, listen_fd_);
  if (!started) return started.error();
  child_ = std::move(started->child);
  output_ = std::move(started->output);
  partial_.clear();
  return {};
}

std::string Process::refusal(const std::string& configuration) const {
  const auto started = start_program({program_, "-c", "-f", configuration}, listen_fd_);
  if (!started) return {};
  const auto words = read_all(started->output);  // then it has said what it had to say
  return words.find(kAlert) == std::string::npos ? std::string() : first_alert(words);
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

void Process::stop(int grace_ms) { child_.end({{SIGUSR1, grace_ms}, {SIGTERM, kTermMs}}); }

}  // namespace mx2::dispatcher
