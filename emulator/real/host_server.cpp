#include "emulator/real/host_server.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <ctime>
#include <iostream>

#include "api/http/http_client.h"
#include "api/http/pistache_server.h"
#include "api/http/problem.h"
#include "api/operator/codec.h"
#include "emulator/topology_of.h"

namespace mx2::emulator {
namespace {

constexpr std::size_t kBodyBytesMax = 64U << 20U;
constexpr int kCallTimeoutMs = 2000;
constexpr int kServerGraceMs = 1000;

}  // namespace

HostServer::HostServer(const Scenario& scenario, std::uint32_t host, std::uint64_t seed)
    : scenario_(scenario),
      spec_(scenario.hosts[host]),
      network_(scenario.network),
      processor_(spec_.processor, std::vector<int>(spec_.lambdas.size(), spec_.workers)),
      requests_(spec_.lambdas.size()),
      sizes_(seed, Purpose::kSize, host) {
  for (std::uint32_t i = 0; i < spec_.lambdas.size(); ++i) {
    containers_.emplace("/" + scenario.lambdas[spec_.lambdas[i]].id, i);
  }
  worker_.start([this] { return step(); });
}

Time HostServer::now() const {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin_).count();
}

Worker::Time HostServer::real(Time time) const { return begin_ + std::chrono::nanoseconds(time); }

Task HostServer::task_for(std::uint32_t lambda, std::uint32_t bytes) {
  const auto id = next_id_;
  next_id_ = (next_id_ + 1) & Event::kIdMax;
  return task_of(scenario_.lambdas[lambda], id, bytes, sizes_);
}

std::uint32_t HostServer::cell_of_caller(const http::Request& request) const {
  const auto text = request.header(kFromCell).value_or("");
  std::uint32_t cell = spec_.cell;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cell);
  return error == std::errc() && cell < network_.cells() ? cell : spec_.cell;
}

Time HostServer::way(std::uint32_t cell, std::uint32_t bytes) const {
  return network_.delay(cell, spec_.cell) +
         network_.hops(cell, spec_.cell) * network_.hop_time(bytes);
}

void HostServer::handle(http::Request request, http::Responder responder) {
  const auto container = containers_.find(request.path);
  if (container == containers_.end()) {
    return responder.reply(http::problem_reply(not_found("this host has no " + request.path)));
  }
  if (request.method != "POST") {
    return responder.reply(
        http::problem_reply(refused_as(ErrorCode::kMethodNotAllowed, "only POST is for calls")));
  }
  const auto cell = cell_of_caller(request);
  const auto bytes = static_cast<std::uint32_t>(request.body.size());
  const std::lock_guard lock(mutex_);
  const auto task = task_for(spec_.lambdas[container->second], bytes);
  const auto at = now() + way(cell, bytes);
  ways_.push(at, EventKind::kAtNode, task.id);
  calls_.emplace(task.id, Call{std::move(responder), container->second, task,
                               way(cell, scenario_.ues.response_bytes), false});
  worker_.wake(real(at));
}

// All that is due.
Worker::Time HostServer::step() {
  const std::lock_guard lock(mutex_);
  while (true) {
    const auto next = std::min(processor_.next_completion(), ways_.next_time());
    if (next == kNever) return Worker::kWhenWoken;
    if (next > now()) return real(next);
    take_event(next);
  }
}

// As of when it was due: who waits for the timer must not take longer.
void HostServer::take_event(Time at) {
  if (ways_.next_time() > at) {
    std::vector<std::uint32_t> done;
    processor_.complete(at, done);
    for (const auto id : done) {
      ways_.push(at + calls_.at(id).way_back, EventKind::kDelivered, id);
    }
    return;
  }
  const auto event = ways_.pop();
  if (event.kind() == EventKind::kAtNode) return arrive(event.id(), at);
  answer(event.id());
}

void HostServer::arrive(std::uint32_t id, Time at) {
  auto& call = calls_.at(id);
  ++requests_[call.container];
  call.refused = !processor_.submit(at, call.container, call.task);
  if (call.refused) ways_.push(at + call.way_back, EventKind::kDelivered, id);
}

void HostServer::answer(std::uint32_t id) {
  auto call = std::move(calls_.extract(id).mapped());
  if (call.refused) {
    return call.responder.reply(
        http::problem_reply(unavailable("it needs more memory than there is")));
  }
  auto body = spec_.id + "\n";
  body.resize(scenario_.ues.response_bytes, 'A');
  call.responder.reply({200, "application/octet-stream", std::move(body), {}, false});
}

HostLoad HostServer::report() {
  const std::lock_guard lock(mutex_);
  const auto at = now();
  const auto seconds = std::max(1e-3, to_seconds(at - reported_));
  reported_ = at;
  return load_of(scenario_, spec_, processor_.take_utilisation(at), requests_, seconds);
}

Result<void> run_host(const Scenario& scenario, std::uint32_t index,
                      const std::string& operator_url, std::uint64_t seed) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);  // before there are other threads
  HostServer host(scenario, index, seed);
  http::ServerOptions options;
  options.body_bytes_max = kBodyBytesMax;
  options.threads = 1;
  http::PistacheServer server(options);
  server.start(host);
  std::cout << "port " << server.port() << "\n" << std::flush;
  http::CurlClient client({kCallTimeoutMs, kCallTimeoutMs, 1U << 20U, 64U << 10U, {}, {}});
  const auto period = from_seconds(scenario.optimizer.report_s);
  const timespec wait{period / 1'000'000'000, period % 1'000'000'000};
  while (sigtimedwait(&stop, nullptr, &wait) < 0) {
    if (operator_url.empty()) continue;
    // What cannot be told now is told with the next report.
    (void)client.send(
        "PUT", operator_url + "/operator/v1/hosts/" + scenario.hosts[index].id + "/load",
        {{"Content-Type", "application/json"}}, json::dump(codec::to_json(host.report(), 0)));
  }
  server.stop(kServerGraceMs);
  return {};
}

}  // namespace mx2::emulator
