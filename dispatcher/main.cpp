// mx2-dispatcher: the broker of the dispatching strategy. Clients call λ here; HAProxy, which this
// program configures and supervises, forwards each call to the destination that is best now.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "api/base/certificates.h"
#include "api/base/clock.h"
#include "api/base/log.h"
#include "api/base/worker.h"
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
constexpr int kStopMs = 3000;
constexpr std::chrono::milliseconds kAgain{1000};
constexpr int kStartingMs = 10;
constexpr int kCallsMs = 5;

// The data plane's directory: as configured, or one that is removed in the end.
class Directory {
 public:
  static Result<std::unique_ptr<Directory>> make(const std::string& configured) {
    auto path = configured.empty() ? std::string("/tmp/mx2-dispatcher-XXXXXX") : configured;
    const bool made = configured.empty() ? ::mkdtemp(path.data()) != nullptr
                                         : ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST;
    if (!made) return unavailable("cannot make " + path + ": " + std::strerror(errno));
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 || info.st_uid != ::geteuid() ||
        (info.st_mode & 077U) != 0) {
      return unavailable(path +
                         " is not ours alone (mode 0700): whoever can write there commands "
                         "HAProxy");
    }
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
  // Until something has happened, or for `ms`. Calls alone have to wait a little: many of them are
  // to be read at once.
  void wait(const Dispatcher::Logs& logs, int names, int ms) const {
    std::array<pollfd, 4> fds{{{fd_.get(), POLLIN, 0},
                               {logs.servers, POLLIN, 0},
                               {names, POLLIN, 0},
                               {logs.calls, POLLIN, 0}}};
    if (::poll(fds.data(), 3, std::min(ms, kCallsMs)) == 0 && ms > kCallsMs) {
      ::poll(fds.data(), fds.size(), ms - kCallsMs);
    }
    std::uint64_t ignored = 0;
    [[maybe_unused]] const auto got = ::read(fd_.get(), &ignored, sizeof ignored);
  }

 private:
  Fd fd_;
};

void find_files_max(DispatcherOptions& options) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_max == RLIM_INFINITY) return;
  options.haproxy.files_max = files.rlim_max;
  const int possible = connections_max(options, 0);
  if (possible == options.limits.connections_max) return;
  log::warn("limits.connections_max is more than the open files allow (ulimit -Hn)",
            {{"connections", possible}});
}

// Nothing of it is in our package: it comes from the host.
Result<void> find_haproxy(const std::string& program) {
  if (::access(program.c_str(), X_OK) == 0) return {};
  return unavailable("haproxy.program: cannot run " + program + ": " + std::strerror(errno) +
                     "; HAProxy 2.6 or newer must be installed on this host (apt-get install "
                     "haproxy)");
}

// What HAProxy could not read would keep it from loading anything, now or, if it is changed, later:
// so it gets a copy.
std::string usable(const std::string& ca_file, const std::string& directory) {
  if (ca_file.empty()) return {};
  const auto certificates = count_certificates(ca_file);
  auto copy = directory + "/ca.pem";
  std::error_code failed;
  std::filesystem::remove(copy, failed);
  if (certificates) std::filesystem::copy_file(ca_file, copy, failed);
  if (certificates && !failed) return copy;
  log::error("https destinations cannot be called: tls.ca_file cannot be used",
             {{"reason", certificates ? failed.message() : certificates.error().detail}});
  return {};
}

// libcurl does not wait long for a resolver that does not answer for the orchestrator's name,
// unless this is said to be wanted.
void limit_resolver() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is no other thread yet
  ::setenv("RES_OPTIONS", "timeout:1 attempts:2", 0);
}

Result<void> run(const config::Loaded<DispatcherOptions>& read) {
  auto options = read.options;
  limit_resolver();
  const SteadyClock clock;
  if (auto found = find_haproxy(options.haproxy.program); !found) return found;
  find_files_max(options);
  auto directory = Directory::make(options.haproxy.directory);
  if (!directory) return directory.error();
  const auto& path = (*directory)->path();
  options.ca_file = usable(options.ca_file, path);
  auto listener = listen_on(options.listen_address, options.listen_port);
  if (!listener) return listener.error();
  const auto calls = bind_datagrams(call_log_socket(path));
  if (!calls) return calls.error();
  const auto servers = bind_datagrams(server_log_socket(path));
  if (!servers) return servers.error();
  const Dispatcher::Logs logs{calls->get(), servers->get()};
  metrics::Registry registry;
  const Wake wake;
  http::CurlClient http(client_options(options.orchestrator));
  Names names(clock);
  Follower follower(http, options.orchestrator, names, std::cref(wake));
  DataPlane plane(options, path, *listener, registry);
  Dispatcher dispatcher(options, follower, plane, logs, clock, registry);
  http::Router router(registry, "dispatcher");
  add_endpoints(router, registry, dispatcher, options.token, options.monitoring);
  http::PistacheServer server(options.server);
  if (auto listening = program::listen(server, router); !listening) return listening;
  options.server.port = server.port();  // HAProxy asks there
  log::info("listening",
            {{"dispatcher", options.listen_address + ":" + std::to_string(listener->port)},
             {"api", options.server.address + ":" + std::to_string(options.server.port)},
             {"orchestrator", options.orchestrator.url},
             {"version", MX2_VERSION}});
  std::atomic<bool> stopping{false};
  // Not a Worker: HAProxy ends with the thread that started it, which therefore stops it, too.
  std::thread control([&] {
    while (!stopping) {
      names.step();
      dispatcher.step();
      const int period_ms = plane.is_ready() ? options.selection.period_ms : kStartingMs;
      wake.wait(logs, names.fd(), names.wait_ms(period_ms));
    }
    plane.stop(kStopMs);
  });
  Worker following;
  following.start([&] { return follower.step() ? Worker::kAtOnce : Worker::in(kAgain); },
                  [&] {
                    follower.stop();
                    http.interrupt();
                  });
  program::wait_for_stop();
  stopping = true;
  wake();
  control.join();
  following.stop();
  server.stop(kGraceMs);
  return {};
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): no thread yet
  return value == nullptr ? "" : value;
}

Result<config::Loaded<DispatcherOptions>> read_options(const config::Document& document) {
  return read_dispatcher_options(document, environment);
}

}  // namespace
}  // namespace mx2::dispatcher

int main(int argc, char** argv) {
  return mx2::program::run(
      argc, argv,
      {"mx2-dispatcher", "Forwards each call of a λ to the destination that is best now"},
      mx2::dispatcher::read_options, mx2::dispatcher::run);
}
