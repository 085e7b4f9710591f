#include "orchestrator/operator/host_watch.h"

#include <vector>

#include "api/base/log.h"

namespace mx2 {
namespace {

constexpr int kRoundMs = 100;
constexpr auto kTellAgain = std::chrono::seconds(1);
constexpr int kNoContent = 299;  // the last status that is a success

}  // namespace

HostWatch::HostWatch(const LiveModel& model, ChangeFeed& changes, const Clock& clock,
                     const HostWatchOptions& options, std::unique_ptr<http::AsyncClient> probes,
                     Found found)
    : model_(model),
      changes_(changes),
      clock_(clock),
      options_(options),
      probes_(std::move(probes)),
      found_(std::move(found)) {}

HostWatch::~HostWatch() { stop(); }

void HostWatch::start() {
  thread_ = std::thread([this] { run(); });
}

void HostWatch::stop() {
  {
    const std::lock_guard guard(mutex_);
    stopped_ = true;
  }
  probes_->wake();
  if (thread_.joinable()) thread_.join();
}

void HostWatch::run() {
  while (true) {
    {
      const std::lock_guard guard(mutex_);
      if (stopped_) return;
    }
    step(std::chrono::steady_clock::now(), kRoundMs);
  }
}

Result<void> HostWatch::report(const std::string& host_id, HostLoad load) {
  const auto now = std::chrono::steady_clock::now();
  take_hosts(now);
  load.reported_ms = clock_.now_ms();
  load.age_ms = 0;
  const auto shared = std::make_shared<const HostLoad>(std::move(load));
  {
    const std::lock_guard guard(mutex_);
    const auto it = hosts_.find(host_id);
    if (it == hosts_.end()) return not_found("no host '" + host_id + "'");
    it->second.load = shared;
    it->second.lease_end = now + std::chrono::milliseconds(it->second.lease_ms);
  }
  changes_.publish(HostReported{host_id, shared});
  return {};
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

// A host that is new, or whose lease is, has one whole lease before it must report.
void HostWatch::take_hosts(Time now) {
  const std::lock_guard guard(mutex_);
  model_.read([&](const Model& model) {
    if (generation_ == model.generation()) return;
    generation_ = model.generation();
    std::map<std::string, Watched> hosts;
    for (const auto& [id, entry] : model.hosts()) {
      const auto before = hosts_.find(id);
      auto& host = hosts[id];
      if (before != hosts_.end()) host = std::move(before->second);
      if (host.lease_ms != entry.host.lease_ms) {
        host.lease_end = now + std::chrono::milliseconds(entry.host.lease_ms);
      }
      if (host.probe_uri != entry.host.probe_uri) {
        host.failures = 0;
        host.probing = host.probe_failed = false;
        host.next_probe = now;
      }
      host.lease_ms = entry.host.lease_ms;
      host.probe_uri = entry.host.probe_uri;
      if (host.reachable != entry.host.reachable) host.quiet_until = {};
      host.reachable = entry.host.reachable;
    }
    hosts_ = std::move(hosts);
  });
}

void HostWatch::begin_probe(const std::string& host_id, Watched& host, Time now) {
  if (host.probe_uri.empty() || host.probing || host.next_probe > now) return;
  host.probing = true;
  host.next_probe = now + std::chrono::milliseconds(options_.probe_period_ms);
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
      const bool lease_ended = host.lease_ms > 0 && host.lease_end <= now;
      const bool probe_failed = !host.probe_uri.empty() && host.probe_failed;
      const bool reachable = !lease_ended && !probe_failed;
      if (reachable == host.reachable || host.quiet_until > now) continue;
      host.quiet_until = now + kTellAgain;
      changed.emplace_back(id, reachable);
      if (reachable) {
        log::info("host answers again", {{"host", id}});
      } else {
        log::warn("host does not answer",
                  {{"host", id}, {"reason", lease_ended ? "its lease has ended" : "probe failed"}});
      }
    }
  }
  for (const auto& [id, reachable] : changed) found_(id, reachable);
}

}  // namespace mx2
