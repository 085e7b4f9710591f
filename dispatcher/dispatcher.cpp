#include "dispatcher/dispatcher.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "api/base/log.h"
#include "api/base/units.h"

namespace mx2::dispatcher {
namespace {

constexpr std::int64_t kLookEveryMs = 1000;
constexpr std::int64_t kStartWithoutMs = 1000;
constexpr std::size_t kLooksMax = 64;
constexpr int kLinesMax = 100'000;  // in a step

// Whether somebody behind TLS has not been seen to be who it should be.
bool is_unproven(const Lambda& lambda, const Selector& selector) {
  for (std::size_t i = 0; i < lambda.destinations.size(); ++i) {
    const auto& destination = lambda.destinations[i];
    if (destination.tls_host.empty() || destination.admin == Admin::kDown) continue;
    if (!selector.state(i).up) return true;
  }
  return false;
}

}  // namespace

Dispatcher::Dispatcher(const DispatcherOptions& options, const Follower& follower, DataPlane& plane,
                       Logs logs, const SteadyClock& clock, metrics::Registry& registry)
    : options_(options),
      follower_(follower),
      plane_(plane),
      logs_(logs),
      clock_(clock),
      started_ms_(clock.now_ms()),
      policy_(make_policy(options.selection.policy,
                          {options.selection.alpha(), options.selection.stale_ms})),
      calls_(registry.counter("mx2_dispatcher_samples_total",
                              "Attempts of calls that told of a destination")),
      errors_(registry.counter("mx2_dispatcher_sample_errors_total",
                               "Of those, with a server error or without an answer in time")),
      lambdas_(registry.gauge("mx2_dispatcher_lambdas", "Applications that are dispatched")),
      destinations_(registry.gauge("mx2_dispatcher_destinations", "Destinations of all of them")),
      ready_(registry.gauge("mx2_dispatcher_ready", "1: calls are dispatched")) {
  for (std::size_t i = 0; i < by_tier_.size(); ++i) {
    by_tier_[i] = &registry.counter("mx2_dispatcher_calls_total",
                                    "Calls that HAProxy gave to destinations, by their tier",
                                    {{"tier", std::string(kTierTexts[i])}});
  }
  for (std::size_t i = 0; i < escalations_.size(); ++i) {
    escalations_[i] = &registry.counter(
        "mx2_dispatcher_escalations_total",
        "Of those, calls beyond the nearest tier that their application has, by cause",
        {{"cause", std::string(kBeyond[i])}});
  }
}

void Dispatcher::step() {
  const std::lock_guard lock(mutex_);
  const auto now_ms = clock_.now_ms();
  take_world();
  read_log(logs_.servers);
  read_log(logs_.calls);
  set_weights(now_ms);
  // It starts with what there is, if that is soon known; else callers are told to come later.
  if (world_ || now_ms - started_ms_ >= kStartWithoutMs) plane_.step(now_ms);
  look_at_servers(now_ms);
  serving_ = plane_.is_ready();
  ready_.set(serving_ ? 1 : 0);
}

// Each is told once, and again only after it was known.
void Dispatcher::note_unknown(std::vector<std::string> unknown) {
  for (const auto& name : unknown) {
    const auto& told = unknown_names_;
    if (std::find(told.begin(), told.end(), name) != told.end()) continue;
    log::warn("the configuration names what the orchestrator does not have", {{"reason", name}});
  }
  unknown_names_ = std::move(unknown);
}

void Dispatcher::take_world() {
  auto world = follower_.world();
  if (!world || world == world_) return;
  world_ = std::move(world);
  const auto now_ms = clock_.now_ms();
  plane_.set_complete();
  note_unknown(unknown_names(*world_, options_));
  auto lambdas = find_lambdas(*world_, options_);
  for (auto it = entries_.begin(); it != entries_.end();) {
    if (lambdas.contains(it->first)) {
      ++it;
      continue;
    }
    plane_.remove(it->first);
    it = entries_.erase(it);
  }
  std::size_t destinations = 0;
  by_backend_.clear();
  for (auto& [app, lambda] : lambdas) {
    destinations += lambda.destinations.size();
    auto [it, fresh] =
        entries_.try_emplace(app, Entry{{}, Selector(*policy_, options_.selection), {}, false});
    auto& entry = it->second;
    by_backend_[backend_name(app, false)] = &entry;
    if (lambda.has_other_dispatchers()) by_backend_[backend_name(app, true)] = &entry;
    if (!fresh && entry.lambda == lambda) continue;
    for (const auto& problem : lambda.problems) {
      log::warn("destination left out", {{"app", app}, {"reason", problem}});
    }
    entry.lambda = std::move(lambda);
    entry.selector.update(entry.lambda);
    set_weights(entry, now_ms, true);
  }
  lambdas_.set(static_cast<double>(entries_.size()));
  destinations_.set(static_cast<double>(destinations));
}

void Dispatcher::read_log(int fd) {
  std::array<char, kLogLineBytes> buffer{};
  for (int i = 0; i < kLinesMax; ++i) {
    const auto got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got <= 0) return;
    read_line({buffer.data(), static_cast<std::size_t>(got)});
  }
}

void Dispatcher::read_line(std::string_view line) {
  const auto parsed = parse_log_line(line);
  if (!parsed) return;
  if (const auto* call = std::get_if<CallLogged>(&*parsed)) {
    auto* entry = entry_of(call->backend);
    if (entry != nullptr) take_call(*entry, *call);
    return;
  }
  const auto& change = std::get<ServerChanged>(*parsed);
  auto* entry = entry_of(change.backend);
  if (entry == nullptr) return;
  if (!entry->selector.set_up(std::string(change.server), change.up, change.checked)) return;
  log::info(change.up ? "destination answers again" : "destination does not answer",
            {{"app", entry->lambda.app_d_id}, {"destination", std::string(change.server)}});
  busy_.insert(entry->lambda.app_d_id);
  entry->asked_for = true;
  weights_due_ms_ = 0;
}

void Dispatcher::take_call(Entry& entry, const CallLogged& call) {
  const auto now_ms = clock_.now_ms();
  for (const auto server : call.failed) entry.selector.failed(std::string(server), now_ms);
  bool counts = call.sample.has_value();
  if (counts && call.abandoned) {
    counts = entry.selector.abandoned(std::string(call.server), *call.sample, call.queued, now_ms);
  } else if (counts) {
    entry.selector.observe(std::string(call.server), *call.sample, call.queued, now_ms);
  }
  if (!counts && call.failed.empty()) return;
  if (!entry.asked_for) busy_.insert(entry.lambda.app_d_id);
  entry.asked_for = true;
  ++samples_;
  const auto attempts = static_cast<double>(call.failed.size());
  calls_.add(attempts + (counts ? 1 : 0));
  errors_.add(attempts + (counts && call.sample->failed ? 1 : 0));
}

Dispatcher::Entry* Dispatcher::entry_of(std::string_view backend) {
  const auto it = by_backend_.find(backend);
  return it == by_backend_.end() ? nullptr : it->second;
}

// What had no calls keeps its weights.
void Dispatcher::set_weights(std::int64_t now_ms) {
  if (now_ms < weights_due_ms_) return;
  weights_due_ms_ = now_ms + options_.selection.period_ms;
  std::set<std::string> still_busy;
  for (const auto& app : busy_) {
    const auto it = entries_.find(app);
    if (it == entries_.end()) continue;
    it->second.asked_for = false;
    set_weights(it->second, now_ms, false);
    if (it->second.selector.is_restless()) still_busy.insert(app);
  }
  busy_ = std::move(still_busy);
}

void Dispatcher::set_weights(Entry& entry, std::int64_t now_ms, bool always) {
  auto weights = entry.selector.weights(now_ms);
  if (!always && weights == entry.sent) return;
  plane_.put(entry.lambda, weights);
  entry.sent = std::move(weights);
}

// A few λ at a time, so that many of them cost no more than few. Those come first that wait for the
// proof of a certificate: they are used when it is seen here.
std::vector<std::string> Dispatcher::backends_to_look_at() {
  std::vector<std::string> names;
  const auto add = [&](const Entry& entry) {
    names.push_back(backend_name(entry.lambda.app_d_id, false));
    if (entry.lambda.has_other_dispatchers()) {
      names.push_back(backend_name(entry.lambda.app_d_id, true));
    }
  };
  std::set<std::string> first;
  for (const auto& [app, entry] : entries_) {
    if (names.size() >= kLooksMax / 2) break;
    if (is_unproven(entry.lambda, entry.selector) && first.insert(app).second) add(entry);
  }
  auto it = entries_.lower_bound(next_look_);
  for (std::size_t i = 0; i < entries_.size() && names.size() < kLooksMax; ++i, ++it) {
    if (it == entries_.end()) it = entries_.begin();
    if (!first.contains(it->first)) add(it->second);
  }
  next_look_ = it == entries_.end() ? std::string() : it->first;
  return names;
}

// Counts, and states whose change was lost.
void Dispatcher::look_at_servers(std::int64_t now_ms) {
  if (now_ms < look_due_ms_ || entries_.empty() || !serving_) return;
  look_due_ms_ = now_ms + kLookEveryMs;
  std::map<std::pair<Entry*, std::string>, std::pair<long, long>> counts;  // of both backends
  std::map<Entry*, std::map<std::string, long>> calls;
  for (const auto& server : plane_.look(backends_to_look_at())) {
    auto* entry = entry_of(server.backend);
    if (entry == nullptr) continue;
    auto& [in_flight, queued] = counts[{entry, server.server}];
    in_flight += server.in_flight;
    queued += server.queued;
    calls[entry][server.server] += server.calls;
    if (server.disabled || !server.checked) continue;
    if (entry->selector.set_up(server.server, server.up)) busy_.insert(entry->lambda.app_d_id);
  }
  for (const auto& [server, count] : counts) {
    server.first->selector.set_counts(server.second, count.first, count.second);
  }
  for (const auto& [entry, by_server] : calls) count_calls(*entry, by_server);
}

// HAProxy counts from 0 in each generation, and for a server that is added again. What an old
// generation still does after a reload is not seen.
void Dispatcher::count_calls(Entry& entry, const std::map<std::string, long>& calls) {
  const auto known = std::exchange(entry.counted, calls);
  const bool anew = std::exchange(entry.counted_by, plane_.generation()) != plane_.generation();
  auto nearest = Tier::kCloud;
  for (const auto& destination : entry.lambda.destinations) {
    nearest = std::min(nearest, destination.tier);
  }
  for (const auto& destination : entry.lambda.destinations) {
    const auto now = calls.find(destination.name);
    if (now == calls.end()) continue;
    const auto before = known.find(destination.name);
    const bool continues = !anew && before != known.end() && before->second <= now->second;
    const auto more = static_cast<double>(now->second - (continues ? before->second : 0));
    by_tier_.at(static_cast<std::size_t>(destination.tier))->add(more);
    if (destination.tier == nearest) continue;
    const auto why = entry.selector.why_beyond(nearest);
    escalations_.at(static_cast<std::size_t>(why))->add(more);
  }
}

json::Value Dispatcher::health() const {
  const std::lock_guard lock(mutex_);
  json::Value out{{"status", serving_ ? "ok" : "starting"},
                  {"version", MX2_VERSION},
                  {"lambdas", entries_.size()}};
  if (const auto refused = plane_.count_refused(); refused > 0) out["refused"] = refused;
  const auto problem = follower_.problem();
  if (!problem.empty()) out["orchestrator"] = problem;
  if (!problem.empty() && serving_) out["status"] = "stale";
  return out;
}

json::Value Dispatcher::stats() const {
  const std::lock_guard lock(mutex_);
  std::int64_t in_flight = 0;
  for (const auto& [app, entry] : entries_) {
    for (std::size_t i = 0; i < entry.lambda.destinations.size(); ++i) {
      in_flight += entry.selector.state(i).in_flight + entry.selector.state(i).queued;
    }
  }
  return {{"requests", samples_}, {"in_flight", in_flight}};
}

json::Value Dispatcher::to_json(const Entry& entry) const {
  const auto now_ms = clock_.now_ms();
  json::Value out{{"appDId", entry.lambda.app_d_id},
                  {"spill",
                   {{"local", entry.selector.spill(Tier::kLocal)},
                    {"neighbour", entry.selector.spill(Tier::kNeighbour)}}}};
  auto& destinations = out["destinations"] = json::Value::array();
  for (std::size_t i = 0; i < entry.lambda.destinations.size(); ++i) {
    const auto& destination = entry.lambda.destinations[i];
    const auto& state = entry.selector.state(i);
    json::Value item{{"destination", destination.name},
                     {"referenceURI", destination.reference_uri},
                     {"host", destination.host_id},
                     {"tier", to_text(destination.tier)},
                     {"state", to_text(destination.admin)},
                     {"up", state.up},
                     {"weight", state.weight},
                     {"inFlight", state.in_flight},
                     {"queued", state.queued},
                     {"calls", state.calls},
                     {"errors", state.errors},
                     {"failures", state.measured.failures}};
    if (state.measured.sampled_ms != Measured::kNever) {
      item["responseMs"] = state.measured.seconds * kMsPerSecond;
      item["ageMs"] = now_ms - state.measured.sampled_ms;
    }
    destinations.push_back(std::move(item));
  }
  const auto refusal = plane_.refusal(entry.lambda.app_d_id);
  if (!refusal.empty()) out["refused"] = refusal;
  if (!entry.lambda.problems.empty()) out["leftOut"] = entry.lambda.problems;
  return out;
}

json::Value Dispatcher::status() const {
  auto out = health();
  const std::lock_guard lock(mutex_);
  out["policy"] = options_.selection.policy;
  out["generation"] = plane_.generation();
  if (!unknown_names_.empty()) out["unknownNames"] = unknown_names_;
  auto& lambdas = out["lambdas"] = json::Value::array();
  for (const auto& [app, entry] : entries_) lambdas.push_back(to_json(entry));
  return out;
}

}  // namespace mx2::dispatcher
