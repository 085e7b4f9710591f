// The exact policy against an independent solver: GLPK's simplex on the problem as it is stated,
// one variable for each group and host, without classes, stay arcs or priced columns.
#include <glpk.h>

#include <cmath>

#include "optimizer/evaluation.h"
#include "optimizer/min_cost_flow.h"
#include "optimizer/simple_policies.h"
#include "tests/catch.h"
#include "tests/optimizer/instances.h"

namespace mx2::optimizer {
namespace {

// Rows and columns of a linear program, loaded into GLPK at once.
class Program {
 public:
  Program() : problem_(glp_create_prob()) {
    glp_set_obj_dir(problem_, GLP_MIN);
    glp_term_out(GLP_OFF);
  }
  ~Program() { glp_delete_prob(problem_); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  int column(double cost, double most) {
    const auto j = glp_add_cols(problem_, 1);
    glp_set_col_bnds(problem_, j, most == 0 ? GLP_FX : GLP_DB, 0, most);
    glp_set_obj_coef(problem_, j, cost);
    return j;
  }
  int row(double value) {
    const auto i = glp_add_rows(problem_, 1);
    glp_set_row_bnds(problem_, i, GLP_FX, value, value);
    return i;
  }
  void entry(int i, int j, double value) {
    rows_.push_back(i);
    columns_.push_back(j);
    values_.push_back(value);
  }
  double minimum() {
    glp_load_matrix(problem_, static_cast<int>(values_.size()) - 1, rows_.data(), columns_.data(),
                    values_.data());
    glp_smcp parameters;
    glp_init_smcp(&parameters);
    parameters.presolve = GLP_OFF;
    REQUIRE(glp_simplex(problem_, &parameters) == 0);
    REQUIRE(glp_get_status(problem_) == GLP_OPT);
    return glp_get_obj_val(problem_);
  }

 private:
  glp_prob* problem_;
  std::vector<int> rows_ = {0};
  std::vector<int> columns_ = {0};
  std::vector<double> values_ = {0};
};

// Adds the host's load as segments: load = sum of them, each with its own cost.
int add_host(Program& program, const Snapshot& snapshot, Index h, std::int64_t fixed) {
  const auto balance = program.row(-static_cast<double>(fixed));
  for (const auto& segment : congestion_segments(snapshot.hosts[h])) {
    const auto j =
        program.column(static_cast<double>(segment.cost_us), static_cast<double>(segment.units));
    program.entry(balance, j, -1);
  }
  // What is fixed there may be more than fits; nobody else may come then.
  const auto most = std::max<std::int64_t>(0, fixed - snapshot.hosts[h].capacity);
  const auto over =
      program.column(static_cast<double>(overload_cost_us(snapshot)), static_cast<double>(most));
  program.entry(balance, over, -1);
  return balance;
}

struct Refusals {
  int row = 0;
  std::int64_t contexts = 0;
};

double stated_optimum(const Snapshot& snapshot) {
  const Feasibility feasible(snapshot);
  Program program;
  double constant = 0;
  const auto fixed = fixed_load(snapshot);
  std::vector<int> balance;
  for (Index h = 0; h < snapshot.hosts.size(); ++h) {
    balance.push_back(add_host(program, snapshot, h, fixed[h]));
  }
  std::vector<Refusals> refusals(snapshot.apps.size());
  for (auto& refusal : refusals) refusal.row = program.row(0);
  for (const auto& group : snapshot.groups) {
    ++refusals[group.app].contexts;
    if (group.fixed) {
      const auto cost = context_cost(snapshot, group.app, group.attachment, group.host).total();
      constant += static_cast<double>(cost);
      continue;
    }
    const auto served = program.row(1);
    const bool may_stay = group.host != kNone && feasible.may(group, group.host, group.host);
    const auto leaving =
        may_stay ? leaving_cost(snapshot, group, group.host, group.resting) : std::int64_t{0};
    for (Index h = 0; h < snapshot.hosts.size(); ++h) {
      if (!feasible.may(group, group.host, h)) continue;
      auto cost = context_cost(snapshot, group.app, group.attachment, h).total();
      if (group.host != kNone && group.host != h) {
        cost += weighed(snapshot.apps[group.app], snapshot.cost.migration_us);
        cost += descent_cost(snapshot, group.app, snapshot.hosts[group.host].tier, h);
        cost += may_stay ? leaving : 0;
      }
      const auto j = program.column(static_cast<double>(cost), 1);
      program.entry(served, j, 1);
      program.entry(balance[h], j, 1);
    }
    const auto refused = program.column(static_cast<double>(leaving), 1);
    program.entry(served, refused, 1);
    program.entry(refusals[group.app].row, refused, 1);
  }
  for (Index a = 0; a < snapshot.apps.size(); ++a) {
    const auto& model = snapshot.apps[a];
    const auto utility = model.qos.utility;
    const auto within = program.column(static_cast<double>(snapshot.cost.unserved_us * utility),
                                       static_cast<double>(refusable(model, refusals[a].contexts)));
    const auto below =
        program.column(static_cast<double>(snapshot.cost.below_minimum_us * utility), 1000);
    program.entry(refusals[a].row, within, -1);
    program.entry(refusals[a].row, below, -1);
  }
  return program.minimum() + constant;
}

TEST_CASE("min-cost-flow: the cost is that of GLPK on 1000 random instances", "[optimality]") {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    const auto snapshot = test::random_snapshot(seed);
    if (snapshot.groups.empty()) continue;
    CAPTURE(seed);
    const auto ours = evaluate(snapshot, place_min_cost_flow(snapshot)).total();
    const auto theirs = std::llround(stated_optimum(snapshot));
    REQUIRE(ours == theirs);
  }
}

TEST_CASE("min-cost-flow: the cost is that of GLPK with what leaving costs, on 1000 instances",
          "[optimality]") {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    const auto snapshot = test::random_calmed_snapshot(seed);
    if (snapshot.groups.empty()) continue;
    CAPTURE(seed);
    const auto ours = evaluate(snapshot, place_min_cost_flow(snapshot)).total();
    const auto theirs = std::llround(stated_optimum(snapshot));
    REQUIRE(ours == theirs);
  }
}

// The same answer, whatever the numbers are wide; and never anybody on a host that is down.
TEST_CASE("min-cost-flow: costs of any size are added up", "[optimality]") {
  int wide = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    auto snapshot = test::random_calmed_snapshot(seed);
    test::Dice dice(seed);
    snapshot.cost.unserved_us = snapshot.cost.below_minimum_us = 3'600'000'000;
    for (auto& app : snapshot.apps) {
      app.qos.utility = dice.roll(1, 1000);
      app.request_weight = 1;
      app.weight = std::int64_t{1} << dice.roll(0, 19);
    }
    for (auto& host : snapshot.hosts) host.capacity = host.ready_capacity = 1'000'000'000;
    for (auto& group : snapshot.groups)
      group.contexts = static_cast<std::uint32_t>(dice.roll(1, 9));
    const auto placed = place_min_cost_flow(snapshot);
    CHECK(placed.degraded.empty());
    const Feasibility feasible(snapshot);
    for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
      const auto& group = snapshot.groups[i];
      if (group.fixed) continue;
      bool anywhere = false;
      for (Index h = 0; h < snapshot.hosts.size(); ++h) {
        anywhere = anywhere || feasible.may(group, group.host, h);
      }
      const auto at = placed.host_of_group[i];
      CHECK((at != kNone) == anywhere);
      if (at != kNone) CHECK(feasible.may(group, group.host, at));
    }
    wide += test::solved(snapshot).flow.wide ? 1 : 0;
  }
  CHECK(wide > 150);
}

}  // namespace
}  // namespace mx2::optimizer
