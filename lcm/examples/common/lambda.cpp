#include "lcm/examples/common/lambda.h"

#include <malloc.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>

#include "api/base/log.h"
#include "api/http/pistache_server.h"
#include "api/http/problem.h"
#include "api/http/router.h"
#include "lcm/examples/common/mp1.h"
#include "lcm/examples/common/stats.h"
#include "lcm/examples/common/work_queue.h"

namespace mx2::lambda {
namespace {

using http::PathValues;
using http::Request;
using http::Responder;
using SteadyClock = std::chrono::steady_clock;

constexpr int kGraceMs = 3000;
constexpr int kThreadsMax = 64;

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

double ms_since(SteadyClock::time_point start) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count();
}

// Counts a request as in flight until it is finished or destroyed.
class InFlight {
 public:
  explicit InFlight(Stats& stats) : stats_(&stats) { stats.begin(); }
  InFlight(InFlight&& other) noexcept
      : stats_(std::exchange(other.stats_, nullptr)), start_(other.start_) {}
  InFlight& operator=(InFlight&&) = delete;
  ~InFlight() { finish(); }
  void finish() {
    if (auto* stats = std::exchange(stats_, nullptr)) stats->end(ms_since(start_));
  }

 private:
  Stats* stats_;
  SteadyClock::time_point start_ = SteadyClock::now();
};

class Lambda {
 public:
  Lambda(const Options& options, std::vector<Work> workers)
      : workers_(std::move(workers)),
        identity_{{"app", options.name}, {"host", host_name()}, {"instance", options.instance_id}},
        queue_(static_cast<int>(workers_.size()), options.waiting_max) {}

  void add_endpoints(http::Router& router) {
    const auto work = [this](Request& request, const PathValues&, Responder responder) {
      submit(std::move(request), std::move(responder));
    };
    router.add("GET", "/", work);
    router.add("POST", "/", work);
    router.add("GET", "/health", [this](Request&, const PathValues&, Responder responder) {
      auto health = identity_;
      health["status"] = "ok";
      responder.reply(http::json_reply(200, json::dump(health)));
    });
    router.add("GET", "/mx2/stats", [this](Request&, const PathValues&, Responder responder) {
      responder.reply(http::json_reply(200, json::dump(stats_.to_json())));
    });
  }

  void stop() { queue_.stop(); }

 private:
  struct Call {
    Request request;
    std::shared_ptr<Responder> responder;
    InFlight in_flight;
  };

  void submit(Request request, Responder responder) {
    auto shared = std::make_shared<Responder>(std::move(responder));
    WorkQueue::Job job(
        [this, call = Call{std::move(request), shared, InFlight(stats_)}](int worker) mutable {
          auto reply = answer(workers_[static_cast<std::size_t>(worker)], call.request);
          call.in_flight.finish();  // before: whoever is answered sees itself counted
          call.responder->reply(std::move(reply));
        });
    if (queue_.submit(job)) return;
    auto error = unavailable("too many requests are waiting here");
    error.cause = "overloaded";
    shared->reply(http::problem_reply(error));
  }

  [[nodiscard]] http::Reply answer(const Work& work, const Request& request) const {
    const auto start = SteadyClock::now();
    auto document = work(request);
    if (!document) return http::problem_reply(document.error());
    document->update(identity_);
    (*document)["ms"] = ms_since(start);
    return http::json_reply(200, json::dump(*document) + "\n");
  }

  std::vector<Work> workers_;
  json::Value identity_;
  Stats stats_;
  WorkQueue queue_;
};

sigset_t awaited_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

http::ServerOptions server_options(const Options& options) {
  http::ServerOptions server;
  server.address = options.address;
  server.port = options.port;
  server.threads = 1;  // it only reads and writes
  server.body_bytes_max = options.body_bytes_max;
  server.connections_max = options.connections_max;
  return server;
}

void wait_for_stop() {
  const auto signals = awaited_signals();
  int signal = 0;
  sigwait(&signals, &signal);
}

}  // namespace

void add_options(CLI::App& app, Options& options) {
  app.option_defaults()->take_last();
  app.add_option("--name", options.name, "What it calls itself in its answers")
      ->capture_default_str();
  app.add_option("--address", options.address, "Where it listens")
      ->envname("MX2_ADDRESS")
      ->capture_default_str();
  app.add_option("--port", options.port, "0: any")->envname("MX2_PORT")->capture_default_str();
  app.add_option("--threads", options.threads, "Requests served at the same time")
      ->check(CLI::Range(1, kThreadsMax))
      ->capture_default_str();
  app.add_option("--instance", options.instance_id, "appInstanceId")
      ->envname("MX2_APP_INSTANCE_ID");
  app.add_option("--mp1", options.mp1_uri, "Where the MEC platform's mec_app_support/v1 is")
      ->envname("MX2_MP1_URI");
  app.set_version_flag("--version", MX2_VERSION);
}

int run(const Options& options, std::vector<Work> workers) {
  const auto signals = awaited_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread starts
  // Each thread's own arena takes 64 MiB of address space, which a host may have limited.
  mallopt(M_ARENA_MAX, 2);
  log::configure("info", log::Format::kText);
  metrics::Registry registry;
  Lambda lambda(options, std::move(workers));
  http::Router router(registry, options.name);
  lambda.add_endpoints(router);
  Mp1 mp1(options.mp1_uri, options.instance_id);
  mp1.add_endpoints(router);
  http::PistacheServer server(server_options(options));
  try {
    server.start(router);
  } catch (const std::runtime_error& e) {
    std::cerr << options.name << ": " << e.what() << "\n";
    return 1;
  }
  log::info("listening", {{"http", options.address + ":" + std::to_string(server.port())}});
  mp1.say_ready(options.address, server.port());
  wait_for_stop();
  server.stop(kGraceMs);
  lambda.stop();
  mp1.say_terminated();
  log::info("stopped");
  return 0;
}

}  // namespace mx2::lambda
