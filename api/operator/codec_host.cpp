// Hosts and what they report of themselves.
#include <algorithm>
#include <set>

#include "api/base/clock.h"
#include "api/mx2/codec.h"
#include "api/operator/codec.h"

namespace mx2::codec {
namespace {

using json::ObjectReader;
using json::Value;

constexpr std::size_t kInstancesPerHostMax = 10000;
constexpr json::Chars kLabel{0, 256};
constexpr json::Chars kUriOrNone{0, 2048};
constexpr json::Chars kMepmKey{0, 128};
constexpr std::size_t kAttachmentsMax = 10000;
constexpr std::int64_t kCountMax = 1'000'000'000;
constexpr double kRateMax = 1e9;
constexpr int kDayMs = 86'400'000;
constexpr std::int64_t kLeaseMsMin = 100;

void read_labels(ObjectReader& reader, std::map<std::string, std::string>& out,
                 Strictness strictness) {
  const auto* labels = reader.object("labels");
  if (labels == nullptr) return;
  if (labels->size() > at_most(kLabelsMax, strictness)) {
    reader.fail("has more than " + std::to_string(kLabelsMax) + " labels", "labels");
  }
  ObjectReader members(*labels, reader.at("labels"), reader.error());
  for (const auto& [name, value] : labels->items()) {
    members.required(name.c_str(), out[name], chars(kLabel, strictness));
  }
}

void read_host_id(ObjectReader& reader, std::string& id) {
  reader.required_line("id", id, {1, 128});
  if (reader.ok() && id.find_first_of(" /") != std::string::npos) {
    reader.fail("must have neither spaces nor slashes", "id");
  }
}

constexpr auto kHost = [](auto& io, auto& host, Strictness strictness) {
  io.optional("name", host.name, chars(kLabel, strictness));
  io.optional("zone", host.zone, chars(kLabel, strictness));
  io.optional("state", host.state, kHostStates);
  location_items(io, "serviceArea", host.service_area, strictness);
  io.optional("mepmUri", host.mepm_uri, chars(kUriOrNone, strictness));
  io.optional("mepmKey", host.mepm_key, chars(kMepmKey, strictness));
  io.optional("probeUri", host.probe_uri, chars(kUriOrNone, strictness));
};

constexpr auto kHostInstance = [](auto& io, auto& instance, Strictness strictness) {
  io.required("appDId", instance.app_d_id, chars(json::kIdentifier, strictness));
  io.optional("appInstanceId", instance.app_instance_id, chars(json::kIdentifier, strictness));
  io.required("referenceURI", instance.reference_uri, chars(json::kUri, strictness));
};

constexpr auto kRegistration = [](auto& io, auto& registration) {
  io.required_line("mepmUri", registration.mepm_uri, json::kUri);
  io.optional("mepmKey", registration.mepm_key, kMepmKey);
  io.optional("name", registration.name, kLabel);
  io.optional("zone", registration.zone, kLabel);
};

constexpr auto kAppLoad = [](auto& io, auto& app) {
  io.required_line("appDId", app.app_d_id, json::kIdentifier);
  io.optional("instances", app.instances, 0, kCountMax);
  io.optional("inFlight", app.in_flight, 0, kCountMax);
  io.optional("requestRate", app.request_rate, kRateMax);
  io.optional("p50Ms", app.p50_ms, kDayMs);
  io.optional("p95Ms", app.p95_ms, kDayMs);
};

constexpr auto kHostLoad = [](auto& io, auto& load) {
  io.optional("cpu", load.cpu, 1);
  io.optional("memory", load.memory, 1);
  io.optional("inFlight", load.in_flight, 0, kCountMax);
  io.optional("requestRate", load.request_rate, kRateMax);
};

void read_instances(ObjectReader& reader, Host& host) {
  std::set<std::pair<std::string, std::string>> seen;
  const auto read = [&](ObjectReader& item, AppInstance& instance) {
    kHostInstance(item, instance, Strictness::kFull);
    item.check_line("appDId", instance.app_d_id);
    item.check_line("referenceURI", instance.reference_uri);
    item.optional("managed", instance.managed);
    item.refuse_unknown({"appDId", "appInstanceId", "referenceURI", "managed"});
    if (instance.managed) return;  // not theirs to say, so it does not count
    if (!seen.emplace(instance.app_d_id, instance.reference_uri).second) {
      item.fail("this instance of the app is listed already", "referenceURI");
    }
  };
  reader.optional_items("instances", host.instances, kInstancesPerHostMax, read);
}

void read_stored_instance(ObjectReader& reader, AppInstance& instance) {
  kHostInstance(reader, instance, Strictness::kStored);
  reader.optional("managed", instance.managed);
}

void read_latencies(ObjectReader& reader, HostLoad& load) {
  const auto* latencies = reader.object("latencyMs");
  if (latencies == nullptr) return;
  if (latencies->size() > kAttachmentsMax) reader.fail("has too many attachments", "latencyMs");
  ObjectReader members(*latencies, reader.at("latencyMs"), reader.error());
  for (const auto& [attachment, value] : latencies->items()) {
    std::optional<double> ms;
    members.optional(attachment.c_str(), ms, kDayMs);
    if (ms) load.latency_ms[attachment] = *ms;
  }
}

// "reported" is the orchestrator's to give; it comes with loads that were answered by it.
void read_load(ObjectReader& reader, HostLoad& load) {
  kHostLoad(reader, load);
  std::set<std::string> seen;
  const auto read = [&](ObjectReader& item, AppLoad& app) {
    kAppLoad(item, app);
    item.refuse_unknown({"appDId", "instances", "inFlight", "requestRate", "p50Ms", "p95Ms"});
    if (!seen.insert(app.app_d_id).second) item.fail("this app is listed already", "appDId");
  };
  reader.optional_items("apps", load.apps, kInstancesPerHostMax, read);
  read_latencies(reader, load);
  std::string reported;
  reader.optional("reported", reported, json::kAnyText);
  reader.optional("ageMs", load.age_ms, 0, json::kMost);
}

void read_lease(ObjectReader& reader, std::int64_t& out) {
  reader.optional("leaseMs", out, 0, std::int64_t{kDayMs});
  if (out > 0 && out < kLeaseMsMin) {
    reader.fail("must be 0 or at least " + std::to_string(kLeaseMsMin), "leaseMs");
  }
}

void read_unable(ObjectReader& reader, Host& host) {
  const auto* items = reader.array("unable", kInstancesPerHostMax);
  if (items == nullptr) return;
  for (const auto& item : *items) {
    if (!item.is_string()) return reader.fail("must be a list of appDIds", "unable");
    host.unable.push_back(item.get<std::string>());
  }
}

void read_status(ObjectReader& reader, Host& host) {
  reader.optional_object("status", [&](ObjectReader& status) {
    status.optional("reachable", host.reachable);
    status.optional_object("load", host.load, read_load);
    read_unable(status, host);
  });
}

void read_host(ObjectReader& reader, Host& host) {
  read_host_id(reader, host.id);
  kHost(reader, host, Strictness::kFull);
  read_labels(reader, host.labels, Strictness::kFull);
  read_instances(reader, host);
  reader.check_http("mepmUri", host.mepm_uri);
  read_lease(reader, host.lease_ms);
  reader.check_http("probeUri", host.probe_uri);
  read_status(reader, host);
  reader.refuse_unknown({"id", "name", "zone", "state", "labels", "serviceArea", "instances",
                         "mepmUri", "mepmKey", "leaseMs", "probeUri", "status"});
}

void read_stored_host(ObjectReader& reader, Host& host) {
  reader.required("id", host.id, json::kAnyLength);
  kHost(reader, host, Strictness::kStored);
  read_labels(reader, host.labels, Strictness::kStored);
  reader.optional_items("instances", host.instances, json::kNoLimit, read_stored_instance);
  reader.optional("leaseMs", host.lease_ms, 0, json::kMost);
  read_status(reader, host);
}

void read_registration(ObjectReader& reader, HostRegistration& registration) {
  read_host_id(reader, registration.id);
  kRegistration(reader, registration);
  reader.check_http("mepmUri", registration.mepm_uri);
  read_lease(reader, registration.lease_ms);
  read_labels(reader, registration.labels, Strictness::kFull);
  reader.refuse_unknown({"id", "mepmUri", "mepmKey", "leaseMs", "name", "zone", "labels"});
}

void read_report(ObjectReader& reader, HostReport& report) {
  reader.optional("mepmKey", report.mepm_key, kMepmKey);
  read_load(reader, report.load);
  reader.refuse_unknown({"cpu", "memory", "inFlight", "requestRate", "apps", "latencyMs", "mepmKey",
                         "reported", "ageMs"});
}

Value load_json(const HostLoad& load) {
  auto out = json::object_of(load, kHostLoad);
  json::ObjectWriter writer(out);
  writer.optional_items("apps", load.apps, kInstancesPerHostMax, kAppLoad);
  writer.optional("latencyMs", load.latency_ms);
  return out;
}

}  // namespace

Result<Host> decode_host(const Value& document) {
  return json::decode_object<Host>(document, read_host);
}

Result<Host> decode_host(const Value& document, std::vector<Error>& more) {
  return json::decode_object<Host>(document, read_host, &more);
}

Result<Host> decode_stored_host(const Value& document) {
  return json::decode_stored<Host>(document, read_stored_host);
}

Result<HostRegistration> decode_host_registration(const Value& document) {
  return json::decode_object<HostRegistration>(document, read_registration);
}

Result<HostReport> decode_host_report(const Value& document) {
  return json::decode_object<HostReport>(document, read_report);
}

Result<HostLoad> decode_host_load(const Value& document) {
  auto report = decode_host_report(document);
  if (!report) return report.error();
  return std::move(report->load);
}

Value to_json(const Host& host) {
  Value out{{"id", host.id}, {"instances", Value::array()}};
  json::ObjectWriter writer(out);
  kHost(writer, host, Strictness::kStored);
  writer.optional("labels", host.labels);
  writer.optional_items("instances", host.instances, json::kNoLimit,
                        [](auto& item, const auto& instance) {
                          kHostInstance(item, instance, Strictness::kStored);
                          if (instance.managed) item.required("managed", true);
                        });
  if (host.lease_ms > 0) out["leaseMs"] = host.lease_ms;
  return out;
}

Value operators_part(const Host& host) {
  auto put = host;
  put.mepm_uri.clear();
  put.mepm_key.clear();
  std::erase_if(put.instances, [](const AppInstance& instance) { return instance.managed; });
  return to_json(put);
}

Value to_json(const HostRegistration& registration) {
  auto out = json::object_of(registration, kRegistration);
  json::ObjectWriter writer(out);
  writer.required("leaseMs", registration.lease_ms);
  writer.optional("labels", registration.labels);
  return out;
}

Value to_json(const HostReport& report) {
  auto out = load_json(report.load);
  json::ObjectWriter(out).optional("mepmKey", report.mepm_key);
  return out;
}

Value to_json(const HostLoad& load, std::int64_t now_ms) {
  auto out = load_json(load);
  out["reported"] = format_utc(load.reported_ms);
  out["ageMs"] = std::max<std::int64_t>(0, now_ms - load.received_ms);
  return out;
}

Value to_json_with_status(const Host& host, std::int64_t now_ms) {
  auto out = to_json(host);
  out["status"]["reachable"] = host.reachable;
  if (!host.unable.empty()) out["status"]["unable"] = host.unable;
  if (host.load) out["status"]["load"] = to_json(*host.load, now_ms);
  return out;
}

}  // namespace mx2::codec
