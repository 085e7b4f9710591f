// Files of results, as people read them: names, not indexes.
#include "emulator/report.h"

#include <fstream>
#include <set>

#include "api/base/text.h"
#include "tests/catch.h"
#include "tests/support/temp_dir.h"

namespace mx2::emulator {
namespace {

Scenario harbour() {
  Scenario scenario;
  scenario.duration_s = 30;
  scenario.lambdas = {{"face"}, {"voice"}};
  scenario.hosts = {{"quay", {}, 4, {0, 1}, 0}, {"lighthouse", {}, 4, {0, 1}, 1}};
  scenario.network.cells = 2;
  scenario.network.shape = NetworkSpec::Shape::kLine;
  scenario.ues.number = 4;
  scenario.ues.mobility.residence_s = 5;
  return scenario;
}

// What is in a column of a file of results, each value once.
std::set<std::string> column(const std::string& file, std::size_t index) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);  // header
  std::set<std::string> found;
  while (std::getline(in, line)) found.emplace(split(line, ',').at(index));
  return found;
}

}  // namespace

TEST_CASE("Results have names: of hosts and λ those of the scenario, of cells and UEs numbers") {
  using Names = std::set<std::string>;
  const mx2::test::TempDir directory;
  const auto scenario = harbour();
  auto report = Report::in(directory.path(), scenario, true);
  REQUIRE(report.ok());
  Simulation simulation(scenario, 1);
  report->begin(1, simulation);
  report->add(1, simulation.run());
  REQUIRE(report->finish().ok());
  CHECK(column(directory.file("links.csv"), 1) == Names{"cell-0", "cell-1"});
  CHECK(column(directory.file("links.csv"), 2) == Names{"cell-0", "cell-1"});
  CHECK(column(directory.file("calls.csv"), 1) == Names{"ue-0", "ue-1", "ue-2", "ue-3"});
  CHECK(column(directory.file("calls.csv"), 2) == Names{"face", "voice"});
  CHECK(column(directory.file("calls.csv"), 3) == Names{"lighthouse", "quay"});
}

}  // namespace mx2::emulator
