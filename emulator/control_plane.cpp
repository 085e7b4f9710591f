#include "emulator/control_plane.h"

#include "optimizer/moves.h"
#include "orchestrator/domain/placement.h"

namespace mx2::emulator {

ControlPlane::ControlPlane(const Scenario& scenario, const Network& network)
    : scenario_(scenario),
      network_(network),
      dispatching_(scenario.strategy.kind == StrategyKind::kDispatching) {
  options_.policy = scenario.optimizer.policy;
  options_.stability = scenario.optimizer.stability;
  add_apps();
  add_hosts();
  add_rows();
  if (scenario_.strategy.has_optimizer()) topology_ = topology_of(scenario, network);
}

void ControlPlane::add_apps() {
  for (const auto& lambda : scenario_.lambdas) {
    App app;
    app.info.app_d_id = lambda.id;
    app.info.app_name = lambda.id;
    (void)model_.put_app(app);  // it has no location that could be wrong
    replica_.put_app(app);
  }
}

void ControlPlane::add_hosts() {
  for (std::uint32_t h = 0; h < scenario_.hosts.size(); ++h) {
    const auto& spec = scenario_.hosts[h];
    Host host;
    host.id = spec.id;
    const auto add = [&](std::uint32_t lambda) {
      const auto& id = scenario_.lambdas[lambda].id;
      host.instances.push_back({id, spec.id + "/" + id, "http://" + spec.id + "/" + id, false});
    };
    if (dispatching_) {
      for (std::uint32_t l = 0; l < scenario_.lambdas.size(); ++l) add(l);
    } else {
      for (const auto lambda : spec.lambdas) add(lambda);
    }
    (void)model_.put_host(host);
    replica_.put_host(host, 0);
    host_index_.emplace(spec.id, h);
  }
}

void ControlPlane::put_row(Association row) {
  (void)replica_.put_row(row);
  model_.apply({std::move(row), false});
}

void ControlPlane::add_rows() {
  const auto nearest = nearest_hosts(scenario_, network_);
  for (std::uint32_t l = 0; l < scenario_.lambdas.size(); ++l) {
    Association row;
    row.app_d_id = scenario_.lambdas[l].id;
    if (dispatching_) {
      row.ue.kind = UeSelector::Kind::kIp;
      for (std::uint32_t cell = 0; cell < network_.cells(); ++cell) {
        row.ue.prefix = prefix_of(cell);
        row.targets = {{Target::Kind::kHost, scenario_.hosts[nearest[cell]].id}};
        put_row(row);
      }
      continue;
    }
    row.targets = targets_of(scenario_, l);
    put_row(std::move(row));
  }
}

void ControlPlane::look_up(std::uint32_t ue, std::uint32_t cell, std::size_t most,
                           std::vector<std::uint32_t>& hosts) const {
  PlacementQuery query;
  query.app_d_id = scenario_.lambdas[lambda_of(scenario_, ue)].id;
  query.dev_app_id = device_of(ue);
  query.ip = IpAddress::parse(address_in(cell, ue));
  hosts.clear();
  for (const auto& placement : place_all(model_, query, most)) {
    hosts.push_back(host_index_.at(placement.host_id));
  }
}

ContextPlace ControlPlane::context(std::uint32_t ue, std::uint32_t cell, std::uint32_t host) const {
  auto device = device_of(ue);
  return {"context-" + device,      scenario_.lambdas[lambda_of(scenario_, ue)].id,
          std::move(device),        address_in(cell, ue),
          scenario_.hosts[host].id, {}};
}

void ControlPlane::open(std::uint32_t ue, std::uint32_t cell, std::uint32_t host, Time now) {
  if (!scenario_.strategy.has_optimizer()) return;
  const auto place = context(ue, cell, host);
  replica_.end_context(place.context_id);
  (void)replica_.put_context(place, to_ms(now));
}

void ControlPlane::update(std::uint32_t ue, std::uint32_t cell, std::uint32_t host, Time now) {
  if (scenario_.strategy.has_optimizer())
    (void)replica_.put_context(context(ue, cell, host), to_ms(now));
}

void ControlPlane::report(std::uint32_t host, const HostLoad& load, Time now) {
  if (scenario_.strategy.has_optimizer())
    replica_.put_load(scenario_.hosts[host].id, load, to_ms(now));
}

std::vector<std::uint32_t> ControlPlane::plan(Time now) {
  auto decided = optimizer::decide(replica_, topology_, options_, to_ms(now));
  decision_ = std::move(decided.decision);
  apply(decided.plan);
  std::vector<std::uint32_t> changed;
  for (const auto& change : decided.plan.changes) {
    changed.push_back(ue_of(change.row.ue.dev_app_id));
  }
  return changed;
}

bool ControlPlane::place_moved(std::uint32_t ue, std::uint32_t cell, Time now) {
  const auto& snapshot = decision_.snapshot;
  const auto app = optimizer::find_app(snapshot, scenario_.lambdas[lambda_of(scenario_, ue)].id);
  const auto found = optimizer::find_group(snapshot, app, "dev:" + device_of(ue));
  if (!found || !optimizer::attach(decision_, replica_, *found, cell_name(cell))) return false;
  const auto plan = optimizer::place_again(decision_, {*found}, options_.stability, to_ms(now));
  apply(plan);
  return !plan.changes.empty();
}

void ControlPlane::apply(const optimizer::Plan& plan) {
  for (const auto& change : plan.changes) model_.apply(change);
  optimizer::take_in(replica_, plan);
}

}  // namespace mx2::emulator
