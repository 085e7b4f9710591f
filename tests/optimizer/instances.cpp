#include "tests/optimizer/instances.h"

#include <algorithm>
#include <cmath>

#include "optimizer/flow_model.h"
#include "optimizer/stability.h"

namespace mx2::optimizer::test {
namespace {

std::shared_ptr<const std::vector<std::string>> numbered(std::size_t count) {
  auto names = std::make_shared<std::vector<std::string>>();
  names->reserve(count);
  for (std::size_t i = 0; i < count; ++i) names->push_back("dev:ue-" + std::to_string(i));
  return names;
}

void random_hosts(Dice& dice, Snapshot& snapshot, bool many) {
  const auto count = many ? dice.roll(8, 24) : dice.roll(1, 6);
  for (std::int64_t h = 0; h < count; ++h) {
    auto model = host("h" + std::to_string(h), dice.roll(0, 12));
    model.tier = static_cast<Tier>(dice.roll(0, 2));
    model.cores = dice.roll(1, 4);
    model.service_us = dice.roll(100, 20000);
    if (dice.one_in(8)) model.ready_capacity = dice.roll(0, model.capacity);
    if (dice.one_in(6)) model.status = static_cast<HostStatus>(dice.roll(0, 3));
    snapshot.hosts.push_back(model);
  }
}

void random_apps(Dice& dice, Snapshot& snapshot) {
  const auto count = dice.roll(1, 3);
  for (std::int64_t a = 0; a < count; ++a) {
    auto model = app("a" + std::to_string(a));
    model.qos.utility = dice.roll(1, 5);
    if (dice.one_in(2)) model.required_latency_us = dice.roll(1000, 20000);
    if (dice.one_in(3)) model.qos.served_percent_min = dice.roll(0, 100);
    for (std::size_t h = 0; h < snapshot.hosts.size(); ++h) {
      model.instances.push_back(!dice.one_in(5));
    }
    snapshot.apps.push_back(model);
  }
}

std::vector<std::vector<std::int32_t>> random_latencies(Dice& dice, const Snapshot& snapshot,
                                                        bool many) {
  std::vector<std::vector<std::int32_t>> rows(static_cast<std::size_t>(dice.roll(1, many ? 8 : 4)));
  for (auto& row : rows) {
    for (std::size_t h = 0; h < snapshot.hosts.size(); ++h) {
      auto us = static_cast<std::int32_t>(dice.roll(0, 20000));
      if (dice.one_in(10)) us = LatencyMatrix::kUnknown;
      if (dice.one_in(10)) us = LatencyMatrix::kUnreachable;
      row.push_back(us);
    }
  }
  return rows;
}

double distance(double x, double y, double to_x, double to_y) {
  return std::hypot(x - to_x, y - to_y);
}

void large_hosts(const LargeInstance& size, Dice& dice, Snapshot& snapshot) {
  const auto edge_capacity = static_cast<double>(size.contexts) * 0.8;
  const auto regional = size.hosts / 10;
  const auto edge = size.hosts - regional - 2;
  for (std::size_t h = 0; h < size.hosts; ++h) {
    const auto id = std::to_string(100000 + h);
    const auto tier = h < edge ? Tier::kEdge : h < edge + regional ? Tier::kRegional : Tier::kCloud;
    auto capacity =
        edge_capacity / static_cast<double>(edge) * static_cast<double>(dice.roll(50, 150)) / 100;
    if (tier != Tier::kEdge) capacity = static_cast<double>(size.contexts) / 20;
    if (tier == Tier::kCloud) capacity = static_cast<double>(size.contexts);
    auto model = host("host-" + id, static_cast<std::int64_t>(capacity), tier);
    model.cores = dice.roll(4, 32);
    model.service_us = dice.roll(1000, 5000);
    model.position = Position{
        static_cast<double>(dice.roll(0, 1000)), static_cast<double>(dice.roll(0, 1000)), {}};
    snapshot.hosts.push_back(model);
  }
}

}  // namespace

Solved solved(const Snapshot& snapshot) {
  const auto classes = classify(snapshot);
  const auto scale = flow_scale(snapshot, classes);
  return {classes.classes.size(),
          *solve(build_transport(snapshot, Feasibility(snapshot), classes, scale))};
}

HostModel host(const std::string& id, std::int64_t capacity, Tier tier) {
  HostModel model;
  model.id = id;
  model.capacity = model.ready_capacity = capacity;
  model.tier = tier;
  return model;
}

AppModel app(const std::string& id) {
  AppModel model;
  model.id = id;
  return model;
}

void add_groups(Snapshot& snapshot, std::size_t count, Index app, Index attachment, Index at) {
  snapshot.groups.insert(snapshot.groups.end(), count, Group{{app, attachment}, at, 1, false, 0});
}

void finish(Snapshot& snapshot, const std::vector<std::vector<std::int32_t>>& latency_us) {
  snapshot.ue = numbered(snapshot.groups.size());
  snapshot.latency = LatencyMatrix(latency_us.size(), snapshot.hosts.size());
  snapshot.attachments.resize(latency_us.size());
  for (Index a = 0; a < latency_us.size(); ++a) {
    snapshot.attachments[a].name = "att-" + std::to_string(a);
    for (Index h = 0; h < snapshot.hosts.size(); ++h) snapshot.latency.set(a, h, latency_us[a][h]);
  }
}

Snapshot random_snapshot(std::uint64_t seed) {
  Dice dice(seed);
  Snapshot snapshot;
  const bool many = seed % 3 == 0;
  random_hosts(dice, snapshot, many);
  random_apps(dice, snapshot);
  const auto latencies = random_latencies(dice, snapshot, many);
  for (Index a = 0; a < snapshot.apps.size(); ++a) {
    const auto count = many ? dice.roll(10, 50) : dice.roll(0, 12);
    for (std::int64_t i = 0; i < count; ++i) {
      const auto hosts = static_cast<std::int64_t>(snapshot.hosts.size());
      const auto at = dice.one_in(3) ? kNone : static_cast<Index>(dice.roll(0, hosts - 1));
      const auto attachments = static_cast<std::int64_t>(latencies.size());
      const auto from = dice.one_in(12) ? kNone : static_cast<Index>(dice.roll(0, attachments - 1));
      add_groups(snapshot, 1, a, from, at);
      snapshot.groups.back().fixed = at != kNone && dice.one_in(10);
    }
  }
  snapshot.cost.migration_us = dice.roll(0, 5000);
  finish(snapshot, latencies);
  return snapshot;
}

Snapshot random_calmed_snapshot(std::uint64_t seed) {
  auto snapshot = random_snapshot(seed);
  Dice dice(seed + 1'000'000);
  StabilityOptions options;
  options.gain_us_min = dice.roll(0, 5000);
  options.gain_percent_min = dice.roll(0, 100);
  options.low_percent = dice.one_in(3) ? dice.roll(1, 99) : 100;
  constexpr std::int64_t kNow = 1'000'000'000;
  for (auto& group : snapshot.groups) {
    if (dice.one_in(4)) group.moved_ms = kNow - dice.roll(0, 100'000);
  }
  calm(snapshot, options, kNow);
  return snapshot;
}

Snapshot large_snapshot(const LargeInstance& size, std::uint64_t seed) {
  Dice dice(seed);
  Snapshot snapshot;
  large_hosts(size, dice, snapshot);
  for (std::size_t a = 0; a < size.apps; ++a) {
    snapshot.apps.push_back(app("app-" + std::to_string(100 + a)));
    snapshot.apps.back().qos.utility = dice.roll(1, 4);
  }
  std::vector<std::vector<std::int32_t>> latencies(size.attachments);
  for (auto& row : latencies) {
    const auto x = static_cast<double>(dice.roll(0, 1000));
    const auto y = static_cast<double>(dice.roll(0, 1000));
    for (const auto& model : snapshot.hosts) {
      const auto km = distance(x, y, model.position->longitude, model.position->latitude);
      const auto far_us = model.tier == Tier::kCloud ? 20000 : 0;
      row.push_back(static_cast<std::int32_t>(500 + 15 * km) + far_us);
    }
  }
  snapshot.groups.reserve(size.contexts);
  for (std::size_t i = 0; i < size.contexts; ++i) {
    const auto attachment = dice.roll(0, static_cast<std::int64_t>(size.attachments) - 1);
    const auto a = i * size.apps / size.contexts;
    add_groups(snapshot, 1, static_cast<Index>(a), static_cast<Index>(attachment));
  }
  finish(snapshot, latencies);
  return snapshot;
}

}  // namespace mx2::optimizer::test
