#include "orchestrator/lifecycle/lifecycle.h"

#include <algorithm>
#include <utility>

#include "api/base/log.h"
#include "orchestrator/operator/procedures.h"

namespace mx2 {
namespace {

using std::chrono::milliseconds;

constexpr int kLifecycleRoundMs = 200;
constexpr auto kShowEvery = milliseconds(100);
constexpr auto kPublishAgain = std::chrono::seconds(1);
// A table that is being rewritten changes all the time; so often it is looked at.
constexpr auto kTableLook = milliseconds(500);

Error not_started(const std::string& reason) {
  return forbidden("instantiation-failed", "the application could not be started: " + reason);
}

Error not_in_time() {
  auto error = unavailable("the application is being started; try again");
  error.cause = "instantiation-timeout";
  return error;
}

std::optional<double> required_ms(const Model& model, const std::string& app_d_id) {
  const auto* entry = model.app(app_d_id);
  if (entry == nullptr || !entry->app.info.app_charcs) return std::nullopt;
  const auto& latency = entry->app.info.app_charcs->latency;
  return latency ? std::optional(static_cast<double>(*latency)) : std::nullopt;
}

// Contexts of dispatched apps need both: the λ, and the dispatcher that they call.
void count_dispatched(const Model& model, CapacityInputs& inputs) {
  const auto contexts = inputs.clients;
  for (const auto& [cell, clients] : contexts) {
    const auto& by = model.served_by(cell.first);
    if (by != cell.first) inputs.clients[{by, cell.second}] += clients;
  }
}

std::vector<AppInstance> managed_of(const Host& host) {
  std::vector<AppInstance> managed;
  std::copy_if(host.instances.begin(), host.instances.end(), std::back_inserter(managed),
               [](const AppInstance& instance) { return instance.managed; });
  return managed;
}

}  // namespace

Lifecycle::Lifecycle(Core& core, ContextLedger& ledger, LoadOf load_of,
                     std::unique_ptr<lcm::LcmDriver> driver, const LifecycleOptions& options,
                     metrics::Registry& registry)
    : core_(core),
      ledger_(ledger),
      load_of_(std::move(load_of)),
      driver_(std::move(driver)),
      options_(options),
      ready_(registry.gauge("mx2_instances_ready", "λ instances that requests can be sent to")),
      failures_(
          registry.counter("mx2_instance_failures_total", "λ instances that could not be started")),
      capacity_(options.capacity),
      abandoned_(core, ledger, options.abandon_ms) {}

Lifecycle::~Lifecycle() { stop(); }

void Lifecycle::start() {
  worker_.repeat([this] { step(std::chrono::steady_clock::now(), kLifecycleRoundMs); },
                 [this] { driver_->wake(); });
}

void Lifecycle::stop() {
  {
    const std::lock_guard guard(mutex_);
    stopped_ = true;
  }
  worker_.stop();
  take_inbox(std::chrono::steady_clock::now());
  for (auto& waiting : std::exchange(waiting_, {})) {
    waiting.answer(unavailable("the orchestrator is stopping"));
  }
}

void Lifecycle::want(const std::string& app_d_id, const std::string& host_id) {
  {
    const std::lock_guard guard(mutex_);
    inbox_.wanted.emplace_back(app_d_id, host_id);
  }
  driver_->wake();
}

void Lifecycle::when_ready(const std::string& app_d_id, const std::string& host_id,
                           Callback<Result<void>> answer) {
  {
    const std::lock_guard guard(mutex_);
    if (!stopped_ && waiting_count_ < options_.waiting_max) {
      ++waiting_count_;
      inbox_.waiting.push_back({{app_d_id, host_id}, {}, std::move(answer)});
      inbox_.wanted.emplace_back(app_d_id, host_id);
      return driver_->wake();
    }
  }
  answer(unavailable("too many requests wait for an instance"));
}

void Lifecycle::look_at(const std::string& host_id) {
  {
    const std::lock_guard guard(mutex_);
    inbox_.hosts.push_back(host_id);
  }
  driver_->wake();
}

std::vector<ManagedInstance> Lifecycle::instances() const {
  const std::lock_guard guard(mutex_);
  return shown_;
}

std::vector<WantedInstances> Lifecycle::wanted() const {
  const std::lock_guard guard(mutex_);
  return shown_wanted_;
}

void Lifecycle::step(Time now, int wait_ms) {
  take_model(now);
  take_inbox(now);
  adjust_capacity(now);
  abandoned_.step();
  step_hosts(now);
  answer_waiting(now);
  show(now);
  driver_->poll(std::max(1, std::min(wait_ms, until_next(now))));
}

int Lifecycle::until_next(Time now) const {
  auto next = capacity_at_;
  for (const auto& [id, host] : hosts_) {
    if (host.reachable) next = std::min(next, host.next);
  }
  for (const auto& waiting : waiting_) next = std::min(next, waiting.deadline);
  return static_cast<int>(std::chrono::ceil<milliseconds>(next - now).count());
}

void Lifecycle::take_inbox(Time now) {
  Inbox inbox;
  {
    const std::lock_guard guard(mutex_);
    inbox = std::exchange(inbox_, {});
  }
  for (const auto& cell : inbox.wanted) capacity_.want(cell, to_ms(now));
  for (auto& waiting : inbox.waiting) {
    waiting.deadline = now + milliseconds(options_.ready_wait_ms);
    waiting_.push_back(std::move(waiting));
  }
  for (const auto& id : inbox.hosts) {
    const auto host = hosts_.find(id);
    if (host != hosts_.end()) host->second.reconciler->look_now();
  }
}

void Lifecycle::take_model(Time now) {
  core_.model.read([&](const Model& model) {
    if (generation_ == model.generation()) return;
    generation_ = model.generation();
    capacity_at_ = std::min(capacity_at_, now + kTableLook);
    packaged_.clear();
    for (const auto& [id, package] : model.packages()) {
      if (model.package_of(package.app_d_id) != &package) continue;
      packaged_[package.app_d_id] = package.ready_timeout_ms;
    }
    std::erase_if(hosts_, [&](const auto& item) {
      const auto* entry = model.host(item.first);
      return entry == nullptr || entry->host.mepm_uri != item.second.reconciler->mepm();
    });
    for (const auto& [id, entry] : model.hosts()) {
      if (!entry.host.mepm_uri.empty()) take_host(entry);
    }
  });
}

void Lifecycle::take_host(const HostEntry& entry) {
  auto& host = hosts_[entry.host.id];
  if (!host.reconciler) {
    const auto ready_time_of = [this](const std::string& app) -> std::int64_t {
      const auto it = packaged_.find(app);
      return it == packaged_.end() ? 0 : it->second;
    };
    host.reconciler = std::make_unique<HostReconciler>(
        entry.host.id, entry.host.mepm_uri, *driver_, core_.ids, options_.reconcile, ready_time_of);
  }
  if (!host.reachable && entry.host.reachable) host.reconciler->look_now();
  host.reachable = entry.host.reachable;
  host.accepts = entry.host.state == HostState::kUp;
  auto published = managed_of(entry.host);
  if (published != host.published) host.publish_after = {};  // done: the next need not wait
  host.published = std::move(published);
  host.unable = entry.host.unable;
}

// Of hosts that were not seen yet nothing is known, so nothing is decided.
void Lifecycle::adjust_capacity(Time now) {
  for (auto& [id, host] : hosts_) {
    // What is found there is wanted until it is decided, which must not wait: it would be ended.
    const bool known = host.reconciler->known();
    if (known && !host.known) capacity_at_ = now;
    host.known = known;
  }
  if (capacity_at_ > now) return;
  capacity_at_ = now + milliseconds(options_.capacity.period_ms);
  CapacityInputs inputs;
  inputs.clients = ledger_.clients();
  for (const auto& waiting : waiting_) ++inputs.clients[waiting.cell];
  for (auto& [id, host] : hosts_) {
    if (!host.reachable || !host.reconciler->known()) continue;
    auto& there = inputs.hosts[id];
    for (const auto& instance : host.published) ++there.ready[instance.app_d_id];
    there.living = host.reconciler->living();
    there.accepts = host.accepts;
    there.load = load_of_(id);
  }
  core_.model.read([&](const Model& model) {
    count_dispatched(model, inputs);
    for (const auto& [app, ready_timeout_ms] : packaged_) {
      inputs.apps[app] = required_ms(model, app);
      for (const auto& [host, devices] : model.table().devices_by_host(app)) {
        auto& clients = inputs.clients[{app, host}];
        clients = std::max(clients, devices);
      }
    }
  });
  capacity_.adjust(inputs, to_ms(now));
  abandoned_.look(inputs.clients, now);
}

void Lifecycle::step_hosts(Time now) {
  for (auto& [id, host] : hosts_) {
    if (!host.reachable) continue;
    host.next = host.reconciler->step(now, capacity_.of_host(id));
    for (const auto& [app, reason] : host.reconciler->take_failures()) {
      failures_.add(1);
      failed_[{app, id}] = reason;
    }
    if (host.reconciler->known() || host.reconciler->deaf()) publish(id, host, now);
  }
}

void Lifecycle::publish(const std::string& host_id, ManagedHost& host, Time now) {
  auto ready = host.reconciler->known() ? host.reconciler->ready(now) : host.published;
  auto unable = host.reconciler->unable();
  if ((ready == host.published && unable == host.unable) || host.publish_after > now) return;
  host.publish_after = now + kPublishAgain;
  set_managed_instances(
      core_, host_id, std::move(ready), std::move(unable),
      [this, host_id](const Result<Changed>& outcome) {
        if (!outcome) {
          log::warn("instances of a host", {{"host", host_id}, {"reason", outcome.error().detail}});
        }
        driver_->wake();
      });
}

bool Lifecycle::serves(const Cell& cell) const {
  const auto host = hosts_.find(cell.second);
  if (host == hosts_.end()) return false;
  const auto& published = host->second.published;
  return std::any_of(published.begin(), published.end(),
                     [&](const AppInstance& i) { return i.app_d_id == cell.first; });
}

void Lifecycle::answer_waiting(Time now) {
  std::vector<std::pair<Callback<Result<void>>, Result<void>>> answers;
  std::erase_if(waiting_, [&](Waiting& waiting) {
    std::optional<Result<void>> outcome;
    const auto failed = failed_.find(waiting.cell);
    if (serves(waiting.cell)) {
      outcome = Result<void>();
    } else if (failed != failed_.end()) {
      outcome = not_started(failed->second);
    } else if (waiting.deadline <= now) {
      outcome = not_in_time();
    }
    if (outcome) answers.emplace_back(std::move(waiting.answer), std::move(*outcome));
    return outcome.has_value();
  });
  failed_.clear();
  {
    const std::lock_guard guard(mutex_);
    waiting_count_ -= answers.size();
  }
  for (auto& [answer, outcome] : answers) answer(std::move(outcome));
}

void Lifecycle::show(Time now) {
  if (now < show_at_) return;
  show_at_ = now + kShowEvery;
  std::vector<ManagedInstance> all;
  std::size_t ready = 0;
  for (const auto& [id, host] : hosts_) {
    ready += host.published.size();
    for (auto& instance : host.reconciler->instances()) all.push_back(std::move(instance));
  }
  ready_.set(static_cast<double>(ready));
  auto wanted = capacity_.all();
  const std::lock_guard guard(mutex_);
  shown_ = std::move(all);
  shown_wanted_ = std::move(wanted);
}

}  // namespace mx2
