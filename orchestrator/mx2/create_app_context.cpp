// Decided on the HTTP worker's thread, checked again and stored on the writer's: a context either
// sees a new table or is seen by the rewrite that brings it.
#include "api/base/log.h"
#include "api/mx2/codec.h"
#include "orchestrator/core/assignment.h"
#include "orchestrator/domain/placement.h"
#include "orchestrator/mx2/procedures.h"

namespace mx2 {
namespace {

std::string instance_pointer(std::size_t index) {
  return "/appInfo/userAppInstanceInfo/" + std::to_string(index) + "/appLocation";
}

AppReference reference_of(const ContextAppInfo& info, bool legacy) {
  AppReference reference{info.app_d_id, info.app_name, info.app_provider, info.app_d_version,
                         info.app_soft_version};
  if (legacy) reference.app_d_version.reset();  // V1.1.1 has no such attribute
  return reference;
}

class CreateAppContext final : public UnitOfWork {
 public:
  CreateAppContext(Contexts& contexts, AppContext request, Caller caller, bool legacy,
                   Callback<Result<StoredContext>> answer)
      : contexts_(contexts),
        request_(std::move(request)),
        caller_(std::move(caller)),
        legacy_(legacy),
        answer_(std::move(answer)) {}

  // Everything but storing; on a worker's thread, and once more on that of life-cycle management.
  Result<void> prepare() {
    record_.context_id = contexts_.core.ids.next();
    record_.created_ms = contexts_.core.clock.now_ms();
    record_.dev_app_id = request_.associate_dev_app_id;
    record_.subject = caller_.subject;
    record_.client_ip = caller_.ip_text;
    record_.legacy = legacy_;
    record_.has_callback = request_.callback_reference.has_value();
    if (auto prepared = prepare_locations(); !prepared) return prepared;
    auto decided = contexts_.core.model.read([this](const Model& model) { return decide(model); });
    if (decided.ok()) record_.document = codec::encode(context_);
    return decided;
  }

  void refuse(const Error& error) { answer_(error); }
  [[nodiscard]] static Error no_host() {
    return forbidden("no-host", "no MEC host can serve this application for this UE now");
  }

  // Where the application can be had that the catalogue does not have; empty: nowhere.
  [[nodiscard]] std::string package_source() const {
    const auto& source = request_.app_info.app_package_source;
    const bool allowed = app_unknown_ && source && contexts_.onboarding != nullptr &&
                         contexts_.onboarding->allows(*source);
    return allowed ? *source : std::string();
  }

  // What must be started before this can be answered.
  [[nodiscard]] std::optional<Start> needs_start() const {
    return address_may_follow() ? std::nullopt : start_;
  }

  // What will have to be started next.
  void begin_meanwhile() const {
    if (also_) contexts_.instantiation->want(also_->app_d_id, also_->host_id);
  }

  Result<void> run(StoreTransaction& transaction) override {
    const Model& model = contexts_.core.model.unlocked();
    if (model.generation() != generation_) {
      if (auto decided = decide(model); !decided) return decided;
      if (needs_start()) return no_host();
      record_.document = codec::encode(context_);
    }
    if (auto within = contexts_.ledger.admit(record_); !within) return within;
    counted_ = true;
    return transaction.insert_context(record_);
  }

  [[nodiscard]] bool writes_once() const override { return true; }

  void done(const Result<void>& outcome) noexcept override {
    if (!outcome && counted_) contexts_.ledger.withdraw(record_);
    if (!outcome) return answer_(outcome.error());
    contexts_.ledger.added(record_, context_, escalated_);
    if (log::debug_enabled()) {
      log::debug("context created", {{"context", record_.context_id},
                                     {"app", record_.app_d_id},
                                     {"ue", record_.ue},
                                     {"host", record_.host_id}});
    }
    if (start_) contexts_.instantiation->want(start_->app_d_id, start_->host_id);
    begin_meanwhile();
    answer_(StoredContext{std::move(record_.document), record_.context_id, record_.revision,
                          record_.reference_uri});
  }

 private:
  // Polygons are compared before anything is locked.
  Result<void> prepare_locations() {
    const auto& items = request_.app_info.user_app_instance_info;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!items[i].app_location) continue;
      if (auto known = locations_.add(*items[i].app_location); !known) {
        return invalid_argument(known.error().detail, instance_pointer(i));
      }
    }
    if (locations_.empty()) return {};
    locations_.compare(contexts_.core.model.read([this](const Model& model) {
      auto offers = model.service_areas();
      const auto found = resolve(model);
      if (found && *found != nullptr) offers.push_back((*found)->locations);
      return offers;
    }));
    return {};
  }

  [[nodiscard]] Result<const CatalogueEntry*> resolve(const Model& model) const {
    return model.resolve(reference_of(request_.app_info, legacy_),
                         [this](const CatalogueEntry& entry) { return may_use(entry, caller_); });
  }

  // Under the model's lock, or on the writer's thread.
  Result<void> decide(const Model& model) {
    generation_ = model.generation();
    context_ = request_;
    record_.host_id.clear();
    record_.reference_uri.clear();
    record_.ue.clear();
    escalated_.reset();
    start_.reset();
    also_.reset();
    context_.context_id = record_.context_id;
    const auto found = resolve(model);
    if (!found) return found.error();
    const CatalogueEntry* entry = *found;
    app_unknown_ = entry == nullptr;
    if (app_unknown_) return unknown_app();
    record_.app_d_id = entry->app.info.app_d_id;
    context_.app_info.app_d_id = record_.app_d_id;
    if (legacy_) context_.app_info.app_d_version = entry->app.info.app_d_version;
    for (std::size_t i = 0; i < request_.app_info.user_app_instance_info.size(); ++i) {
      if (auto placed = place_instance(model, *entry, i); !placed) return placed;
    }
    set_waits(record_, context_.app_info.user_app_instance_info);
    return {};
  }

  [[nodiscard]] Error unknown_app() const {
    if (request_.app_info.app_package_source) {
      return forbidden("onboarding-not-allowed",
                       "the application is not in the ApplicationList, and packages are not "
                       "on-boarded from this appPackageSource");
    }
    auto error = invalid_argument("no such application in the ApplicationList", "/appInfo");
    error.cause = "unknown-app";
    return error;
  }

  Result<void> place_instance(const Model& model, const CatalogueEntry& entry, std::size_t index) {
    auto& instance = context_.app_info.user_app_instance_info[index];
    PlacementQuery query{record_.app_d_id, record_.dev_app_id, caller_.ip, nullptr, {}};
    query.location = locations_.find(instance);
    if (query.location != nullptr && !entry.locations->empty() &&
        !query.location->matches_offer(entry.locations)) {
      return invalid_argument("matches none of the appLocations of this application",
                              instance_pointer(index));
    }
    const auto placement = place(model, query);
    if (!placement) return find_start(model, query);
    instance.app_instance_id = placement->app_instance_id;
    instance.reference_uri = placement->reference_uri;
    if (index > 0) return {};
    record_.host_id = placement->host_id;
    record_.reference_uri = placement->reference_uri;
    record_.ue = placement->ue;
    escalated_ = placement->escalated;
    if (wants_several(entry)) expand(model, contexts_.strategy, query, context_);
    start_ = start_behind(model, placement->host_id);
    return {};
  }

  // A dispatcher needs somebody whom it can call, best beside it.
  [[nodiscard]] std::optional<Start> start_behind(const Model& model,
                                                  const std::string& beside) const {
    const auto& app = record_.app_d_id;
    if (contexts_.instantiation == nullptr || model.served_by(app) == app) return std::nullopt;
    if (!model.hosts_of(app).empty()) return std::nullopt;
    const auto can = [&](const HostEntry& entry) {
      return entry.host.state == HostState::kUp && entry.host.reachable &&
             model.can_start(entry, app);
    };
    const auto* own = model.host(beside);
    if (own != nullptr && can(*own)) return Start{app, beside};
    for (const auto& [id, entry] : model.hosts()) {
      if (can(entry)) return Start{app, id};
    }
    return std::nullopt;
  }

  // Clients of the V1.1.1 dialect know one address; a list of several wishes is answered as it is.
  [[nodiscard]] bool wants_several(const CatalogueEntry& entry) const {
    return strategy_of(entry.app, contexts_.strategy) == Strategy::kMultiple && !legacy_ &&
           request_.app_info.user_app_instance_info.size() == 1;
  }

  // Nobody runs it now; perhaps it can be started somewhere.
  Result<void> find_start(const Model& model, PlacementQuery query) {
    const auto& app = model.served_by(query.app_d_id);
    if (contexts_.instantiation != nullptr && model.is_packaged(app)) {
      query.could_start = true;
      const auto could = place(model, query);
      if (could) {
        start_ = {app, could->host_id};
        also_ = start_behind(model, could->host_id);
        return {};
      }
    }
    return nowhere(query.location != nullptr);
  }

  // A client that can wait gets the item without an address (MEC 016, 6.2.3).
  [[nodiscard]] bool address_may_follow() const {
    return request_.app_auto_instantiation.value_or(false);
  }

  [[nodiscard]] Result<void> nowhere(bool location_requested) const {
    if (!location_requested) return no_host();
    if (address_may_follow() || request_.app_location_updates.value_or(false)) return {};
    return forbidden("no-host-in-location",
                     "no MEC host can serve this application in the requested location now");
  }

  Contexts& contexts_;
  const AppContext request_;
  const Caller caller_;
  const bool legacy_;
  Callback<Result<StoredContext>> answer_;
  AskedLocations locations_;
  AppContext context_;
  ContextRecord record_;
  bool app_unknown_ = false;
  std::optional<EscalationCause> escalated_;
  std::optional<Start> start_;
  std::optional<Start> also_;  // meanwhile
  std::uint64_t generation_ = 0;
  bool counted_ = false;
};

void create(Contexts& contexts, std::unique_ptr<CreateAppContext> unit, std::size_t waits_max);

void create_after_onboarding(Contexts& contexts, std::unique_ptr<CreateAppContext> unit,
                             std::size_t waits_max) {
  const auto source = unit->package_source();
  contexts.onboarding->onboard(source, [&contexts, unit = std::move(unit),
                                        waits_max](const Result<std::string>& app_d_id) mutable {
    if (app_d_id) return create(contexts, std::move(unit), waits_max);
    unit->refuse(forbidden("onboarding-failed", "appPackageSource: " + app_d_id.error().detail));
  });
}

// Decides, perhaps waits for a package or an instance and decides again, then stores. Each item may
// have to be waited for.
void create(Contexts& contexts, std::unique_ptr<CreateAppContext> unit, std::size_t waits_max) {
  if (auto prepared = unit->prepare(); !prepared) {
    const bool onboards = waits_max > 0 && !unit->package_source().empty();
    if (onboards) return create_after_onboarding(contexts, std::move(unit), waits_max - 1);
    return unit->refuse(prepared.error());
  }
  const auto start = unit->needs_start();
  if (!start) return contexts.core.store.submit(std::move(unit));
  if (waits_max == 0) return unit->refuse(CreateAppContext::no_host());
  unit->begin_meanwhile();
  contexts.instantiation->when_ready(
      start->app_d_id, start->host_id,
      [&contexts, unit = std::move(unit), waits_max](const Result<void>& ready) mutable {
        if (!ready) return unit->refuse(ready.error());
        create(contexts, std::move(unit), waits_max - 1);
      });
}

}  // namespace

void create_app_context(Contexts& contexts, AppContext request, Caller caller, bool legacy,
                        Callback<Result<StoredContext>> answer) {
  const auto waits_max = request.app_info.user_app_instance_info.size() + 2;
  create(contexts,
         std::make_unique<CreateAppContext>(contexts, std::move(request), std::move(caller), legacy,
                                            std::move(answer)),
         waits_max);
}

}  // namespace mx2
