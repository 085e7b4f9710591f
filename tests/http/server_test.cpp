// The server by itself: which threads do what, and what it does when descriptors run out.
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <ctime>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "api/base/fd.h"
#include "api/http/pistache_server.h"
#include "tests/catch.h"
#include "tests/support/socket.h"

namespace mx2::test {
namespace {

constexpr auto kPatience = std::chrono::milliseconds(kPatienceMs);

// Keeps what it is asked, as an orchestrator does until its store's writer answers.
class Later final : public http::Handler {
 public:
  void handle(http::Request request, http::Responder responder) override {
    const std::lock_guard lock(mutex_);
    threads_.insert(std::this_thread::get_id());
    waiting_.push_back({std::move(request.path), std::move(responder)});
    changed_.notify_all();
  }

  // False when nothing has come in time.
  bool wait_for_one() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [this] { return !waiting_.empty(); });
  }

  // On the caller's thread.
  bool answer_one() {
    if (!wait_for_one()) return false;
    std::unique_lock lock(mutex_);
    auto [path, responder] = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    responder.reply(http::json_reply(200, "\"" + path + "\""));
    return true;
  }

  bool was_called_on(std::thread::id thread) {
    const std::lock_guard lock(mutex_);
    return threads_.contains(thread);
  }

 private:
  struct Waiting {
    std::string path;
    http::Responder responder;
  };
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::thread::id> threads_;
  std::deque<Waiting> waiting_;
};

TEST_CASE("server: no handler runs on the thread of an answer", "[http][server]") {
  const bool half_closed = GENERATE(true, false);
  CAPTURE(half_closed);
  Later handler;
  http::PistacheServer server(http::ServerOptions{});
  server.start(handler);
  constexpr int kRequests = 20;
  Socket socket(server.port());
  std::string all;
  for (int i = 0; i < kRequests; ++i) all += request_text("GET", "/" + std::to_string(i));
  socket.send(all);
  if (half_closed) socket.half_close();
  for (int i = 0; i < kRequests; ++i) {
    REQUIRE(handler.answer_one());
    CHECK(socket.receive().body == "\"/" + std::to_string(i) + "\"");
  }
  if (half_closed) CHECK(socket.at_end());
  CHECK_FALSE(handler.was_called_on(std::this_thread::get_id()));
  server.stop(0);
}

TEST_CASE("server: an answer that comes after the end of the server reaches its client",
          "[http][server]") {
  Later handler;
  http::PistacheServer server(http::ServerOptions{});
  server.start(handler);
  Socket socket(server.port());
  socket.send(request_text("GET", "/late") + request_text("GET", "/never"));
  REQUIRE(handler.wait_for_one());
  server.stop(0);
  REQUIRE(handler.answer_one());
  CHECK(socket.receive().body == "\"/late\"");
  CHECK(socket.at_end());
  CHECK_FALSE(handler.was_called_on(std::this_thread::get_id()));
}

class Echo final : public http::Handler {
 public:
  void handle(http::Request request, http::Responder responder) override {
    responder.reply(http::json_reply(200, "\"" + request.path + "\""));
  }
};

// While it lives this process can open nothing.
class OutOfDescriptors {
 public:
  OutOfDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const Fd lowest(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
    auto limits = before_;
    limits.rlim_cur = static_cast<rlim_t>(lowest.get());
    ::setrlimit(RLIMIT_NOFILE, &limits);
  }
  ~OutOfDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  OutOfDescriptors(const OutOfDescriptors&) = delete;
  OutOfDescriptors& operator=(const OutOfDescriptors&) = delete;

 private:
  rlimit before_{};
};

void connect_to(std::uint16_t port, const Fd& socket) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
          0);
  const auto text = request_text("GET", "/waited");
  REQUIRE(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) > 0);
}

bool is_readable_within(const Fd& socket, int ms) {
  pollfd waited{socket.get(), POLLIN, 0};
  return ::poll(&waited, 1, ms) == 1;
}

bool is_answered(const Fd& socket) {
  std::string text;
  while (text.find("/waited") == std::string::npos) {
    std::array<char, 4096> buffer{};
    if (!is_readable_within(socket, kPatienceMs)) return false;
    const auto got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return true;
}

double cpu_ms() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6;
}

TEST_CASE("server: out of descriptors clients wait, no core is burnt, and they are served again",
          "[http][server]") {
  Echo handler;
  http::PistacheServer server(http::ServerOptions{});
  server.start(handler);
  Socket before(server.port());
  before.send(request_text("GET", "/before"));
  CHECK(before.receive().status == 200);
  std::vector<Fd> waiting;
  for (int i = 0; i < 20; ++i)
    waiting.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  {
    const OutOfDescriptors shortage;
    for (const auto& socket : waiting) connect_to(server.port(), socket);
    const auto used = cpu_ms();
    CHECK_FALSE(is_readable_within(waiting.front(), 400));
    CHECK(cpu_ms() - used < 40);
    before.send(request_text("GET", "/meanwhile"));
    CHECK(before.receive().status == 200);
  }
  for (const auto& socket : waiting) CHECK(is_answered(socket));
}

}  // namespace
}  // namespace mx2::test
