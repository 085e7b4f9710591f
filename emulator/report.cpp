#include "emulator/report.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "api/base/units.h"
#include "emulator/topology_of.h"

namespace mx2::emulator {
namespace {

constexpr double kCdfStep = 0.0005;  // points of the curve closer than that are left out

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double rate(std::uint64_t count, const Results& results) {
  return static_cast<double>(count) / results.seconds;
}

}  // namespace

struct Report::Files {
  std::ofstream runs;
  std::ofstream cdf;
  std::ofstream links;
  std::ofstream calls;
};

Result<Report> Report::in(const std::string& directory, const Scenario& scenario, bool calls) {
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed) return unavailable(directory + ": " + failed.message());
  const auto open = [&](std::ofstream& file, const char* name, const char* columns) {
    file.open(std::filesystem::path(directory) / name);
    file << columns << "\n";
    return file.good();
  };
  Report report;
  report.files_ = std::make_shared<Files>();
  report.scenario_ = &scenario;
  auto& files = *report.files_;
  const bool good =
      open(files.runs, "runs.csv", run_columns()) &&
      open(files.cdf, "cdf.csv", "response_ms,share") &&
      open(files.links, "links.csv", "seed,from,to,bytes") &&
      (!calls || open(files.calls, "calls.csv", "seed,ue,lambda,host,sent_s,response_ms,stale"));
  if (!good) return unavailable("cannot write in " + directory);
  return report;
}

void Report::begin(std::uint64_t seed, Simulation& simulation) {
  if (!files_->calls.is_open()) return;
  simulation.on_call([files = files_, seed, scenario = scenario_](const CallRecord& call) {
    files->calls << fmt::format("{},{},{},{},{:.6f},{:.3f},{}\n", seed, device_of(call.ue),
                                scenario->lambdas[call.lambda].id, scenario->hosts[call.host].id,
                                to_seconds(call.sent), to_seconds(call.response) * kMsPerSecond,
                                call.stale ? 1 : 0);
  });
}

void Report::add(std::uint64_t seed, const Results& results) {
  files_->runs << run_row(seed, results) << "\n";
  for (const auto& link : results.links) {
    files_->links << fmt::format("{},{},{},{}\n", seed, cell_name(link.from), cell_name(link.to),
                                 link.bytes);
  }
  response_.add(results.response);
  mean_ms_.add(results.response_s.mean() * kMsPerSecond);
  p95_ms_.add(results.response.quantile(0.95) * kMsPerSecond);
  p99_ms_.add(results.response.quantile(0.99) * kMsPerSecond);
  calls_ += results.calls;
  stale_ += results.stale;
  failed_ += results.failed;
}

Result<void> Report::finish() {
  double written = -1;
  for (const auto& point : response_.distribution()) {
    if (point.share - written < kCdfStep && point.share < 1) continue;
    written = point.share;
    files_->cdf << fmt::format("{:.3f},{:.6f}\n", point.seconds * kMsPerSecond, point.share);
  }
  for (auto* file : {&files_->runs, &files_->cdf, &files_->links, &files_->calls}) {
    file->flush();
    if (!*file) return unavailable("the results could not be written");
  }
  return {};
}

void Report::summarise(std::ostream& out) const {
  const auto line = [&](const char* what, const Moments& ms) {
    out << fmt::format("  {:<22} {:>10.2f} ms  (deviation between seeds {:.2f})\n", what, ms.mean(),
                       ms.mean() * ms.variation());
  };
  out << fmt::format("{} calls in {} runs, {} failed, {:.2f} % to a stale endpoint\n", calls_,
                     mean_ms_.count(), failed_, 100 * share(stale_, calls_));
  line("response time, mean", mean_ms_);
  line("response time, p95", p95_ms_);
  line("response time, p99", p99_ms_);
}

const char* run_columns() {
  return "seed,calls,failed,mean_ms,p50_ms,p90_ms,p95_ms,p99_ms,variation,stale_share,"
         "adoption_mean_s,probes_share,plans,rows_changed_rate,notification_rate,"
         "access_byte_rate,link_byte_rate,notification_byte_rate,utilisation_mean,"
         "utilisation_max,moves,"
         "lateness_p99_ms";
}

std::string run_row(std::uint64_t seed, const Results& results) {
  const auto ms = [&](double quantile) {
    return results.response.quantile(quantile) * kMsPerSecond;
  };
  const auto adoption =
      results.adoption_s.count() > 0 ? fmt::format("{:.4f}", results.adoption_s.mean()) : "";
  return fmt::format(
      "{},{},{},{:.4f},{:.4f},{:.4f},{:.4f},{:.4f},{:.5f},{:.6f},{},{:.5f},{},{:.4f},{:.4f},"
      "{:.1f},{:.1f},{:.2f},{:.4f},{:.4f},{},{:.2f}",
      seed, results.calls, results.failed, results.response_s.mean() * kMsPerSecond, ms(0.5),
      ms(0.9), ms(0.95), ms(0.99), results.response_s.variation(),
      share(results.stale, results.calls), adoption, share(results.probes, results.calls),
      results.plans, rate(results.rows_changed, results), rate(results.notifications, results),
      rate(results.access_bytes, results), rate(results.link_bytes(), results),
      rate(results.notification_bytes, results), results.utilisation_mean, results.utilisation_max,
      results.moves, results.lateness.quantile(0.99) * kMsPerSecond);
}

}  // namespace mx2::emulator
