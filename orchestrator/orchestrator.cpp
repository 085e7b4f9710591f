#include "orchestrator/orchestrator.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <future>

#include "api/base/log.h"
#include "api/http/async_client.h"
#include "api/program/program.h"
#include "lcm/mec010_driver.h"
#include "notifier/notifier.h"
#include "orchestrator/content.h"
#include "orchestrator/continuity.h"
#include "orchestrator/endpoints/callback_warning.h"
#include "orchestrator/mec_platform/mec_platform.h"
#include "orchestrator/operator/backups.h"
#include "orchestrator/packages/packages.h"
#include "orchestrator/store/store_outbox.h"

namespace mx2 {
namespace {

constexpr int kNotifierGraceMs = 1000;  // what is in flight then is sent again after the next start

constexpr std::size_t kProbeAnswerMax = std::size_t{16} << 10U;
constexpr std::size_t kMepmAnswerMax = std::size_t{16} << 20U;
constexpr int kMepmTimeoutMs = 5000;
constexpr int kPeerTimeoutMs = 1000;
constexpr std::size_t kPlatformAnswerMax = std::size_t{1} << 20U;
constexpr int kPlatformTimeoutMs = 1000;

// To peers that operators name.
std::unique_ptr<http::AsyncClient> peer_client(int timeout_ms, std::size_t response_bytes_max) {
  http::AsyncClientOptions options;
  options.connect_timeout_ms = options.timeout_ms = timeout_ms;
  options.response_bytes_max = response_bytes_max;
  return std::make_unique<http::CurlMulti>(options);
}

std::unique_ptr<lcm::LcmDriver> mepm_driver(const std::string& token) {
  return std::make_unique<lcm::Mec010Driver>(peer_client(kMepmTimeoutMs, kMepmAnswerMax), token);
}

LifecycleOptions lifecycle_options(const OrchestratorOptions& options) {
  auto lifecycle = options.lifecycle;
  lifecycle.capacity.dispatcher = options.strategy.dispatcher;
  return lifecycle;
}

// Another for each life, so that who follows an earlier one's changes is told to read everything
// again. Not the date: that of a machine that boots without one is the same each time.
std::int64_t first_position(const SystemClock& clock) {
  constexpr std::size_t kRandomPart = 20;  // the last 48 bits of a UUIDv7: JSON has them exactly
  return std::stoll(RandomIds(clock).next().substr(kRandomPart), nullptr, 16);
}

Dispatching dispatching(const StrategyOptions& strategy) {
  return {strategy.dispatcher, strategy.standard == Strategy::kDispatching};
}

}  // namespace

struct Orchestrator::Impl {
  Impl(std::unique_ptr<metrics::Registry> metrics, std::unique_ptr<Store> opened,
       const OrchestratorOptions& given, Authenticator who, const SystemClock& clock,
       const SteadyClock& steady, IdGenerator& ids)
      : options(given),
        registry(std::move(metrics)),
        store(std::move(opened)),
        wall(clock),
        steady_clock(steady),
        auth(std::move(who)),
        for_operators(options.operator_endpoints),
        events(options.events, registry->gauge("mx2_event_listeners",
                                               "Clients that wait for events of their contexts")),
        changes(options.changes, first_position(clock)),
        ledger(options.contexts_max, options.contexts_per_device_max, events, changes, *registry),
        relocation(model, *store, clock, ledger, options.strategy, *registry),
        core{model, *store, clock, ids, changes, relocation},
        contexts{core, ledger, events, options.strategy, &lifecycle},
        rewriter(core),
        hosts(
            model, changes, clock, options.hosts,
            peer_client(options.hosts.probe_timeout_ms, kProbeAnswerMax),
            [this](const std::string& id, bool reachable) { found_host(id, reachable); },
            *registry),
        lifecycle(
            core, ledger, [this](const std::string& id) { return hosts.load(id); },
            mepm_driver(options.mepm_token), lifecycle_options(options), *registry),
        outbox(*store, options.store.path + ".notifier"),
        mx2_router(*registry, "mx2"),
        operator_router(*registry, "operator"),
        mx2_server(options.mx2_server),
        operator_server(options.operator_server) {
    model.write([&](Model& m) { m.use(dispatching(options.strategy)); });
    relocation.use(lifecycle);
    if (!options.mec_platform.is_on()) return;
    platform = std::make_unique<MecPlatform>(options.mec_platform, ids, steady,
                                             peer_client(kPlatformTimeoutMs, kPlatformAnswerMax),
                                             *registry, options.end_program);
  }

  // Ends what still runs on the store's thread before anything it uses goes.
  ~Impl() { stop(); }

  void stop();
  void found_host(const std::string& id, bool reachable);
  Result<void> make_notifier(const SystemClock& clock, const SteadyClock& steady);
  Result<void> load();
  Result<void> begin(const SystemClock& clock);
  Result<void> resume();
  Result<void> start_packages();
  Result<void> load_first_content();
  Result<void> listen();
  void use(const OrchestratorOptions& read);

  const OrchestratorOptions options;  // as it was started with
  std::unique_ptr<metrics::Registry> registry;
  std::unique_ptr<Store> store;
  const SystemClock& wall;
  const SteadyClock& steady_clock;
  Live<Authenticator> auth;
  Live<OperatorEndpointOptions> for_operators;
  LiveModel model;
  ContextEvents events;
  ChangeFeed changes;
  ContextLedger ledger;
  Relocation relocation;
  Core core;
  Contexts contexts;
  TableRewriter rewriter;
  HostWatch hosts;
  Lifecycle lifecycle;
  OptimizerLease leader;
  Store::Loaded loaded;
  Fd claim;  // on the store's identity, on this machine
  StorePeers store_peers;
  std::unique_ptr<Backups> backups;
  std::unique_ptr<Packages> packages;
  std::unique_ptr<MecPlatform> platform;
  StoreOutbox outbox;
  std::unique_ptr<notifier::Notifier> notifier;
  std::shared_ptr<CallbackWarning> callbacks;
  http::Router mx2_router;
  http::Router operator_router;
  http::PistacheServer mx2_server;
  http::PistacheServer operator_server;
};

// The store closes between the listeners' last reply and their end: a request that was accepted is
// stored and answered first.
void Orchestrator::Impl::stop() {
  if (platform) platform->stop();  // nobody is to be sent here any more
  events.close();
  changes.close();
  hosts.stop();
  lifecycle.stop();
  if (backups) backups->stop();
  if (packages) packages->stop();
  rewriter.stop();
  mx2_server.stop(options.shutdown_grace_ms);
  operator_server.stop(options.shutdown_grace_ms);
  relocation.stop();
  if (notifier) notifier->stop(kNotifierGraceMs);
  store->close();
  claim = Fd();
}

// Contexts and the Optimizer follow; if it cannot be stored, HostWatch tells it again.
void Orchestrator::Impl::found_host(const std::string& id, bool reachable) {
  set_host_reachable(core, id, reachable, [id](const Result<Changed>& changed) {
    if (!changed) log::warn("host's state", {{"host", id}, {"reason", changed.error().detail}});
  });
}

// Before anything is submitted: the store tells it of each notification.
Result<void> Orchestrator::Impl::make_notifier(const SystemClock& clock,
                                               const SteadyClock& steady) {
  if (!options.notifier_here) return {};
  auto made = notifier::Notifier::make(outbox, clock, steady, *registry, options.notifier);
  if (!made) return made.error();
  notifier = std::move(*made);
  store->on_notification([this] { notifier->wake(); });
  return {};
}

Result<void> Orchestrator::Impl::load() {
  const auto start = std::chrono::steady_clock::now();
  auto stored = store->load(
      {[this](App&& app) { return model.write([&](Model& m) { return m.put_app(app); }); },
       [this](Host&& host) { return model.write([&](Model& m) { return m.put_host(host); }); },
       [this](TableChange&& row) -> Result<void> {
         model.write([&](Model& m) { m.apply(row); });
         return {};
       },
       [this](const ContextRecord& context) { ledger.restore(context); },
       [this](Package&& package) { model.write([&](Model& m) { m.put_package(package); }); },
       [this](PackageSubscription&& one) {
         model.write([&](Model& m) { m.put_package_subscription(one); });
       }});
  if (!stored) return stored.error();
  loaded = std::move(*stored);
  model.write([&](Model& m) { m.set_table_version(loaded.table_version); });
  leader.set_paused(loaded.optimizer_paused);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const auto& present = model.unlocked();
  log::info("store loaded", {{"apps", present.apps().size()},
                             {"hosts", present.hosts().size()},
                             {"rows", present.table().rows()},
                             {"table_version", present.table_version()},
                             {"contexts", ledger.total()},
                             {"seconds", took.count()}});
  return {};
}

Result<void> Orchestrator::Impl::begin(const SystemClock& clock) {
  Peers peers{{}, options.mepm_token};
  for (const auto& [id, entry] : model.unlocked().hosts()) {
    if (!entry.host.mepm_uri.empty()) peers.all.push_back({id, entry.host.mepm_uri});
  }
  const auto client = peer_client(kPeerTimeoutMs, kProbeAnswerMax);
  auto begun = begin_epoch(*store, loaded, options.store.path, peers, *client, clock);
  if (!begun) return begun.error();
  store_peers.begin(begun->epoch);
  claim = std::move(begun->claim);
  return {};
}

// What a stop has interrupted, and what is owed: when it is known that this is the store to go on
// with.
Result<void> Orchestrator::Impl::resume() {
  relocation.resume(loaded.relocating);
  if (auto resumed = rewriter.resume(loaded); !resumed) return resumed.error();
  if (notifier) notifier->start();
  return {};
}

Result<void> Orchestrator::Impl::start_packages() {
  const auto& given = options.packages.directory;
  const auto directory = given.empty() ? options.store.path + kPackagesSuffix : given;
  auto files = PackageFiles::open(directory);
  if (!files) return files.error();
  backups =
      std::make_unique<Backups>(*store, store_peers, core.clock, options.store.path, directory);
  backups->start();
  packages = std::make_unique<Packages>(core, options.packages, std::move(*files), *registry);
  contexts.onboarding = packages.get();
  packages->start();
  return {};
}

// Only into an empty store: what operators have changed since is never overwritten.
Result<void> Orchestrator::Impl::load_first_content() {
  const auto& m = model.unlocked();
  const bool empty = m.apps().empty() && m.hosts().empty() && m.table_version() == 0 &&
                     store->set_aside().size() == 0;
  if (options.content.empty() || !empty) return {};
  auto document = config::read_yaml_file(options.content);
  if (!document) return document.error();
  auto content = read_content(*document);
  if (!content) return content.error();
  std::promise<Result<Patched>> done;
  load_content(core, std::move(*content),
               [&done](Result<Patched> outcome) { done.set_value(std::move(outcome)); });
  auto outcome = done.get_future().get();
  if (!outcome) return invalid_argument(options.content + ": " + outcome.error().detail);
  log::info("first content loaded", {{"file", options.content}, {"rows", outcome->rows}});
  return {};
}

Result<void> Orchestrator::Impl::listen() {
  auto for_devices = options.mx2_endpoints;
  auto guard = notifier::AddressGuard::make(options.notifier.allow);
  if (notifier && guard) callbacks = std::make_shared<CallbackWarning>(*guard);
  for_devices.callbacks = callbacks;
  add_mx2_endpoints(mx2_router, contexts, auth, for_devices);
  add_legacy_endpoints(mx2_router, contexts, auth, for_devices);
  if (platform) add_platform_endpoints(mx2_router, *platform);
  OperatorServices services{core,      contexts,       rewriter,  hosts,       lifecycle, leader,
                            *packages, platform.get(), *registry, store_peers, *backups,  {}};
  if (notifier) services.relay_status = [this] { return notifier->status(); };
  add_operator_endpoints(operator_router, services, for_operators);
  if (auto listening = program::listen(mx2_server, mx2_router); !listening) return listening;
  return program::listen(operator_server, operator_router);
}

// All of it has been checked: what is refused all the same stays as it was.
void Orchestrator::Impl::use(const OrchestratorOptions& read) {
  log::configure(read.log.level,
                 read.log.format == "json" ? log::Format::kJson : log::Format::kText);
  auto who = Authenticator::make(read.auth, wall, steady_clock);
  if (who) auth.set(std::move(*who));
  for_operators.set(read.operator_endpoints);
  ledger.limit(read.contexts_max, read.contexts_per_device_max);
  auto guard = notifier::AddressGuard::make(read.notifier.allow);
  if (notifier) expect(notifier->allow(read.notifier.allow));
  if (callbacks && guard) callbacks->use(std::move(*guard));
}

bool is_live(std::string_view key) {
  static constexpr std::array kLive{"log.",
                                    "auth.",
                                    "mx2.trusted_proxies",
                                    "mx2.forwarded_header",
                                    "operator.token_file",
                                    "notifier.allow",
                                    "limits.contexts_max",
                                    "limits.contexts_per_device_max",
                                    "limits.requests_per_second_max",
                                    "limits.patch_rows_max",
                                    "limits.plan_rows_max",
                                    "limits.page_max"};
  return std::any_of(kLive.begin(), kLive.end(), [&](std::string_view live) {
    return live.ends_with('.') ? key.starts_with(live) : key == live;
  });
}

Result<std::unique_ptr<Orchestrator>> Orchestrator::start(const OrchestratorOptions& options,
                                                          const SystemClock& clock,
                                                          const SteadyClock& steady,
                                                          IdGenerator& ids) {
  auto registry = std::make_unique<metrics::Registry>();
  auto store = SqliteStore::open(options.store, *registry);
  if (!store) return store.error();
  return start_on(std::move(*store), std::move(registry), options, clock, steady, ids);
}

Result<std::unique_ptr<Orchestrator>> Orchestrator::start_on(
    std::unique_ptr<Store> store, std::unique_ptr<metrics::Registry> registry,
    const OrchestratorOptions& options, const SystemClock& clock, const SteadyClock& steady,
    IdGenerator& ids) {
  auto auth = Authenticator::make(options.auth, clock, steady);
  if (!auth) return auth.error();
  auto impl = std::make_unique<Impl>(std::move(registry), std::move(store), options,
                                     std::move(*auth), clock, steady, ids);
  if (auto ok = impl->make_notifier(clock, steady); !ok) return ok.error();
  if (auto ok = impl->load(); !ok) return ok.error();
  if (auto ok = impl->begin(clock); !ok) return ok.error();
  if (auto ok = impl->resume(); !ok) return ok.error();
  if (auto ok = impl->load_first_content(); !ok) return ok.error();
  if (auto ok = impl->start_packages(); !ok) return ok.error();
  impl->hosts.start();
  impl->lifecycle.start();
  if (auto ok = impl->listen(); !ok) return ok.error();
  if (impl->platform) impl->platform->start();  // what is announced is there
  return std::unique_ptr<Orchestrator>(new Orchestrator(std::move(impl)));
}

Orchestrator::Orchestrator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Orchestrator::~Orchestrator() { stop(); }

void Orchestrator::use(const OrchestratorOptions& read) { impl_->use(read); }

void Orchestrator::stop() { impl_->stop(); }

std::uint16_t Orchestrator::mx2_port() const { return impl_->mx2_server.port(); }
std::uint16_t Orchestrator::operator_port() const { return impl_->operator_server.port(); }

}  // namespace mx2
