// Hosts and what they report of themselves.
#include <algorithm>
#include <limits>
#include <set>

#include "api/base/clock.h"
#include "api/json/form.h"
#include "api/mx2/codec.h"
#include "api/operator/codec.h"

namespace mx2::codec {
namespace {

using json::ObjectReader;
using json::Value;

constexpr std::size_t kInstancesPerHostMax = 10000;
constexpr json::Chars kAny{};
constexpr std::size_t kAttachmentsMax = 10000;
constexpr std::int64_t kCountMax = 1'000'000'000;
constexpr double kRateMax = 1e9;
constexpr int kDayMs = 86'400'000;
constexpr std::int64_t kLeaseMsMin = 100;
constexpr std::size_t kMepmKeyMax = 128;

template <typename T>
void put(Value& out, const char* name, const std::optional<T>& value) {
  if (value) out[name] = *value;
}

HostState read_state(ObjectReader& reader) {
  std::string text = "up";
  reader.optional("state", text, json::kAnyText);
  for (const auto state :
       {HostState::kUp, HostState::kCordoned, HostState::kDraining, HostState::kDown}) {
    if (text == to_text(state)) return state;
  }
  reader.fail("must be up, cordoned, draining or down", "state");
  return HostState::kUp;
}

std::map<std::string, std::string> read_labels(ObjectReader& reader,
                                               Strictness strictness = Strictness::kFull) {
  std::map<std::string, std::string> out;
  const auto* labels = reader.object("labels");
  if (labels == nullptr) return out;
  if (labels->size() > kLabelsMax && strictness != Strictness::kStored) {
    reader.fail("has more than " + std::to_string(kLabelsMax) + " labels", "labels");
  }
  for (const auto& [name, value] : labels->items()) {
    ObjectReader sub(*labels, reader.at("labels"), reader.error());
    sub.required(name.c_str(), out[name], chars({0, 256}, strictness));
  }
  return out;
}

void read_host_id(ObjectReader& reader, std::string& id) {
  reader.required_line("id", id, {1, 128});
  if (reader.ok() && id.find_first_of(" /") != std::string::npos) {
    reader.fail("must have neither spaces nor slashes", "id");
  }
}

void check_uri(ObjectReader& reader, const char* name, const std::string& uri) {
  if (!uri.empty() && uri.rfind("http://", 0) != 0 && uri.rfind("https://", 0) != 0) {
    reader.fail("must begin with http:// or https://", name);
  }
}

void read_instances(ObjectReader& reader, Host& host) {
  const auto* items = reader.array("instances", kInstancesPerHostMax);
  if (items == nullptr) return;
  std::set<std::pair<std::string, std::string>> seen;
  for (std::size_t i = 0; i < items->size() && reader.ok(); ++i) {
    ObjectReader item((*items)[i], reader.at("instances") + "/" + std::to_string(i),
                      reader.error());
    auto& instance = host.instances.emplace_back();
    item.required_line("appDId", instance.app_d_id, json::kIdentifier);
    item.optional("appInstanceId", instance.app_instance_id, json::kIdentifier);
    item.required_line("referenceURI", instance.reference_uri, {1, 2048});
    item.optional("managed", instance.managed);
    item.refuse_unknown({"appDId", "appInstanceId", "referenceURI", "managed"});
    if (instance.managed) continue;  // not theirs to say, so it does not count
    if (!seen.emplace(instance.app_d_id, instance.reference_uri).second) {
      item.fail("this instance of the app is listed already", "referenceURI");
    }
  }
}

void read_stored_instances(ObjectReader& reader, Host& host) {
  const auto* items = reader.array("instances", json::kNoLimit);
  if (items == nullptr) return;
  for (std::size_t i = 0; i < items->size() && reader.ok(); ++i) {
    ObjectReader item((*items)[i], reader.at("instances") + "/" + std::to_string(i),
                      reader.error());
    auto& instance = host.instances.emplace_back();
    item.required("appDId", instance.app_d_id, kAny);
    item.optional("appInstanceId", instance.app_instance_id, kAny);
    item.required("referenceURI", instance.reference_uri, kAny);
    item.optional("managed", instance.managed);
  }
}

// A number from 0 to `most`.
void read_number(ObjectReader& reader, const char* name, std::optional<double>& out, double most) {
  const auto* value = reader.find(name);
  if (value == nullptr) return;
  if (!value->is_number() || value->get<double>() < 0 || value->get<double>() > most) {
    return reader.fail("must be a number from 0 to " + Value(most).dump(), name);
  }
  out = value->get<double>();
}

void read_app_loads(ObjectReader& reader, HostLoad& load) {
  const auto* items = reader.array("apps", kInstancesPerHostMax);
  if (items == nullptr) return;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < items->size() && reader.ok(); ++i) {
    ObjectReader item((*items)[i], reader.at("apps") + "/" + std::to_string(i), reader.error());
    auto& app = load.apps.emplace_back();
    item.required_line("appDId", app.app_d_id, json::kIdentifier);
    item.optional("instances", app.instances, 0, kCountMax);
    item.optional("inFlight", app.in_flight, 0, kCountMax);
    read_number(item, "requestRate", app.request_rate, kRateMax);
    read_number(item, "p50Ms", app.p50_ms, kDayMs);
    read_number(item, "p95Ms", app.p95_ms, kDayMs);
    item.refuse_unknown({"appDId", "instances", "inFlight", "requestRate", "p50Ms", "p95Ms"});
    if (!seen.insert(app.app_d_id).second) item.fail("this app is listed already", "appDId");
  }
}

void read_latencies(ObjectReader& reader, HostLoad& load) {
  const auto* latencies = reader.object("latencyMs");
  if (latencies == nullptr) return;
  if (latencies->size() > kAttachmentsMax) reader.fail("has too many attachments", "latencyMs");
  ObjectReader sub(*latencies, reader.at("latencyMs"), reader.error());
  for (const auto& [attachment, value] : latencies->items()) {
    std::optional<double> ms;
    read_number(sub, attachment.c_str(), ms, kDayMs);
    if (ms) load.latency_ms[attachment] = *ms;
  }
}

// "reported" is the orchestrator's to give; it comes with loads that were answered by it.
HostLoad read_load(ObjectReader& reader) {
  HostLoad load;
  read_number(reader, "cpu", load.cpu, 1);
  read_number(reader, "memory", load.memory, 1);
  reader.optional("inFlight", load.in_flight, 0, kCountMax);
  read_number(reader, "requestRate", load.request_rate, kRateMax);
  read_app_loads(reader, load);
  read_latencies(reader, load);
  std::string reported;
  reader.optional("reported", reported, json::kAnyText);
  std::optional<std::int64_t> age_ms;
  reader.optional("ageMs", age_ms, 0, std::numeric_limits<std::int64_t>::max());
  load.age_ms = age_ms.value_or(0);
  return load;
}

void read_lease(ObjectReader& reader, std::int64_t& out) {
  std::optional<std::int64_t> lease_ms;
  reader.optional("leaseMs", lease_ms, 0, std::int64_t{kDayMs});
  out = lease_ms.value_or(0);
  if (out > 0 && out < kLeaseMsMin) {
    reader.fail("must be 0 or at least " + std::to_string(kLeaseMsMin), "leaseMs");
  }
}

void read_watch(ObjectReader& reader, Host& host) {
  reader.optional("mepmUri", host.mepm_uri, {0, 2048});
  check_uri(reader, "mepmUri", host.mepm_uri);
  reader.optional("mepmKey", host.mepm_key, {0, kMepmKeyMax});
  read_lease(reader, host.lease_ms);
  reader.optional("probeUri", host.probe_uri, {0, 2048});
  check_uri(reader, "probeUri", host.probe_uri);
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
  const auto* status = reader.object("status");
  if (status == nullptr) return;
  ObjectReader sub(*status, reader.at("status"), reader.error());
  sub.optional("reachable", host.reachable);
  const auto* load = sub.object("load");
  if (load != nullptr) {
    ObjectReader load_reader(*load, sub.at("load"), reader.error());
    host.load = read_load(load_reader);
  }
  read_unable(sub, host);
}

Value to_json(const AppLoad& app) {
  Value out{{"appDId", app.app_d_id}};
  put(out, "instances", app.instances);
  put(out, "inFlight", app.in_flight);
  put(out, "requestRate", app.request_rate);
  put(out, "p50Ms", app.p50_ms);
  put(out, "p95Ms", app.p95_ms);
  return out;
}

}  // namespace

Result<Host> decode_host(const Value& document) {
  std::optional<Error> error;
  Host host;
  ObjectReader reader(document, "", error);
  read_host_id(reader, host.id);
  reader.optional("name", host.name, {0, 256});
  reader.optional("zone", host.zone, {0, 256});
  host.state = read_state(reader);
  host.labels = read_labels(reader);
  host.service_area = read_locations(reader, "serviceArea", Strictness::kFull);
  read_instances(reader, host);
  read_watch(reader, host);
  read_status(reader, host);
  reader.refuse_unknown({"id", "name", "zone", "state", "labels", "serviceArea", "instances",
                         "mepmUri", "mepmKey", "leaseMs", "probeUri", "status"});
  if (error) return *error;
  return host;
}

Result<Host> decode_stored_host(const Value& document) {
  std::optional<Error> error;
  Host host;
  ObjectReader reader(document, "", error);
  json::check_form(reader);
  reader.required("id", host.id, kAny);
  reader.optional("name", host.name, kAny);
  reader.optional("zone", host.zone, kAny);
  host.state = read_state(reader);
  host.labels = read_labels(reader, Strictness::kStored);
  host.service_area = read_locations(reader, "serviceArea", Strictness::kStored);
  read_stored_instances(reader, host);
  reader.optional("mepmUri", host.mepm_uri, kAny);
  reader.optional("mepmKey", host.mepm_key, kAny);
  std::optional<std::int64_t> lease_ms;
  reader.optional("leaseMs", lease_ms, 0, std::numeric_limits<std::int64_t>::max());
  host.lease_ms = lease_ms.value_or(0);
  reader.optional("probeUri", host.probe_uri, kAny);
  read_status(reader, host);
  if (error) return *error;
  return host;
}

Result<HostRegistration> decode_host_registration(const Value& document) {
  std::optional<Error> error;
  HostRegistration registration;
  ObjectReader reader(document, "", error);
  read_host_id(reader, registration.id);
  reader.required_line("mepmUri", registration.mepm_uri, {1, 2048});
  check_uri(reader, "mepmUri", registration.mepm_uri);
  reader.optional("mepmKey", registration.mepm_key, {0, kMepmKeyMax});
  read_lease(reader, registration.lease_ms);
  reader.optional("name", registration.name, {0, 256});
  reader.optional("zone", registration.zone, {0, 256});
  registration.labels = read_labels(reader);
  reader.refuse_unknown({"id", "mepmUri", "mepmKey", "leaseMs", "name", "zone", "labels"});
  if (error) return *error;
  return registration;
}

Result<HostReport> decode_host_report(const Value& document) {
  std::optional<Error> error;
  ObjectReader reader(document, "", error);
  HostReport report;
  reader.optional("mepmKey", report.mepm_key, {0, kMepmKeyMax});
  report.load = read_load(reader);
  reader.refuse_unknown({"cpu", "memory", "inFlight", "requestRate", "apps", "latencyMs", "mepmKey",
                         "reported", "ageMs"});
  if (error) return *error;
  return report;
}

Result<HostLoad> decode_host_load(const Value& document) {
  auto report = decode_host_report(document);
  if (!report) return report.error();
  return std::move(report->load);
}

Value to_json(const Host& host) {
  Value out{{"id", host.id}, {"state", to_text(host.state)}};
  if (!host.name.empty()) out["name"] = host.name;
  if (!host.zone.empty()) out["zone"] = host.zone;
  if (!host.labels.empty()) out["labels"] = host.labels;
  for (const auto& area : host.service_area) out["serviceArea"].push_back(to_json(area));
  auto& instances = out["instances"] = Value::array();
  for (const auto& instance : host.instances) {
    Value item{{"appDId", instance.app_d_id},
               {"appInstanceId", instance.app_instance_id},
               {"referenceURI", instance.reference_uri}};
    if (instance.managed) item["managed"] = true;
    instances.push_back(std::move(item));
  }
  if (!host.mepm_uri.empty()) out["mepmUri"] = host.mepm_uri;
  if (!host.mepm_key.empty()) out["mepmKey"] = host.mepm_key;
  if (host.lease_ms > 0) out["leaseMs"] = host.lease_ms;
  if (!host.probe_uri.empty()) out["probeUri"] = host.probe_uri;
  return out;
}

Value operators_part(const Host& host) {
  auto put = host;
  put.mepm_uri.clear();
  put.mepm_key.clear();
  std::erase_if(put.instances, [](const AppInstance& instance) { return instance.managed; });
  return to_json(put);
}

Value to_json(const HostLoad& load, std::int64_t now_ms) {
  Value out = Value::object();
  put(out, "cpu", load.cpu);
  put(out, "memory", load.memory);
  put(out, "inFlight", load.in_flight);
  put(out, "requestRate", load.request_rate);
  for (const auto& app : load.apps) out["apps"].push_back(to_json(app));
  if (!load.latency_ms.empty()) out["latencyMs"] = load.latency_ms;
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
