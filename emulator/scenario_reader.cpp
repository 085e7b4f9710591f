#include <algorithm>
#include <set>

#include "api/base/text.h"
#include "api/config/mapping.h"
#include "emulator/scenario.h"
#include "optimizer/policy.h"

namespace mx2::emulator {
namespace {

constexpr double kSecondsMax = 1e6;
constexpr double kMany = 1e15;
constexpr double kSpacingsOnMax = 5;  // mean times of ON
constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::uint32_t kHostsMax = kCellsMax;

const std::vector<std::string> kStrategies = {"static", "baseline", "notification", "dispatching",
                                              "multiple"};
const std::vector<std::string> kSelections = {"least-impedance", "deficit-round-robin", "predicted",
                                              "mx2-dispatcher"};

// Its members replace what is there already; unknown ones are told when it has been read.
class Fields : public config::Mapping {
 public:
  explicit Fields(config::Mapping mapping) : Mapping(std::move(mapping)) {}
  ~Fields() { refuse_unknown(""); }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  // Null is an empty one.
  [[nodiscard]] Mapping section(const std::string& key) {
    const auto* value = find(key);
    auto member = at(key, value == nullptr ? kNothing : *value);
    if (value != nullptr && !member.is_mapping()) member.problem("must be a mapping");
    return member;
  }
  void text(const char* key, std::string& out) {
    const auto* value = find(key);
    if (value != nullptr && *value == "") return fail(key, "must be a text");
    Mapping::text(key, out);
  }
  // One of the names; `out` becomes its position.
  template <typename Enum>
  void choice(const char* key, Enum& out, const std::vector<std::string>& names) {
    auto name = names[static_cast<std::size_t>(out)];
    Mapping::choice(key, name, names);
    out = static_cast<Enum>(std::find(names.begin(), names.end(), name) - names.begin());
  }
  void fail(const std::string& key, const std::string& text) { problem(key + " " + text, key); }

 private:
  static inline const json::Value kNothing;
};

class ScenarioReader {
 public:
  explicit ScenarioReader(const config::Document& document) : document_(document) {}

  Result<Scenario> read() {
    {
      Fields fields(config::Mapping(document_, document_.value, "", errors_));
      if (!fields.is_mapping()) fields.problem("must be a mapping");
      fields.text("name", scenario_.name);
      fields.number("duration_s", scenario_.duration_s, 0.001, kSecondsMax);
      fields.number("warmup_s", scenario_.warmup_s, 0, kSecondsMax);
      if (scenario_.warmup_s >= scenario_.duration_s) fields.fail("warmup_s", "leaves nothing");
      read_lambdas(fields);
      read_hosts(fields);
      check_offers(fields);
      read_network(fields);
      read_ues(fields);
      read_hot_spot(fields);
      read_strategy(fields);
      read_optimizer(fields);
      read_orchestrator(fields);
    }
    if (errors_.empty()) return std::move(scenario_);
    return invalid_argument(join(errors_, "\n"));
  }

 private:
  // Entries of a list, each repeated as its `count` says.
  template <typename Spec, typename Read>
  void read_list(Fields& fields, const char* key, std::size_t most, std::vector<Spec>& out,
                 Read read) {
    const auto* list = fields.find(key);
    if (list == nullptr || !list->is_array() || list->empty()) {
      return fields.fail(key, "must be a list with entries");
    }
    for (std::size_t i = 0; i < list->size(); ++i) {
      Fields entry(fields.at(std::string(key) + "/" + std::to_string(i), (*list)[i]));
      if (!entry.is_mapping()) entry.problem("must be a mapping");
      Spec spec;
      std::uint32_t count = 1;
      entry.text("id", spec.id);
      if (spec.id.empty()) entry.fail("id", "is missing");
      entry.integer("count", count, 1, static_cast<std::int64_t>(most));
      const auto finish = read(entry, spec);
      for (std::uint32_t n = 1; n <= count; ++n) {
        auto& one = out.emplace_back(spec);
        if (count > 1) one.id += "-" + std::to_string(n);
        finish(one, out.size() - 1);
      }
    }
    if (out.size() > most) fields.fail(key, "are more than " + std::to_string(most));
    std::set<std::string> ids;
    for (const auto& one : out) {
      if (!ids.insert(one.id).second) fields.fail(key, "has " + one.id + " twice");
    }
  }

  void check_offers(Fields& fields) {
    for (std::uint32_t l = 0; l < scenario_.lambdas.size(); ++l) {
      const bool offered =
          std::any_of(scenario_.hosts.begin(), scenario_.hosts.end(), [&](const HostSpec& host) {
            return std::find(host.lambdas.begin(), host.lambdas.end(), l) != host.lambdas.end();
          });
      if (!offered) fields.fail("hosts", "do not offer " + scenario_.lambdas[l].id);
    }
  }

  void read_lambdas(Fields& fields) {
    read_list(fields, "lambdas", kLambdasMax, scenario_.lambdas, [](Fields& f, LambdaSpec& spec) {
      f.number("ops_offset", spec.ops_offset, 0, kMany);
      f.number("ops_per_byte", spec.ops_per_byte, 0, kMany);
      f.number("memory_offset", spec.memory_offset, 0, kMany);
      f.number("memory_per_byte", spec.memory_per_byte, 0, kMany);
      f.choice("variation", spec.exponential, {"none", "exponential"});
      return [](LambdaSpec&, std::size_t) {};
    });
  }

  void read_hosts(Fields& fields) {
    const auto lambdas = scenario_.lambdas.size();
    read_list(fields, "hosts", kHostsMax, scenario_.hosts, [&](Fields& f, HostSpec& spec) {
      double memory_mib = 512;
      f.number("speed", spec.processor.speed, 1, kMany);
      f.integer("cores", spec.processor.cores, 1, 4096);
      f.number("memory_mib", memory_mib, 0.001, 1e9);
      f.integer("workers", spec.workers, 1, 1'000'000);
      spec.processor.memory_bytes = memory_mib * (1 << 20);
      std::uint32_t offered = 0;
      f.integer("lambdas_offered", offered, 0, kLambdasMax);
      const auto named = read_names(f, offered);
      return [named, offered, lambdas](HostSpec& one, std::size_t index) {
        one.lambdas = named;
        if (!named.empty()) return;
        const auto most = offered == 0 ? lambdas : std::min<std::size_t>(offered, lambdas);
        for (std::size_t i = 0; i < most; ++i) {
          one.lambdas.push_back(static_cast<std::uint32_t>((index + i) % lambdas));
        }
      };
    });
  }

  std::vector<std::uint32_t> read_names(Fields& f, std::uint32_t offered) {
    std::vector<std::uint32_t> result;
    const auto* names = f.find("lambdas");
    if (names == nullptr) return result;
    if (!names->is_array() || offered > 0) {
      f.fail("lambdas", "must be a list of identifiers, and not together with lambdas_offered");
      return result;
    }
    for (const auto& name : *names) {
      const auto it = std::find_if(
          scenario_.lambdas.begin(), scenario_.lambdas.end(), [&](const LambdaSpec& spec) {
            return name.is_string() && name.get_ref<const std::string&>() == spec.id;
          });
      if (it == scenario_.lambdas.end()) {
        f.fail("lambdas", "has " + json::dump(name) + ", which is no λ of the file");
        continue;
      }
      const auto index = static_cast<std::uint32_t>(it - scenario_.lambdas.begin());
      const bool again = std::find(result.begin(), result.end(), index) != result.end();
      if (again) f.fail("lambdas", "has " + it->id + " twice");
      result.push_back(index);
    }
    return result;
  }

  void read_network(Fields& fields) {
    Fields f(fields.section("network"));
    auto& network = scenario_.network;
    f.choice("shape", network.shape, {"line", "ring", "grid"});
    f.integer("cells", network.cells, 0, kCellsMax);
    f.number("access_ms", network.access_ms, 0, 1e6);
    f.number("hop_ms", network.hop_ms, 0, 1e6);
    f.number("access_mbps", network.access_mbps, 0.001, 1e6);
    f.number("hop_mbps", network.hop_mbps, 0.001, 1e6);
    f.integer("overhead_bytes", network.overhead_bytes, 0, 1'000'000);
    const auto hosts = static_cast<std::uint32_t>(scenario_.hosts.size());
    if (network.cells == 0) network.cells = hosts;
    if (network.cells < hosts) f.fail("cells", "must not be fewer than hosts");
    for (std::uint32_t h = 0; h < hosts; ++h) {
      scenario_.hosts[h].cell = h * network.cells / hosts;
    }
  }

  void read_ues(Fields& fields) {
    Fields f(fields.section("ues"));
    auto& ues = scenario_.ues;
    f.integer("number", ues.number, 1, kUesMax);
    f.integer("request_bytes", ues.request_bytes, 0, 1'000'000'000);
    f.integer("response_bytes", ues.response_bytes, 0, 1'000'000'000);
    f.number("context_life_s", ues.context_life_s, 0, kSecondsMax);
    read_traffic(f);
    Fields mobility(f.section("mobility"));
    mobility.number("residence_s", ues.mobility.residence_s, 0, kSecondsMax);
    mobility.choice("to", ues.mobility.to_any, {"neighbour", "any"});
  }

  void read_traffic(Fields& ues) {
    Fields f(ues.section("traffic"));
    auto& traffic = scenario_.ues.traffic;
    f.choice("model", traffic.model, {"closed-loop", "on-off", "bursts"});
    f.choice("interval", traffic.interval, {"constant", "uniform", "exponential"});
    f.number("interval_s", traffic.interval_s, 0, kSecondsMax);
    f.number("on_s", traffic.on_s, 0.001, kSecondsMax);
    f.number("off_s", traffic.off_s, 0, kSecondsMax);
    f.number("period_s", traffic.period_s, 0.001, kSecondsMax);
    f.number("burst", traffic.burst, 0.1, 100);
    f.number("spacing_min_s", traffic.spacing_min_s, 0, kSecondsMax);
    f.number("spacing_max_s", traffic.spacing_max_s, 0, kSecondsMax);
    if (traffic.spacing_max_s < traffic.spacing_min_s) {
      f.fail("spacing_max_s", "must not be less than spacing_min_s");
    }
    if (traffic.model == TrafficSpec::Model::kOnOff &&
        traffic.spacing_min_s > kSpacingsOnMax * traffic.on_s) {
      f.fail("spacing_min_s", "is so much longer than on_s that hardly a call would begin");
    }
  }

  void read_hot_spot(Fields& fields) {
    Fields f(fields.section("hot_spot"));
    auto& spot = scenario_.hot_spot;
    f.choice("of", spot.of, {"none", "cells", "lambdas"});
    f.number("period_s", spot.period_s, 0.001, kSecondsMax);
    f.number("factor", spot.factor, 1, 1000);
  }

  void read_strategy(Fields& fields) {
    Fields f(fields.section("strategy"));
    auto& strategy = scenario_.strategy;
    f.choice("kind", strategy.kind, kStrategies);
    f.choice("selection", strategy.selection, kSelections);
    f.boolean("follows", strategy.follows);
    f.number("dispatch_ms", strategy.dispatch_ms, 0, 1e6);
    f.integer("endpoints", strategy.endpoints, 1, kEndpointsMax);
    f.number("probe", strategy.probe, 0, 1);
  }

  void read_optimizer(Fields& fields) {
    Fields f(fields.section("optimizer"));
    auto& optimizer = scenario_.optimizer;
    f.text("policy", optimizer.policy);
    const auto& names = optimizer::policy_names();
    if (std::find(names.begin(), names.end(), optimizer.policy) == names.end()) {
      f.fail("policy", "is '" + optimizer.policy + "', which is none of mx2-optimizer");
    }
    f.number("period_s", optimizer.period_s, 0.01, kSecondsMax);
    f.boolean("told_of_moves", optimizer.told_of_moves);
    f.number("report_s", optimizer.report_s, 0.01, kSecondsMax);
    Fields s(f.section("stability"));
    auto& stability = optimizer.stability;
    s.boolean("enabled", stability.enabled);
    s.integer("gain_us_min", stability.gain_us_min, 0, 3'600'000'000);
    s.integer("gain_percent_min", stability.gain_percent_min, 0, 100);
    s.integer("dwell_ms", stability.dwell_ms, 0, kDayMs);
    s.integer("moves_max", stability.moves_max, 0, 1'000'000'000);
  }

  void read_orchestrator(Fields& fields) {
    Fields f(fields.section("orchestrator"));
    auto& orchestrator = scenario_.orchestrator;
    f.integer("cell", orchestrator.cell, 0, kCellsMax - 1);
    f.number("answer_ms", orchestrator.answer_ms, 0, 1e6);
    f.number("notify_ms", orchestrator.notify_ms, 0, 1e6);
    f.integer("notification_bytes", orchestrator.notification_bytes, 0, 1'000'000);
    if (orchestrator.cell >= scenario_.network.cells) f.fail("cell", "does not exist");
  }

  const config::Document& document_;
  std::vector<std::string> errors_;
  Scenario scenario_;
};

// "hosts.0.count" as a JSON pointer.
std::string pointer_of(const std::string& key) {
  std::string pointer;
  for (const auto part : split(key, '.')) pointer += "/" + std::string(part);
  return pointer;
}

Result<void> apply(config::Document& document, const Setting& setting) {
  if (setting.value.empty()) return invalid_argument("--set " + setting.key + ": has no value");
  const auto value = config::parse_yaml("value: " + setting.value, "--set " + setting.key);
  if (!value) return value.error();
  try {
    const auto pointer = pointer_of(setting.key);
    document.value[json::Value::json_pointer(pointer)] = value->value.at("value");
    document.places[pointer] = "--set " + setting.key;
  } catch (const json::Value::exception&) {
    return invalid_argument("--set " + setting.key + ": no such place in " + document.file);
  }
  return {};
}

}  // namespace

Result<Scenario> read_scenario(config::Document document, const std::vector<Setting>& settings) {
  for (const auto& setting : settings) {
    if (auto applied = apply(document, setting); !applied) return applied.error();
  }
  return ScenarioReader(document).read();
}

const char* to_text(StrategyKind kind) {
  return kStrategies[static_cast<std::size_t>(kind)].c_str();
}

const char* to_text(SelectionKind kind) {
  return kSelections[static_cast<std::size_t>(kind)].c_str();
}

}  // namespace mx2::emulator
