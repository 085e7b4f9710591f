#include "orchestrator/core/context_ledger.h"

#include <charconv>
#include <functional>

#include "api/base/text.h"
#include "orchestrator/core/assignment.h"

namespace mx2 {
namespace {

// The subject counts: nobody uses up another's limit by borrowing its associateDevAppId.
std::uint64_t key_of_owner(const ContextRecord& context) {
  return std::hash<std::string>{}(context.subject + '\n' + context.dev_app_id);
}

std::uint64_t key_of_use(std::string_view app_d_id, std::string_view dev_app_id) {
  const std::hash<std::string_view> hash;
  return hash(app_d_id) * 0x9E3779B97F4A7C15ULL + hash(dev_app_id);
}

}  // namespace

ContextLedger::ContextLedger(std::size_t contexts_max, std::size_t contexts_per_device_max,
                             ContextEvents& events, ChangeFeed& changes,
                             metrics::Registry& registry)
    : contexts_max_(contexts_max),
      contexts_per_device_max_(contexts_per_device_max),
      events_(events),
      changes_(changes),
      gauge_(registry.gauge("mx2_contexts", "Application contexts")) {
  for (std::size_t i = 0; i < escalations_.size(); ++i) {
    escalations_[i] = &registry.counter("mx2_escalations_total",
                                        "Contexts that came to a host of a higher tier than they "
                                        "had or their row prefers, by cause",
                                        {{"cause", std::string(kEscalationCauses[i])}});
  }
}

void ContextLedger::limit(std::size_t contexts_max, std::size_t contexts_per_device_max) {
  contexts_max_ = contexts_max;
  contexts_per_device_max_ = contexts_per_device_max;
}

Result<void> ContextLedger::admit(const ContextRecord& context) {
  if (total_ >= contexts_max_) {
    return forbidden("context-limit", "no more application contexts can be held");
  }
  auto& count = per_device_[key_of_owner(context)];
  if (count >= contexts_per_device_max_) {
    return forbidden(
        "device-context-limit",
        "this device application has " + std::to_string(count) + " contexts, which is its limit");
  }
  ++count;
  gauge_.set(static_cast<double>(++total_));
  return {};
}

void ContextLedger::withdraw(const ContextRecord& context) {
  const auto it = per_device_.find(key_of_owner(context));
  if (it == per_device_.end()) return;
  if (--it->second == 0) per_device_.erase(it);
  gauge_.set(static_cast<double>(--total_));
}

void ContextLedger::count_escalation(std::optional<EscalationCause> cause) {
  if (cause) escalations_.at(static_cast<std::size_t>(*cause))->add();
}

void ContextLedger::added(const ContextRecord& record, const AppContext& context,
                          std::optional<EscalationCause> escalated) {
  list(record);
  count_escalation(escalated);
  if (changes_.followed()) {
    changes_.publish(ContextChanged{place_of(record, context)});
  } else {
    changes_.skip();
  }
}

void ContextLedger::changed(Entry entry) {
  count_escalation(entry.escalated);
  if (entry.told) events_.publish(entry.context_id, entry.revision, *entry.told);
  if (!entry.place) return;
  const auto& place = *entry.place;
  if (place.host_id != entry.host_before) {
    discount_client(place.app_d_id, entry.host_before);
    count_client(place.app_d_id, place.host_id);
  }
  changes_.publish(ContextChanged{std::move(*entry.place)});
}

void ContextLedger::ended(const ContextRecord& record) {
  withdraw(record);
  unlist(record);
  const auto& id = record.context_id;
  events_.publish(id, record.revision, ApplicationContextDeleteNotification{id});
  changes_.publish(ContextEnded{id});
}

void ContextLedger::restore(const ContextRecord& context) {
  ++per_device_[key_of_owner(context)];
  gauge_.set(static_cast<double>(++total_));
  list(context);
}

std::vector<std::string> ContextLedger::find(std::string_view app_d_id,
                                             std::string_view dev_app_id) const {
  std::vector<std::string> ids;
  const auto [begin, end] = contexts_.equal_range(key_of_use(app_d_id, dev_app_id));
  for (auto it = begin; it != end; ++it) ids.push_back(to_hex(it->second));
  return ids;
}

ContextLedger::Clients ContextLedger::clients() const {
  const std::lock_guard guard(clients_mutex_);
  Clients all;
  for (const auto& [app, hosts] : clients_) {
    for (const auto& [host, count] : hosts) all[{app, host}] = count;
  }
  return all;
}

ContextLedger::PackedId ContextLedger::pack(std::string_view context_id) {
  PackedId packed{};
  for (std::size_t i = 0; i < packed.size() && 2 * i + 2 <= context_id.size(); ++i) {
    const char* digits = context_id.data() + 2 * i;
    std::from_chars(digits, digits + 2, packed[i], 16);
  }
  return packed;
}

void ContextLedger::list(const ContextRecord& context) {
  contexts_.emplace(key_of_use(context.app_d_id, context.dev_app_id), pack(context.context_id));
  count_client(context.app_d_id, context.host_id);
}

void ContextLedger::unlist(const ContextRecord& context) {
  discount_client(context.app_d_id, context.host_id);
  const auto packed = pack(context.context_id);
  const auto [begin, end] = contexts_.equal_range(key_of_use(context.app_d_id, context.dev_app_id));
  for (auto it = begin; it != end; ++it) {
    if (it->second != packed) continue;
    contexts_.erase(it);
    return;
  }
}

void ContextLedger::count_client(const std::string& app_d_id, const std::string& host_id) {
  const std::lock_guard guard(clients_mutex_);
  ++clients_[app_d_id][host_id];
}

void ContextLedger::discount_client(const std::string& app_d_id, const std::string& host_id) {
  const std::lock_guard guard(clients_mutex_);
  const auto app = clients_.find(app_d_id);
  if (app == clients_.end()) return;
  const auto host = app->second.find(host_id);
  if (host == app->second.end()) return;
  if (--host->second == 0) app->second.erase(host);
}

}  // namespace mx2
