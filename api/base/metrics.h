// Counters, gauges and latency histograms, exposed as Prometheus text. prometheus-cpp does the
// work; this header keeps its types out of the rest. All methods are callable from any thread; the
// returned references live as long as the Registry.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace mx2::metrics {

using Labels = std::map<std::string, std::string>;

class Counter {
 public:
  explicit Counter(prometheus::Counter& impl) : impl_(impl) {}
  void add(double amount = 1);

 private:
  prometheus::Counter& impl_;
};

class Gauge {
 public:
  explicit Gauge(prometheus::Gauge& impl) : impl_(impl) {}
  void set(double value);

 private:
  prometheus::Gauge& impl_;
};

class Histogram {
 public:
  explicit Histogram(prometheus::Histogram& impl) : impl_(impl) {}
  void observe(double value);

 private:
  prometheus::Histogram& impl_;
};

class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  // A gauge whose series come and go, e.g. one for each host: from now on those given are all.
  void set_series(const std::string& name, const std::string& help,
                  const std::map<Labels, double>& series);
  // `bounds`: upper bounds of the buckets, ascending.
  Histogram& histogram(const std::string& name, const std::string& help, const Labels& labels,
                       const std::vector<double>& bounds);

  // Prometheus text exposition format 0.0.4.
  [[nodiscard]] std::string text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Seconds, 50 µs to 10 s: for requests and commits.
[[nodiscard]] const std::vector<double>& latency_bounds();

}  // namespace mx2::metrics
