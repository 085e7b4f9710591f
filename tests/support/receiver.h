// The other end of a callbackReference: a server that keeps what it hears and answers as it is
// told, and one that does not behave like a server.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "api/http/pistache_server.h"
#include "api/json/json.h"

namespace mx2::test {

// True as soon as `condition` is; false when it is not within kPatienceMs.
[[nodiscard]] bool eventually(const std::function<bool()>& condition);

struct Heard {
  std::string path;
  http::Headers headers;
  std::string body;
  std::chrono::steady_clock::time_point when;

  [[nodiscard]] json::Value json() const;
  [[nodiscard]] std::string header(const std::string& name) const;  // empty when absent
};

class Receiver final : private http::Handler {
 public:
  // What to answer the n-th request (from 0) of all.
  using Answer = std::function<http::Reply(const Heard&, std::size_t n)>;

  Receiver() : Receiver([](const Heard&, std::size_t) { return http::no_content(); }) {}
  explicit Receiver(Answer answer);
  ~Receiver() override;
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  [[nodiscard]] std::string url(const std::string& path,
                                const std::string& host = "127.0.0.1") const;
  // True as soon as `count` requests have come, in all.
  [[nodiscard]] bool hears(std::size_t count);
  [[nodiscard]] std::vector<Heard> heard() const;
  [[nodiscard]] std::vector<Heard> heard(const std::string& path) const;
  [[nodiscard]] Heard last() const { return heard().back(); }

 private:
  void handle(http::Request request, http::Responder responder) override;

  const Answer answer_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Heard> heard_;
  http::PistacheServer server_;
};

// A listener that takes connections and does one thing with them.
class BadReceiver {
 public:
  enum class Manner : std::uint8_t {
    kSilent,       // reads, never answers
    kCloses,       // accepts and closes
    kHeaders,      // begins an answer whose head never ends
    kSlowHeaders,  // the same, a few bytes now and then
    kText,         // sends `text` when it has been asked something
    kTextAndCloses,
  };

  explicit BadReceiver(Manner manner, std::string text = {});
  ~BadReceiver();
  BadReceiver(const BadReceiver&) = delete;
  BadReceiver& operator=(const BadReceiver&) = delete;

  [[nodiscard]] std::string url(const std::string& path) const;
  [[nodiscard]] int connections() const { return accepted_; }  // in all
  [[nodiscard]] int requests() const { return asked_; }        // times that something was read

 private:
  void serve();
  void accept_one();
  [[nodiscard]] bool talk(int fd);           // false: close it
  [[nodiscard]] bool trickle(int fd) const;  // likewise

  const Manner manner_;
  const std::string text_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::map<int, bool> open_;  // connection -> has asked something
  std::atomic<int> accepted_{0};
  std::atomic<int> asked_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace mx2::test
