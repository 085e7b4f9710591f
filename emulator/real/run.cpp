#include "emulator/real/run.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "emulator/real/host_server.h"
#include "emulator/topology_of.h"

namespace mx2::emulator {
namespace {

constexpr std::size_t kReplyBytesMax = 64U << 20U;
constexpr int kTimeoutMs = 60'000;
constexpr Time kMillisecond = 1'000'000;
constexpr Time kLookMax = 50 * kMillisecond;
constexpr Time kNap = 100'000;
constexpr Time kLateMax = 30'000 * kMillisecond;  // calls on their way at the end

http::AsyncClientOptions client_options() {
  http::AsyncClientOptions options;
  options.timeout_ms = kTimeoutMs;
  options.response_bytes_max = kReplyBytesMax;
  return options;
}

Time steady_now() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

RealRun::RealRun(const Scenario& scenario, System& system, std::uint64_t seed)
    : Run(scenario, seed),
      system_(system),
      client_(client_options()),
      server_(http::ServerOptions{}),
      origin_(steady_now()),
      ues_(scenario.ues.number),
      calls_(std::size_t{scenario.ues.number} * kEndpointsMax),
      body_(scenario.ues.request_bytes, 'A') {
  for (std::uint32_t i = 0; i < ues_.size(); ++i) place(ues_[i], i, seed);
}

RealRun::~RealRun() { server_.stop(0); }

Time RealRun::now() const { return steady_now() - origin_; }

Time RealRun::travel(Time at, std::uint32_t from, std::uint32_t to, std::uint32_t bytes) {
  const bool measured = counts(at);
  while (from != to) {
    const auto next = network_.forward(at, from, to, bytes, measured);
    from = next.cell;
    at = next.time;
  }
  return at;
}

Result<Results> RealRun::run() {
  server_.start(*this);
  if (auto ready = set_up(); !ready) return ready.error();
  origin_ = steady_now();
  schedule_all();
  turn(end_);
  const auto last = end_ + kLateMax;
  while (on_their_way_ > 0 && problem_.empty() && now() < last) turn(now() + kLookMax);
  closing_ = true;
  if (!problem_.empty()) return unavailable(problem_);
  finish();
  return std::move(results_);
}

void RealRun::turn(Time until) {
  Time looked = 0;
  for (auto at = now(); at < until && problem_.empty(); at = now()) {
    while (events_.next_time() <= at) {
      const auto event = events_.pop();
      ++results_.events;
      results_.lateness.add(at - event.time);
      handle_event(event, event.time);
    }
    take_notices(at);
    if (at - looked > 1000 * kMillisecond) {
      looked = at;
      if (const auto gone = system_.ended(); !gone.empty()) problem_ = gone + " has ended";
    }
    const auto wait = std::min({events_.next_time(), until, at + kLookMax}) - now();
    client_.poll(static_cast<int>(std::max<Time>(0, wait) / kMillisecond));
    if (wait > 0 && wait < kMillisecond) {
      std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(wait, kNap)));
    }
  }
}

void RealRun::handle_event(const Event& event, Time at) {
  const auto id = event.id();
  switch (event.kind()) {
    case EventKind::kAtNode: return call_host(id);
    case EventKind::kDelivered: return delivered(id, at);
    default: return happen(event, at);
  }
}

void RealRun::use_context(std::uint32_t id) { ues_[id].endpoints = ues_[id].coming; }

void RealRun::schedule_all() {
  schedule_begin();
  const bool planned = scenario_.strategy.has_optimizer();
  if (planned || dispatches()) schedule_plan(0);
  if (planned) poll_changes();
}

void RealRun::send(std::uint32_t id, Time at) {
  auto& ue = ues_[id];
  ++on_their_way_;
  const auto& named = ue.named;
  const auto known = std::find(named.begin(), named.end(), ue.endpoints.front().host);
  count_call(ue, known == named.end(), at);
  send_to_each(ue, ue.endpoints.size(), at,
               [&](std::size_t i) { send_to(id, static_cast<std::uint32_t>(i), at); });
}

void RealRun::send_to(std::uint32_t id, std::uint32_t endpoint, Time at) {
  auto& ue = ues_[id];
  const auto call_id = id * kEndpointsMax + endpoint;
  auto& call = calls_[call_id];
  call = {ue.endpoints[endpoint], false};
  const auto there = travel(leave(ue, at), ue.cell, scenario_.hosts[call.to.host].cell,
                            scenario_.ues.request_bytes);
  events_.push(there, EventKind::kAtNode, call_id);
}

void RealRun::call_host(std::uint32_t call_id) {
  const auto& to = calls_[call_id].to;
  http::Headers headers{{"Content-Type", "application/octet-stream"}};
  if (dispatches()) {
    headers.emplace_back(kFromCell, std::to_string(scenario_.hosts[to.host].cell));
  }
  client_.begin({"POST", to.uri, std::move(headers), body_},
                [this, call_id](const Result<http::Reply>& reply) { answered(call_id, reply); });
}

void RealRun::answered(std::uint32_t call_id, const Result<http::Reply>& reply) {
  auto& call = calls_[call_id];
  auto& ue = ues_[call_id / kEndpointsMax];
  const auto cell = scenario_.hosts[call.to.host].cell;
  const bool good = reply.ok() && reply->status == 200;
  call.refused = !good;
  const auto at = now();
  if (good && dispatches() && counts(at)) count_forwarded(cell, reply->body);
  const auto near = travel(at, cell, ue.cell, scenario_.ues.response_bytes);
  events_.push(come_back(ue, near), EventKind::kDelivered, call_id);
}

// The bytes between the dispatcher's cell and the host that its answer names.
void RealRun::count_forwarded(std::uint32_t from, const std::string& answer) {
  const auto host = system_.host_of("host:" + answer.substr(0, answer.find('\n')));
  if (host == kNobody) return;
  const auto to = scenario_.hosts[host].cell;
  network_.count(from, to, scenario_.ues.request_bytes + network_.overhead());
  network_.count(to, from, scenario_.ues.response_bytes + network_.overhead());
}

void RealRun::delivered(std::uint32_t call_id, Time at) {
  const auto& call = calls_[call_id];
  const auto id = call_id / kEndpointsMax;
  auto& ue = ues_[id];
  if (take_answer(ue, call.refused, at)) {
    auto& all = ue.endpoints;
    const auto used = std::find_if(all.begin(), all.end(),
                                   [&](const Endpoint& e) { return e.host == call.to.host; });
    if (used != all.end()) std::iter_swap(all.begin(), used);
  }
  if (ue.awaited > 0) return;
  --on_their_way_;
  call_again(ue, id, at);
}

}  // namespace mx2::emulator
