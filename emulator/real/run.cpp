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

RealRun::RealRun(const Scenario& scenario, Network& network, System& system, std::uint64_t seed)
    : scenario_(scenario),
      network_(network),
      system_(system),
      dispatching_(scenario.strategy.kind == StrategyKind::kDispatching),
      nearest_(nearest_hosts(scenario, network)),
      traffic_(scenario.ues.traffic),
      client_(client_options()),
      server_(http::ServerOptions{}),
      end_(from_seconds(scenario.duration_s)),
      warmup_(from_seconds(scenario.warmup_s)),
      origin_(steady_now()),
      ues_(scenario.ues.number),
      calls_(std::size_t{scenario.ues.number} * kEndpointsMax),
      body_(scenario.ues.request_bytes, 'A'),
      hot_spot_draws_(seed, Purpose::kHotSpot, 0) {
  for (std::uint32_t i = 0; i < ues_.size(); ++i) {
    auto& ue = ues_[i];
    ue.cell = Stream(seed, Purpose::kPlace, i).below(network.cells());
    ue.lambda = lambda_of(scenario, i);
    ue.traffic.draws = Stream(seed, Purpose::kTraffic, i);
    ue.traffic.sessions = Stream(seed, Purpose::kSessions, i);
    ue.mobility = Stream(seed, Purpose::kMobility, i);
    ue.life = Stream(seed, Purpose::kLife, i);
    ue.probe = Stream(seed, Purpose::kProbe, i);
  }
}

RealRun::~RealRun() { server_.stop(0); }

Time RealRun::now() const { return steady_now() - origin_; }

Time RealRun::to_orchestrator(const Ue& ue) const {
  return network_.access_delay() + network_.delay(ue.cell, scenario_.orchestrator.cell);
}

double RealRun::factor_of(const Ue& ue) const {
  const auto& spot = scenario_.hot_spot;
  if (spot.of == HotSpotSpec::Of::kNone) return 1;
  return (spot.of == HotSpotSpec::Of::kCells ? ue.cell : ue.lambda) == hot_spot_ ? spot.factor : 1;
}

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
  schedule_first();
  turn(end_);
  const auto last = end_ + kLateMax;
  while (on_their_way_ > 0 && problem_.empty() && now() < last) turn(now() + kLookMax);
  closing_ = true;
  if (!problem_.empty()) return unavailable(problem_);
  results_.seconds = to_seconds(end_ - warmup_);
  results_.links = network_.links();
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
    default: break;
  }
  if (at >= end_) return;
  switch (event.kind()) {
    case EventKind::kSend: return send(id, at);
    case EventKind::kMove: return move(id, at);
    case EventKind::kContextEnd: return end_context(id);
    case EventKind::kContextNew: {
      use(id);
      const auto life_s = scenario_.ues.context_life_s;
      events_.push(at + from_seconds(ues_[id].life.exponential(life_s)), EventKind::kContextEnd,
                   id);
      return;
    }
    case EventKind::kNotified: return use(id);
    case EventKind::kHotSpot: return move_hot_spot(at);
    default: return plan(at);
  }
}

void RealRun::use(std::uint32_t id) { ues_[id].endpoints = ues_[id].coming; }

void RealRun::schedule_first() {
  const auto residence_s = scenario_.ues.mobility.residence_s;
  const auto life_s = scenario_.ues.context_life_s;
  const auto& spot = scenario_.hot_spot;
  if (spot.of != HotSpotSpec::Of::kNone) {
    const bool cells = spot.of == HotSpotSpec::Of::kCells;
    const auto lambdas = static_cast<std::uint32_t>(scenario_.lambdas.size());
    hot_spot_ = hot_spot_draws_.below(cells ? network_.cells() : lambdas);
    const auto phase = hot_spot_draws_.uniform();
    events_.push(from_seconds(phase * spot.period_s), EventKind::kHotSpot, 0);
  }
  for (std::uint32_t i = 0; i < ues_.size(); ++i) {
    auto& ue = ues_[i];
    events_.push(traffic_.first(ue.traffic, factor_of(ue)), EventKind::kSend, i);
    if (residence_s > 0 && network_.cells() > 1) {
      events_.push(from_seconds(ue.mobility.exponential(residence_s)), EventKind::kMove, i);
    }
    if (life_s > 0)
      events_.push(from_seconds(ue.life.exponential(life_s)), EventKind::kContextEnd, i);
  }
  if (system_.has_optimizer() || dispatching_) {
    events_.push(from_seconds(scenario_.optimizer.period_s), EventKind::kPlan, 0);
  }
  if (system_.has_optimizer()) poll_changes();
}

// As in simulated time.
void RealRun::count_call(Ue& ue, Time at) {
  const auto to = ue.endpoints.front().host;
  const auto& named = ue.named;
  const bool stale = std::find(named.begin(), named.end(), to) == named.end();
  if (counts(at)) {
    ++results_.calls;
    results_.stale += stale ? 1 : 0;
  }
  if (stale || ue.rewritten == kNever) return;
  if (counts(ue.rewritten)) results_.adoption_s.add(to_seconds(at - ue.rewritten));
  ue.rewritten = kNever;
}

// To the primary endpoint, and with a certain probability to each other one.
void RealRun::send(std::uint32_t id, Time at) {
  auto& ue = ues_[id];
  ue.sent = at;
  ue.answered = false;
  ++on_their_way_;
  count_call(ue, at);
  send_to(id, 0, at);
  for (std::uint32_t i = 1; i < ue.endpoints.size(); ++i) {
    if (ue.probe.uniform() >= scenario_.strategy.probe) continue;
    if (counts(at)) ++results_.probes;
    send_to(id, i, at);
  }
}

void RealRun::send_to(std::uint32_t id, std::uint32_t endpoint, Time at) {
  auto& ue = ues_[id];
  const auto call_id = id * kEndpointsMax + endpoint;
  auto& call = calls_[call_id];
  call = {ue.endpoints[endpoint], false};
  ++ue.awaited;
  ++results_.sent;
  const auto bytes = scenario_.ues.request_bytes;
  if (counts(at)) results_.access_bytes += bytes + network_.overhead();
  ue.up_until = std::max(at, ue.up_until) + network_.access_time(bytes);
  const auto there = travel(ue.up_until + network_.access_delay(), ue.cell,
                            scenario_.hosts[call.to.host].cell, bytes);
  events_.push(there, EventKind::kAtNode, call_id);
}

void RealRun::call_host(std::uint32_t call_id) {
  const auto& to = calls_[call_id].to;
  http::Headers headers{{"Content-Type", "application/octet-stream"}};
  if (dispatching_) {
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
  if (good && dispatching_ && counts(at)) count_forwarded(cell, reply->body);
  const auto bytes = scenario_.ues.response_bytes;
  const auto near = travel(at, cell, ue.cell, bytes);
  if (counts(at)) results_.access_bytes += bytes + network_.overhead();
  ue.down_until = std::max(near, ue.down_until) + network_.access_time(bytes);
  events_.push(ue.down_until + network_.access_delay(), EventKind::kDelivered, call_id);
}

// The bytes between the dispatcher's cell and the host that its answer names.
void RealRun::count_forwarded(std::uint32_t from, const std::string& answer) {
  const auto host = system_.host_of("host:" + answer.substr(0, answer.find('\n')));
  if (host == kNobody) return;
  const auto to = scenario_.hosts[host].cell;
  network_.count(from, to, scenario_.ues.request_bytes + network_.overhead());
  network_.count(to, from, scenario_.ues.response_bytes + network_.overhead());
}

// The next call waits for all answers.
void RealRun::delivered(std::uint32_t call_id, Time at) {
  const auto& call = calls_[call_id];
  const auto id = call_id / kEndpointsMax;
  auto& ue = ues_[id];
  ++results_.delivered;
  --ue.awaited;
  if (call.refused) ++results_.failed;
  if (!call.refused && !ue.answered) record_answer(ue, call, at);
  if (ue.awaited > 0) return;
  --on_their_way_;
  const auto next = traffic_.next(ue.traffic, at, factor_of(ue));
  if (next < end_) events_.push(next, EventKind::kSend, id);
}

// The first answer counts, and its endpoint becomes the primary one.
void RealRun::record_answer(Ue& ue, const Call& call, Time at) {
  ue.answered = true;
  if (counts(ue.sent)) {
    results_.response.add(at - ue.sent);
    results_.response_s.add(to_seconds(at - ue.sent));
  }
  auto& all = ue.endpoints;
  const auto used = std::find_if(all.begin(), all.end(),
                                 [&](const Endpoint& e) { return e.host == call.to.host; });
  if (used != all.end()) std::iter_swap(all.begin(), used);
}

void RealRun::move(std::uint32_t id, Time at) {
  auto& ue = ues_[id];
  const auto& mobility = scenario_.ues.mobility;
  if (mobility.to_any) {
    const auto other = ue.mobility.below(network_.cells() - 1);
    ue.cell = other < ue.cell ? other : other + 1;
  } else {
    const auto& near = network_.neighbours(ue.cell);
    ue.cell = near[ue.mobility.below(static_cast<std::uint32_t>(near.size()))];
  }
  ++results_.moves;
  events_.push(at + from_seconds(ue.mobility.exponential(mobility.residence_s)), EventKind::kMove,
               id);
  const bool at_once = scenario_.optimizer.told_of_moves || !scenario_.strategy.follows;
  if (dispatching_ && at_once) find_dispatcher(id, at);
}

void RealRun::move_hot_spot(Time at) {
  const auto& spot = scenario_.hot_spot;
  const bool cells = spot.of == HotSpotSpec::Of::kCells;
  const auto places =
      cells ? network_.cells() : static_cast<std::uint32_t>(scenario_.lambdas.size());
  if (places > 1) {
    const auto other = hot_spot_draws_.below(places - 1);
    hot_spot_ = other < hot_spot_ ? other : other + 1;
  }
  events_.push(at + from_seconds(spot.period_s), EventKind::kHotSpot, 0);
}

}  // namespace mx2::emulator
