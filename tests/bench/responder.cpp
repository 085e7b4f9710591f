// A λ that does nothing, as fast as our HTTP server can: what calls through the dispatcher, and
// calls without it, reach.
//   mx2_responder PORTS      listens on that many free ports of every address and prints them
#include <csignal>
#include <iostream>
#include <memory>
#include <vector>

#include "api/base/log.h"
#include "api/base/text.h"
#include "api/http/pistache_server.h"

namespace {

class Answer final : public mx2::http::Handler {
 public:
  void handle(mx2::http::Request, mx2::http::Responder responder) override {
    responder.reply(mx2::http::json_reply(200, R"({"faces":[]})"));
  }
};

}  // namespace

int main(int argc, char** argv) {
  const auto ports = mx2::parse_uint(argc == 2 ? argv[1] : "").value_or(0);
  if (ports == 0) {
    std::cerr << "usage: mx2_responder PORTS\n";
    return 2;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  mx2::log::configure("error", mx2::log::Format::kText);
  Answer answer;
  std::vector<std::unique_ptr<mx2::http::PistacheServer>> servers;
  for (std::uint64_t i = 0; i < ports; ++i) {
    mx2::http::ServerOptions options;
    options.address = "0.0.0.0";
    servers.push_back(std::make_unique<mx2::http::PistacheServer>(options));
    servers.back()->start(answer);
    std::cout << servers.back()->port() << (i + 1 < ports ? ' ' : '\n') << std::flush;
  }
  int signal = 0;
  sigwait(&signals, &signal);
  for (auto& server : servers) server->stop(0);
  return 0;
}
