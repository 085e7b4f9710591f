#include "orchestrator/core/host_watch.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "api/base/log.h"
#include "api/base/text.h"

namespace mx2 {
namespace {

using std::chrono::milliseconds;

constexpr int kWatchRoundMs = 100;
constexpr auto kTellAgain = std::chrono::seconds(1);
constexpr HostWatch::Time::duration kRateHoldsMax = std::chrono::minutes(1);
constexpr auto kRefusedAgain = std::chrono::minutes(1);
constexpr int kNoContent = 299;  // the last status that is a success

// "<MEPM>/<number of its life>", the latter if it counts them.
struct Life {
  std::string_view mepm;
  std::optional<std::uint64_t> number;
};

Life life_of(std::string_view key) {
  const auto at = key.rfind('/');
  if (at == std::string_view::npos) return {key, std::nullopt};
  return {key.substr(0, at), parse_uint(key.substr(at + 1))};
}

}  // namespace

HostWatch::HostWatch(const LiveModel& model, ChangeFeed& changes, const SystemClock& clock,
                     const HostWatchOptions& options, std::unique_ptr<http::AsyncClient> probes,
                     Found found, metrics::Registry& registry)
    : model_(model),
      changes_(changes),
      clock_(clock),
      options_(options),
      probes_(std::move(probes)),
      found_(std::move(found)),
      refused_(registry.counter("mx2_mepm_refused_total",
                                "Registrations and reports of a second MEPM with a host's id")) {
  for (std::size_t i = 0; i < served_.size(); ++i) {
    served_[i] = &registry.counter("mx2_requests_served_total",
                                   "Requests that hosts served, by tier, of the rates they report",
                                   {{"tier", std::string(kHostTiers[i])}});
  }
}

void HostWatch::start() {
  worker_.repeat([this] { step(now(), kWatchRoundMs); }, [this] { probes_->wake(); });
}

Result<void> HostWatch::report(const std::string& host_id, HostReport report, Time now) {
  take_hosts(now);
  report.load.reported_ms = clock_.now_ms();
  report.load.received_ms = to_ms(now);
  report.load.age_ms = 0;
  const auto shared = std::make_shared<const HostLoad>(std::move(report.load));
  {
    const std::lock_guard guard(mutex_);
    const auto it = hosts_.find(host_id);
    if (it == hosts_.end()) return not_found("no host '" + host_id + "'");
    auto& host = it->second;
    if (!host.mepm_uri.empty() && host.mepm_key != report.mepm_key) {
      return refused(host_id, host, "reports", now);
    }
    count_served(host, *shared, now);
    host.load = shared;
    host.heard = host.held = now;
    if (!host.reachable) probes_->wake();
  }
  changes_.publish(HostReported{host_id, shared});
  return {};
}

// A rate is that of the time since the report before; of a longer silence nothing is known.
void HostWatch::count_served(const Watched& host, const HostLoad& load, Time now) {
  if (!host.load || !host.heard || !load.request_rate) return;
  const std::chrono::duration<double> passed = std::min(now - *host.heard, kRateHoldsMax);
  const double requests = *load.request_rate * passed.count();
  if (requests > 0) served_.at(static_cast<std::size_t>(host.tier))->add(requests);
}

Result<void> HostWatch::may_register(const HostRegistration& registration, Time now) {
  take_hosts(now);
  const std::lock_guard guard(mutex_);
  const auto it = hosts_.find(registration.id);
  if (it == hosts_.end()) return {};
  auto& host = it->second;
  const bool held = !host.mepm_uri.empty() && host.held + milliseconds(host.lease_ms) > now;
  if (!held || is_holder(host, registration)) return {};
  return refused(registration.id, host, registration.mepm_uri, now);
}

// A restart of the holder, also at another address, is known by its key; who has no key, or had
// none before it was upgraded, by its address. A copy is taken for a restart once, and those that
// it has superseded are refused.
bool HostWatch::is_holder(const Watched& host, const HostRegistration& registration) {
  const bool same_address = host.mepm_uri == registration.mepm_uri;
  if (host.mepm_key.empty()) return same_address;
  const auto known = life_of(host.mepm_key);
  const auto asks = life_of(registration.mepm_key);
  if (known.mepm != asks.mepm) return false;
  if (!known.number || !asks.number || *asks.number > *known.number) return true;
  return *asks.number == *known.number && same_address;
}

Error HostWatch::refused(const std::string& host_id, Watched& host, const std::string& who,
                         Time now) {
  refused_.add();
  if (host.refused == Time() || host.refused + kRefusedAgain <= now) {
    host.refused = now;
    log::warn("two MEPMs have the same host id: another one is refused",
              {{"host", host_id}, {"mepm", host.mepm_uri}, {"refused", who}});
  }
  return conflict("another MEPM serves host '" + host_id + "': " + host.mepm_uri);
}

std::optional<HostLoad> HostWatch::load(const std::string& host_id) const {
  const std::lock_guard guard(mutex_);
  const auto it = hosts_.find(host_id);
  if (it == hosts_.end() || !it->second.load) return std::nullopt;
  return *it->second.load;
}

void HostWatch::step(Time now, int wait_ms) {
  take_hosts(now);
  {
    const std::lock_guard guard(mutex_);
    for (auto& [id, host] : hosts_) begin_probe(id, host, now);
  }
  tell_changes(now);
  probes_->poll(wait_ms);
}

// Never under both locks: whoever reads the model asks for loads.
void HostWatch::take_hosts(Time now) {
  std::optional<std::uint64_t> taken;
  {
    const std::lock_guard guard(mutex_);
    taken = generation_;
  }
  std::uint64_t generation = 0;
  std::vector<Host> known;
  model_.read([&](const Model& model) {
    generation = model.generation();
    if (taken == generation) return;
    for (const auto& [id, entry] : model.hosts()) known.push_back(entry.host);
  });
  const std::lock_guard guard(mutex_);
  if (generation_ && *generation_ >= generation) return;
  generation_ = generation;
  std::map<std::string, Watched> hosts;
  for (const auto& now_is : known) {
    const auto before = hosts_.find(now_is.id);
    auto& host = hosts[now_is.id];
    if (before != hosts_.end()) host = std::move(before->second);
    take_host(host, now_is, now);
  }
  hosts_ = std::move(hosts);
}

// Whoever is taken for reachable, as after a restart of ours, has one whole lease before it must
// report.
void HostWatch::take_host(Watched& host, const Host& now_is, Time now) {
  const bool other_mepm = host.mepm_uri != now_is.mepm_uri || host.mepm_key != now_is.mepm_key;
  if (other_mepm) host.held = now;
  if (other_mepm && !now_is.reachable) host.heard.reset();
  if (host.lease_ms == 0 && now_is.lease_ms > 0 && now_is.reachable) host.heard = now;
  if (host.probe_uri != now_is.probe_uri) {
    host.failures = 0;
    host.probing = host.probe_failed = false;
    host.next_probe = now;
  }
  if (host.reachable != now_is.reachable) host.quiet_until = {};
  host.lease_ms = now_is.lease_ms;
  host.probe_uri = now_is.probe_uri;
  host.mepm_uri = now_is.mepm_uri;
  host.mepm_key = now_is.mepm_key;
  host.tier = tier_of(now_is);
  host.reachable = now_is.reachable;
}

bool HostWatch::lease_ended(const Watched& host, Time now) {
  if (host.lease_ms == 0) return false;
  return !host.heard || *host.heard + milliseconds(host.lease_ms) <= now;
}

void HostWatch::begin_probe(const std::string& host_id, Watched& host, Time now) {
  if (host.probe_uri.empty() || host.probing || host.next_probe > now) return;
  host.probing = true;
  host.next_probe = now + milliseconds(options_.probe_period_ms);
  probes_->begin({"GET", host.probe_uri, {}, ""},
                 [this, host_id, uri = host.probe_uri](const Result<http::Reply>& reply) {
                   const bool answered =
                       reply.ok() && reply->status >= 200 && reply->status <= kNoContent;
                   end_probe(host_id, uri, answered);
                 });
}

void HostWatch::end_probe(const std::string& host_id, const std::string& uri, bool answered) {
  const std::lock_guard guard(mutex_);
  const auto it = hosts_.find(host_id);
  if (it == hosts_.end() || it->second.probe_uri != uri) return;
  auto& host = it->second;
  host.probing = false;
  host.failures = answered ? 0 : host.failures + 1;
  host.probe_failed = host.failures >= options_.probe_failures_max;
}

// The model follows; if it cannot, it is told again.
void HostWatch::tell_changes(Time now) {
  std::vector<std::pair<std::string, bool>> changed;
  {
    const std::lock_guard guard(mutex_);
    for (auto& [id, host] : hosts_) {
      const bool silent = lease_ended(host, now);
      const bool probe_failed = !host.probe_uri.empty() && host.probe_failed;
      const bool reachable = !silent && !probe_failed;
      if (reachable == host.reachable || host.quiet_until > now) continue;
      host.quiet_until = now + kTellAgain;
      changed.emplace_back(id, reachable);
      if (reachable) {
        log::info("host answers again", {{"host", id}});
      } else {
        log::warn("host does not answer",
                  {{"host", id}, {"reason", silent ? "its lease has ended" : "probe failed"}});
      }
    }
  }
  for (const auto& [id, reachable] : changed) found_(id, reachable);
}

}  // namespace mx2
