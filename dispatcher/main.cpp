// mx2-dispatcher: the broker of the dispatching strategy. Clients call λ here; HAProxy, which this
// program configures and supervises, forwards each call to the destination that is best now.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <thread>

#include "api/base/log.h"
#include "api/http/pistache_server.h"
#include "api/http/router.h"
#include "api/program/program.h"
#include "dispatcher/data_plane.h"
#include "dispatcher/dispatcher.h"
#include "dispatcher/endpoints.h"
#include "dispatcher/follower.h"

namespace mx2::dispatcher {
namespace {

constexpr int kGraceMs = 1000;
constexpr int kStopMs = 5000;
constexpr int kAgainMs = 1000;
constexpr int kStartingMs = 10;

// The data plane's directory: as configured, or one that is removed in the end.
class Directory {
 public:
  static Result<std::unique_ptr<Directory>> make(const std::string& configured) {
    auto path = configured.empty() ? std::string("/tmp/mx2-dispatcher-XXXXXX") : configured;
    const bool made = configured.empty() ? ::mkdtemp(path.data()) != nullptr
                                         : ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST;
    if (!made) return unavailable("cannot make " + path + ": " + std::strerror(errno));
    return std::make_unique<Directory>(path, configured.empty());
  }
  Directory(std::string path, bool temporary) : path_(std::move(path)), temporary_(temporary) {}
  ~Directory() {
    std::error_code ignored;
    if (temporary_) std::filesystem::remove_all(path_, ignored);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool temporary_;
};

// Wakes the thread of the control plane.
class Wake {
 public:
  Wake() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  void operator()() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
  }
  // Until there is something to read, or for `ms`.
  void wait(int log_fd, int ms) const {
    std::array<pollfd, 2> fds{{{fd_.get(), POLLIN, 0}, {log_fd, POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), ms);
    std::uint64_t ignored = 0;
    [[maybe_unused]] const auto got = ::read(fd_.get(), &ignored, sizeof ignored);
  }

 private:
  Fd fd_;
};

// Ends when asked, even from a pause.
class FollowerThread {
 public:
  FollowerThread(Follower& follower, http::CurlClient& http)
      : follower_(follower), http_(http), thread_([this] { run(); }) {}
  ~FollowerThread() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    stop_.notify_all();
    follower_.stop();
    http_.interrupt();
    thread_.join();
  }
  FollowerThread(const FollowerThread&) = delete;
  FollowerThread& operator=(const FollowerThread&) = delete;

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      lock.unlock();
      const bool fine = follower_.step().ok();
      lock.lock();
      if (!fine)
        stop_.wait_for(lock, std::chrono::milliseconds(kAgainMs), [&] { return stopping_; });
    }
  }

  Follower& follower_;
  http::CurlClient& http_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread thread_;
};

http::ClientOptions client_options(const OrchestratorAccess& access) {
  http::ClientOptions options;
  options.timeout_ms = access.timeout_ms + access.wait_ms;
  options.bearer_token = access.token;
  options.ca_file = access.ca_file;
  return options;
}

http::ServerOptions server_options(const DispatcherOptions& options) {
  http::ServerOptions server;
  server.address = options.api_address;
  server.port = options.api_port;
  server.threads = 1;
  return server;
}

Result<void> listen(http::PistacheServer& server, http::Router& router,
                    const DispatcherOptions& options, std::uint16_t data_port) {
  try {
    server.start(router);
  } catch (const std::runtime_error& e) {
    return unavailable(e.what());
  }
  log::info("listening", {{"dispatcher", options.listen_address + ":" + std::to_string(data_port)},
                          {"api", options.api_address + ":" + std::to_string(server.port())},
                          {"orchestrator", options.orchestrator.url},
                          {"version", MX2_VERSION}});
  return {};
}

Result<void> run_for_ever(const DispatcherOptions& options) {
  const SystemClock clock;
  auto directory = Directory::make(options.haproxy.directory);
  if (!directory) return directory.error();
  const auto& path = (*directory)->path();
  auto listener = listen_on(options.listen_address, options.listen_port);
  if (!listener) return listener.error();
  const auto log = bind_datagrams(log_socket(path));
  if (!log) return log.error();
  metrics::Registry registry;
  const Wake wake;
  http::CurlClient http(client_options(options.orchestrator));
  Follower follower(http, options.orchestrator, clock, resolve_name, std::cref(wake));
  DataPlane plane(options, path, *listener, registry);
  Dispatcher dispatcher(options, follower, plane, log->get(), clock, registry);
  const Api api{registry, dispatcher, options.token};
  http::Router router(registry, "dispatcher");
  add_endpoints(router, api);
  http::PistacheServer server(server_options(options));
  if (auto listening = listen(server, router, options, listener->port); !listening) {
    return listening;
  }
  std::atomic<bool> stopping{false};
  std::thread control([&] {
    while (!stopping) {
      dispatcher.step();
      wake.wait(log->get(), plane.is_ready() ? options.selection.period_ms : kStartingMs);
    }
    plane.stop(kStopMs);
  });
  {
    const FollowerThread following(follower, http);
    program::wait_for_stop();
    stopping = true;
    wake();
    control.join();
  }
  server.stop(kGraceMs);
  return {};
}

Result<program::Prepared> prepare_program(const config::Document& document) {
  auto read = read_dispatcher_options(document);
  if (!read) return read.error();
  program::Prepared prepared{
      read->effective, read->options.log_level, read->options.log_format, {}};
  prepared.run = [options = std::move(read->options)] { return run_for_ever(options); };
  return prepared;
}

}  // namespace
}  // namespace mx2::dispatcher

int main(int argc, char** argv) {
  return mx2::program::run(
      argc, argv,
      {"mx2-dispatcher", "Forwards each call of a λ to the destination that is best now", {}},
      mx2::dispatcher::prepare_program);
}
