// The server by itself: which threads do what.
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

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

TEST_CASE("server: its port is known before and after it listens", "[http][server]") {
  Later handler;
  http::PistacheServer server(http::ServerOptions{});
  CHECK(server.port() == 0);
  server.start(handler);
  const auto port = server.port();
  CHECK(port != 0);
  server.stop(0);
  CHECK(server.port() == port);
}

// Answers with as many bytes as the path says.
class Large final : public http::Handler {
 public:
  void handle(http::Request request, http::Responder responder) override {
    responder.reply(http::json_reply(200, std::string(std::stoul(request.path.substr(1)), 'x')));
  }
};

// It was cut after the idle timeout, however much the client had taken by then.
TEST_CASE("server: a download that gets on slowly is not cut, one that hardly does is",
          "[http][server]") {
  Large handler;
  http::ServerOptions options;
  options.idle_timeout_ms = 300;
  http::PistacheServer server(options);
  server.start(handler);
  constexpr std::size_t kBytes = 24UL << 20U;  // of which the kernel takes 4 MiB at once
  constexpr int kBuffer = 64 << 10;
  Socket slow(server.port(), kBuffer);
  Socket stuck(server.port(), kBuffer);
  const auto text = request_text("GET", "/" + std::to_string(kBytes));
  slow.send(text);
  stuck.send(text);
  const auto begin = std::chrono::steady_clock::now();
  slow.read_slowly(5);
  const auto response = slow.receive();
  CHECK(response.status == 200);
  CHECK(response.body.size() == kBytes);
  CHECK(std::chrono::steady_clock::now() - begin > std::chrono::milliseconds(1500));
  CHECK(stuck.receive().status == 0);  // by now
  server.stop(0);
}

}  // namespace
}  // namespace mx2::test
