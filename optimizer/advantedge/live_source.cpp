#include "optimizer/advantedge/live_source.h"

#include <algorithm>

#include "api/base/log.h"
#include "api/orchestrator/operator_calls.h"

namespace mx2::optimizer::advantedge {
namespace {

constexpr std::int64_t kSoonMs = 100;  // after a notification; several are read together
constexpr std::size_t kNoticesMax = 10'000;

bool same_network(const Topology& a, const Topology& b) {
  const auto alike = [](const Attachment& x, const Attachment& y) {
    return x.name == y.name && x.connected == y.connected && x.position == y.position;
  };
  return a.hosts == b.hosts && a.computed == b.computed &&
         std::equal(a.attachments.begin(), a.attachments.end(), b.attachments.begin(),
                    b.attachments.end(), alike);
}

}  // namespace

LiveSource::LiveSource(LiveClients clients, LiveOptions options, const SteadyClock& clock,
                       const SystemClock& wall, std::function<void()> wake)
    : client_(clients.sandbox, options.access),
      subscriptions_(clients.location, clients.probe, options.access, options.callback_url,
                     options.callback_tag, clock),
      options_(std::move(options)),
      clock_(clock),
      wall_(wall),
      wake_(std::move(wake)) {
  state_.kind = "advantedge";
}

int LiveSource::step() {
  const auto now_ms = clock_.now_ms();
  {
    const std::lock_guard lock(mutex_);
    if (now_ms < read_next_ms_) return static_cast<int>(read_next_ms_ - now_ms);
    read_next_ms_ = now_ms + options_.poll_ms;
    notices_.clear();
    too_many_notices_ = false;
  }
  if (auto done = read(); !done) failed(done.error().detail);
  return next_step_ms();
}

int LiveSource::next_step_ms() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(std::max<std::int64_t>(0, read_next_ms_ - clock_.now_ms()));
}

Result<Scenario> LiveSource::scenario_of(const std::string& document) {
  const auto parsed = json::parse(document);
  if (!parsed) return unavailable("the scenario is no JSON: " + parsed.error().detail);
  if (!parsed->is_object() || !parsed->contains("deployment")) {
    return unavailable("what the sandbox answered is no scenario");
  }
  auto scenario = read_scenario(*parsed);
  if (scenario.connectivity != Connectivity::kPdu) return scenario;
  const auto sessions = client_.pdu_sessions();
  if (!sessions) return sessions.error();
  scenario.pdu_sessions = read_pdu_sessions(*sessions, scenario.problems);
  return scenario;
}

Result<void> LiveSource::read() {
  auto document = client_.active();
  if (!document) return document.error();
  if (!*document) {
    document_.clear();
    return unavailable("no scenario is active");
  }
  {
    const std::lock_guard lock(mutex_);
    const bool same = **document == document_ && scenario_.connectivity != Connectivity::kPdu;
    if (same && !told_ && state_.live) {
      state_.read_ms = wall_.now_ms();
      return {};
    }
  }
  auto scenario = scenario_of(**document);
  if (!scenario) return scenario.error();
  auto topology = std::make_shared<Topology>(topology_of(*scenario, options_.terms));
  document_ = std::move(**document);
  publish(std::move(*scenario), std::move(topology));
  subscriptions_.set_zones(zones());
  return {};
}

void LiveSource::failed(const std::string& why) {
  subscriptions_.pause();
  const std::lock_guard lock(mutex_);
  if (state_.error != why) {
    log::warn("the scenario is not read; what is known stays", {{"reason", why}});
  }
  state_.live = false;
  state_.error = why;
}

void LiveSource::publish(Scenario scenario, std::shared_ptr<Topology> topology) {
  const std::lock_guard lock(mutex_);
  if (!state_.live) log::info("the scenario is live", {{"scenario", scenario.name}});
  for (const auto& problem : topology->problems) {
    const auto& known = state_.problems;
    if (std::find(known.begin(), known.end(), problem) != known.end()) continue;
    log::warn("the scenario is not as it should be", {{"problem", problem}});
  }
  state_.name = scenario.name;
  state_.live = true;
  state_.error.clear();
  state_.read_ms = wall_.now_ms();
  state_.problems = topology->problems;
  scenario_ = std::move(scenario);
  told_ = false;
  if (!topology_ || !same_network(*topology_, *topology)) begin_with(std::move(topology));
  for (const auto& notice : std::exchange(notices_, {})) take_over(notice);
  find_moves();
  if (too_many_notices_) read_next_ms_ = clock_.now_ms();
  if (topology_is_new_ || !moves_.empty()) wake_();
}

// Where UEs are is part of it; what comes later is told as moves.
void LiveSource::begin_with(std::shared_ptr<const Topology> topology) {
  topology_ = std::move(topology);
  topology_is_new_ = true;
  moves_.clear();
  attachments_.clear();
  for (const auto& attachment : topology_->attachments) attachments_.insert(attachment.name);
  ues_.clear();
  for (const auto& node : scenario_.nodes) {
    if (node.type != NodeType::kUe) continue;
    ues_[node.name] = {device_of(node), attachment_of(scenario_, node.name), address_of(node)};
  }
}

// Where UEs are now, against what was told.
void LiveSource::find_moves() {
  for (const auto& node : scenario_.nodes) {
    if (node.type == NodeType::kUe) move_to(node, attachment_of(scenario_, node.name));
  }
  for (auto& [name, ue] : ues_) {
    if (ue.attachment == kDisconnected || scenario_.node_index.contains(name)) continue;
    ue.attachment = kDisconnected;  // it has gone from the scenario
    moves_[ue.device] = ue;
  }
}

void LiveSource::move_to(const Node& node, const std::string& attachment) {
  const auto it = ues_.find(node.name);
  if (it != ues_.end() && it->second.attachment == attachment) return;
  if (!attachments_.contains(attachment)) {
    read_next_ms_ = std::min(read_next_ms_, clock_.now_ms());  // needs a new topology
    return;
  }
  const Move move{device_of(node), attachment, address_of(node)};
  ues_[node.name] = move;
  moves_[move.device] = move;
}

void LiveSource::take_over(const Notice& notice) {
  if (!move_ue(scenario_, notice.ue, notice.location)) return;
  told_ = true;
  const auto index = find(scenario_.node_index, notice.ue);
  if (index != kNone) move_to(scenario_.nodes[index], attachment_of(scenario_, notice.ue));
}

bool LiveSource::notify(const std::string& body) {
  if (body.size() > kNotificationBytesMax) return false;
  const auto document = json::parse(body);
  if (!document || !document->is_object() || document->empty()) return false;
  const auto& content = *document->begin();  // zonalPresenceNotification
  if (!content.is_object()) return false;
  const auto ue = json::text_of(content, "address");
  const auto location = json::text_of(content, "currentAccessPointId");
  const auto event = json::text_of(content, "userEventType");
  const bool left = event == "Leaving";
  if (ue.empty() || !(left || event == "Entering" || event == "Transferring")) return false;
  if (json::text_of(content, "callbackData") != options_.callback_tag) return false;
  const std::lock_guard lock(mutex_);
  read_next_ms_ = std::min(read_next_ms_, clock_.now_ms() + kSoonMs);
  const auto index = find(scenario_.node_index, ue);
  if (!state_.live || index == kNone || scenario_.nodes[index].type != NodeType::kUe) return true;
  const auto to = find(scenario_.location_index, location);
  if (to == kNone ||
      scenario_.zones[scenario_.locations[to].zone].name != json::text_of(content, "zoneId")) {
    return true;
  }
  // Who has left a zone may have entered another already.
  if (left && scenario_.nodes[index].location != to) return true;
  const Notice notice{ue, left ? std::string() : location};
  if (notices_.size() < kNoticesMax) notices_.push_back(notice);
  too_many_notices_ = too_many_notices_ || notices_.size() == kNoticesMax;
  take_over(notice);
  if (!moves_.empty()) wake_();
  return true;
}

std::optional<TopologySource::News> LiveSource::take() {
  const std::lock_guard lock(mutex_);
  if (!topology_is_new_ && moves_.empty()) return std::nullopt;
  News news;
  if (std::exchange(topology_is_new_, false)) news.topology = topology_;
  for (auto& [device, move] : std::exchange(moves_, {})) news.moves.push_back(std::move(move));
  return news;
}

std::vector<TopologySource::Move> LiveSource::devices() const {
  const std::lock_guard lock(mutex_);
  std::vector<Move> result;
  for (const auto& [name, ue] : ues_) result.push_back(ue);
  return result;
}

TopologySource::State LiveSource::state() const {
  const std::lock_guard lock(mutex_);
  auto state = state_;
  state.subscribed = state.live && subscriptions_.confirmed();
  return state;
}

void LiveSource::set_headers(const http::Headers& headers) {
  client_.set_headers(headers);
  subscriptions_.set_headers(headers);
}

std::set<std::string> LiveSource::zones() const {
  const std::lock_guard lock(mutex_);
  std::set<std::string> names;
  for (const auto& zone : scenario_.zones) {
    if (!zone.is_common) names.insert(zone.name);
  }
  return names;
}

}  // namespace mx2::optimizer::advantedge
