// Receives notifications and counts them: what the notifier, and the bare loop it is compared with,
// deliver to.
//   mx2_receiver PORTS      listens on that many free ports of 127.0.0.1 and prints them
// GET /count answers {"received":n,"first_ms":t,"last_ms":t}; GET /reset forgets. A POST anywhere
// is answered 204.
#include <atomic>
#include <csignal>
#include <iostream>
#include <memory>
#include <vector>

#include "api/base/clock.h"
#include "api/base/log.h"
#include "api/base/text.h"
#include "api/http/pistache_server.h"
#include "api/json/json.h"

namespace {

class Counter final : public mx2::http::Handler {
 public:
  void handle(mx2::http::Request request, mx2::http::Responder responder) override {
    if (request.method == "POST") {
      count();
      return responder.reply(mx2::http::no_content());
    }
    if (request.path == "/reset") received_ = first_ms_ = last_ms_ = 0;
    responder.reply(mx2::http::json_reply(200, mx2::json::dump({{"received", received_.load()},
                                                                {"first_ms", first_ms_.load()},
                                                                {"last_ms", last_ms_.load()}})));
  }

 private:
  void count() {
    const auto now_ms = clock_.now_ms();
    if (++received_ == 1) first_ms_ = now_ms;
    last_ms_ = now_ms;
  }

  mx2::SystemClock clock_;
  std::atomic<std::uint64_t> received_{0};
  std::atomic<std::int64_t> first_ms_{0};
  std::atomic<std::int64_t> last_ms_{0};
};

}  // namespace

int main(int argc, char** argv) {
  const auto ports = mx2::parse_uint(argc == 2 ? argv[1] : "").value_or(0);
  if (ports == 0) {
    std::cerr << "usage: mx2_receiver PORTS\n";
    return 2;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  mx2::log::configure("error", mx2::log::Format::kText);
  Counter counter;
  std::vector<std::unique_ptr<mx2::http::PistacheServer>> servers;
  for (std::uint64_t i = 0; i < ports; ++i) {
    mx2::http::ServerOptions options;
    options.threads = 1;
    servers.push_back(std::make_unique<mx2::http::PistacheServer>(options));
    servers.back()->start(counter);
    std::cout << servers.back()->port() << (i + 1 < ports ? ' ' : '\n') << std::flush;
  }
  int signal = 0;
  sigwait(&signals, &signal);
  for (auto& server : servers) server->stop(0);
  return 0;
}
