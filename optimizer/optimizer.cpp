#include "optimizer/optimizer.h"

#include <cmath>

#include "api/operator/codec.h"

namespace mx2::optimizer {
namespace {

constexpr int kAttemptsMax = 5;

Result<Association> row_of(const json::Value& value) {
  auto change = codec::decode_stored_change(value);
  if (!change) return change.error();
  return std::move(change->row);
}

}  // namespace

Result<void> Optimizer::begin(const FeedClient::Mark& mark) {
  replica_.begin_again();
  replica_.set_strategies(mark.dispatcher, mark.standard);
  return {};
}

Result<void> Optimizer::take_item(const std::string& list, const json::Value& item) {
  const auto use = [](const auto& value, const auto& put) -> Result<void> {
    if (!value) return value.error();
    put(*value);
    return {};
  };
  const auto now_ms = clock_.now_ms();
  if (list == "hosts") {
    return use(codec::decode_stored_host(item),
               [&](const Host& h) { replica_.put_host(h, now_ms); });
  }
  if (list == "apps") {
    return use(codec::decode_stored_app(item),
               [&](const App& app) { (void)replica_.put_app(app); });
  }
  if (list == "table") {
    return use(row_of(item), [&](const Association& row) { (void)replica_.put_row(row); });
  }
  return use(codec::decode_context_place(item),
             [&](const ContextPlace& c) { replica_.put_context(c, now_ms); });
}

Result<void> Optimizer::take_change(json::Value change) {
  const auto kind = json::text_of(change, "kind");
  const auto now_ms = clock_.now_ms();
  if (kind == "context") {
    const auto context = codec::decode_context_place(change);
    if (!context) return context.error();
    const auto effect = replica_.put_context(*context, now_ms);
    if (effect == Replica::Effect::kSmall) ++attachments_changed_;
  } else if (kind == "contextEnded") {
    replica_.end_context(json::text_of(change, "contextId"));
  } else if (kind == "row") {
    const auto row = row_of(resource_of(std::move(change)));
    if (!row) return row.error();
    if (replica_.put_row(*row) == Replica::Effect::kLarge) urgent_ = true;
  } else if (kind == "rowRemoved") {
    const auto effect =
        replica_.remove_row({json::text_of(change, "app"), json::text_of(change, "ue")});
    if (effect == Replica::Effect::kLarge) urgent_ = true;
  } else if (kind == "host") {
    const auto host = codec::decode_stored_host(resource_of(std::move(change)));
    if (!host) return host.error();
    if (host->load) note_load(host->id, *host->load);
    if (replica_.put_host(*host, now_ms) == Replica::Effect::kLarge) urgent_ = true;
  } else if (kind == "hostLoad") {
    const auto load = change.find("load");
    if (load == change.end())
      return invalid_argument("the orchestrator told of a load without any");
    const auto decoded = codec::decode_host_load(*load);
    if (!decoded) return decoded.error();
    note_load(json::text_of(change, "id"), *decoded);
    replica_.put_load(json::text_of(change, "id"), *decoded, now_ms);
  } else if (kind == "hostRemoved") {
    replica_.remove_host(json::text_of(change, "id"));
  } else if (kind == "app") {
    const auto app = codec::decode_stored_app(resource_of(std::move(change)));
    if (!app) return app.error();
    if (replica_.put_app(*app) == Replica::Effect::kLarge) feed_.read_again();
  } else if (kind == "appRemoved") {
    replica_.remove_app(json::text_of(change, "appDId"));
  }  // what we do not know is of no concern to a plan
  urgent_ = urgent_ || kind == "hostRemoved" || kind.starts_with("app");
  return {};
}

// Against what was planned on, so that a slow drift is noticed as well.
void Optimizer::note_load(const std::string& host, const HostLoad& load) {
  if (!load.cpu) return;
  const auto planned = planned_cpu_.find(host);
  const auto before = planned == planned_cpu_.end() ? 0 : planned->second;
  const auto percent = static_cast<double>(options_.trigger.load_percent);
  if (std::abs(*load.cpu - before) * 100 >= percent) load_changed_ = true;
}

Optimizer::Urgency Optimizer::take_urgency() {
  if (std::exchange(urgent_, false)) return Urgency::kNow;
  const auto enough = static_cast<std::size_t>(options_.trigger.attachment_percent);
  const bool moved =
      attachments_changed_ > 0 && attachments_changed_ * 100 >= replica_.contexts() * enough;
  return load_changed_ || moved ? Urgency::kSoon : Urgency::kLater;
}

Result<void> Optimizer::read(int wait_ms) {
  const auto news = feed_.follow(*this, wait_ms);
  if (!news) return news.error();
  urgent_ = urgent_ || *news == Feed::News::kEverything;
  return {};
}

Result<Optimizer::Urgency> Optimizer::follow(int wait_ms) {
  if (auto followed = read(wait_ms); !followed) return followed.error();
  return take_urgency();
}

Result<std::uint64_t> Optimizer::catch_up() {
  if (!feed_.is_synchronised()) {
    if (auto followed = read(0); !followed) return followed.error();
    return feed_.mark().table_version;
  }
  const auto mark = feed_.ask_mark();
  if (!mark) return mark.error();
  const auto until_ms = clock_.now_ms() + options_.orchestrator.timeout_ms;
  for (int stalled = 0; feed_.mark().position < mark->position;) {
    const auto before = feed_.mark().position;
    if (auto followed = read(0); !followed) return followed.error();
    stalled = feed_.mark().position > before ? 0 : stalled + 1;  // the reading may be interrupted
    if (stalled < kAttemptsMax && clock_.now_ms() < until_ms) continue;
    // A plan made on what is not known would be guarded by a version that it has not seen.
    return unavailable(
        "the orchestrator's changes come faster than they are followed; no plan is "
        "made on old ones");
  }
  return mark->table_version;
}

Optimizer::Outcome Optimizer::decide(std::uint64_t table_version) {
  auto decided = optimizer::decide(replica_, topology_, options_, clock_.now_ms());
  Outcome outcome;
  outcome.plan = std::move(decided.plan);
  outcome.body = std::move(decided.body);
  outcome.plan.table_version = table_version;
  outcome.description = describe(decided.decision.snapshot, outcome.plan);
  decision_ = std::make_shared<Decision>(std::move(decided.decision));
  return outcome;
}

void Optimizer::configure(OptimizerOptions options, Topology topology) {
  options_ = std::move(options);
  file_topology_ = std::move(topology);
  auto before = std::move(topology_);
  topology_ = live_ ? merged(file_topology_, *live_) : file_topology_;
  topology_.moved = std::move(before.moved);
  topology_.moved_addresses = std::move(before.moved_addresses);
  feed_.set_page_items(options_.orchestrator.page_items);
}

void Optimizer::use(const TopologySource::News& news) {
  if (news.topology) {
    live_ = news.topology;
    topology_ = merged(file_topology_, *live_);
    urgent_ = true;
  }
  for (const auto& move : news.moves) {
    topology_.moved[move.device] = move.attachment;
    if (move.address) topology_.moved_addresses[move.address->text()] = move.attachment;
    moved_[move.device] = move;
  }
}

// What is decided now answers the changes so far.
void Optimizer::settle_triggers() {
  urgent_ = false;
  moved_.clear();
  load_changed_ = false;
  attachments_changed_ = 0;
  for (const auto& host : decision_->snapshot.hosts) {
    const auto* load = replica_.load(host.id);
    if (load != nullptr && load->cpu) planned_cpu_[host.id] = *load->cpu;
  }
}

Result<Optimizer::Outcome> Optimizer::plan(bool dry_run) {
  for (int attempt = 1;; ++attempt) {
    const auto version = catch_up();
    if (!version) return version.error();
    auto outcome = decide(*version);
    if (!dry_run) settle_triggers();
    if (dry_run) return outcome;
    if (outcome.plan.changes.empty()) {
      decision_->in_force = true;
      return outcome;
    }
    const auto sent = client_.send_plan(outcome.body, *version, holder_);
    if (sent.ok()) {
      take_in(replica_, outcome.plan);
      decision_->in_force = outcome.plan.postponed == 0;
      outcome.sent = true;
      return outcome;
    }
    const bool again = sent.error().code == ErrorCode::kPreconditionFailed;
    if (!again || attempt == kAttemptsMax) return sent.error();
  }
}

}  // namespace mx2::optimizer
