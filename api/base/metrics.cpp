#include "api/base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>
#include <sstream>

namespace mx2::metrics {

void Counter::add(double amount) { impl_.Increment(amount); }
void Gauge::set(double value) { impl_.Set(value); }
void Histogram::observe(double value) { impl_.Observe(value); }

struct Registry::Impl {
  prometheus::Registry registry;
  // prometheus-cpp gives the same metric for the same name and labels; a map keeps references
  // valid.
  std::mutex mutex;  // guards the maps
  std::map<prometheus::Counter*, Counter> counters;
  std::map<prometheus::Gauge*, Gauge> gauges;
  std::map<prometheus::Histogram*, Histogram> histograms;
  std::map<std::string, std::map<Labels, prometheus::Gauge*>> series;  // by name
};

Registry::Registry() : impl_(std::make_unique<Impl>()) {}
Registry::~Registry() = default;

Counter& Registry::counter(const std::string& name, const std::string& help, const Labels& labels) {
  auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(impl_->registry);
  const std::lock_guard lock(impl_->mutex);
  auto& counter = family.Add(labels);
  return impl_->counters.try_emplace(&counter, counter).first->second;
}

Gauge& Registry::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry);
  const std::lock_guard lock(impl_->mutex);
  auto& gauge = family.Add(labels);
  return impl_->gauges.try_emplace(&gauge, gauge).first->second;
}

void Registry::set_series(const std::string& name, const std::string& help,
                          const std::map<Labels, double>& series) {
  auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry);
  const std::lock_guard lock(impl_->mutex);
  auto& known = impl_->series[name];
  for (auto it = known.begin(); it != known.end();) {
    if (series.contains(it->first)) {
      ++it;
      continue;
    }
    family.Remove(it->second);
    it = known.erase(it);
  }
  for (const auto& [labels, value] : series) {
    auto& gauge = known[labels];
    if (gauge == nullptr) gauge = &family.Add(labels);
    gauge->Set(value);
  }
}

Histogram& Registry::histogram(const std::string& name, const std::string& help,
                               const Labels& labels, const std::vector<double>& bounds) {
  auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(impl_->registry);
  const std::lock_guard lock(impl_->mutex);
  auto& histogram =
      family.Add(labels, prometheus::Histogram::BucketBoundaries(bounds.begin(), bounds.end()));
  return impl_->histograms.try_emplace(&histogram, histogram).first->second;
}

std::string Registry::text() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, impl_->registry.Collect());
  return out.str();
}

const std::vector<double>& latency_bounds() {
  static const std::vector<double> kBounds{0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                                           0.005,   0.01,   0.025,   0.05,   0.1,   0.25,
                                           0.5,     1,      2.5,     5,      10};
  return kBounds;
}

}  // namespace mx2::metrics
