// Requests, instances and operation occurrences.
#include "api/mec/codec_app_lcm.h"

#include "api/base/units.h"
#include "api/mec/codec_support.h"

namespace mx2::codec {
namespace {

using json::Chars;
using json::ObjectReader;
using json::Value;

constexpr Chars kName{0, 256};
constexpr Chars kIdempotencyKey{0, 256};
constexpr std::int64_t kSecondsMax = 4'294'967'295;
constexpr std::int64_t kNanosMax = 999'999'999;
constexpr std::int64_t kGraceSecondsMax = 86'400;
constexpr std::int64_t kDurationMsMax = 86'400'000;
constexpr std::int64_t kRestartsMax = 1'000'000'000;
constexpr std::size_t kHostsMax = 256;
constexpr std::size_t kPairsMax = 64;
constexpr std::size_t kAddressesMax = 16;
// ETSI's spelling; see the header.
constexpr const char* kMisspelled = "INSTATIATE";

// ETSI's two kinds of ending an instance: `graceful` of the type, and for how long, which means
// nothing to a forceful one.
void read_grace(ObjectReader& reader, const char* type, const char* timeout, bool& graceful,
                std::optional<std::int64_t>& timeout_s) {
  std::string text = graceful ? "GRACEFUL" : "FORCEFUL";
  reader.optional(type, text, json::kAnyText);
  if (text != "GRACEFUL" && text != "FORCEFUL") reader.fail("must be GRACEFUL or FORCEFUL", type);
  graceful = text == "GRACEFUL";
  reader.optional(timeout, timeout_s, 0, kGraceSecondsMax);
}

void read_host(const Value& item, const std::string& pointer, std::optional<Error>& error,
               InstantiateAppRequest::Host& host) {
  ObjectReader reader(item, pointer, error);
  reader.optional("hostName", host.host_name, kName);
  const auto* pairs = reader.need("hostId", Value::value_t::object);
  if (pairs == nullptr) return;
  if (pairs->size() > kPairsMax) return reader.fail("has too many pairs", "hostId");
  for (const auto& [name, value] : pairs->items()) {
    if (value.is_string() && value.get_ref<const std::string&>().size() <= json::kAnyText.most) {
      host.host_id[name] = value.get<std::string>();
    }
  }
}

void read_duration(ObjectReader& reader, const char* name, std::optional<std::int64_t>& out) {
  reader.optional(name, out, 0, kDurationMsMax);
}

void read_status(ObjectReader& reader, AppInstanceStatus& status) {
  const auto* object = reader.object("mx2");
  if (object == nullptr) return;
  ObjectReader sub(*object, reader.at("mx2"), reader.error());
  status.phase =
      read_enum(sub, "phase",
                {InstancePhase::kAbsent, InstancePhase::kFetching, InstancePhase::kInstalled,
                 InstancePhase::kAllocated, InstancePhase::kDeallocated});
  read_duration(sub, "fetchMs", status.fetch_ms);
  read_duration(sub, "installMs", status.install_ms);
  read_duration(sub, "startMs", status.start_ms);
  read_duration(sub, "readyMs", status.ready_ms);
  std::optional<std::int64_t> restarts;
  sub.optional("restarts", restarts, 0, kRestartsMax);
  status.restarts = restarts.value_or(0);
  sub.optional("idempotencyKey", status.idempotency_key, kIdempotencyKey);
  sub.optional("lastError", status.last_error, json::kAnyText);
}

Value status_json(const AppInstanceStatus& status) {
  Value out{{"phase", to_text(status.phase)}, {"restarts", status.restarts}};
  if (status.fetch_ms) out["fetchMs"] = *status.fetch_ms;
  if (status.install_ms) out["installMs"] = *status.install_ms;
  if (status.start_ms) out["startMs"] = *status.start_ms;
  if (status.ready_ms) out["readyMs"] = *status.ready_ms;
  if (!status.last_error.empty()) out["lastError"] = status.last_error;
  if (status.idempotency_key) out["idempotencyKey"] = *status.idempotency_key;
  return out;
}

void read_addresses(ObjectReader& reader, AppInstanceInfo& instance) {
  const auto* communication = reader.object("communicationInterface");
  if (communication == nullptr) return;
  ObjectReader sub(*communication, reader.at("communicationInterface"), reader.error());
  const auto* items = sub.array("ipAddresses", kAddressesMax);
  if (items == nullptr) return;
  for (std::size_t i = 0; i < items->size() && reader.ok(); ++i) {
    ObjectReader item((*items)[i], sub.at("ipAddresses") + "/" + std::to_string(i), reader.error());
    auto& address = instance.ip_addresses.emplace_back();
    std::int64_t port = 0;
    item.required_line("host", address.host, {1, 256});
    item.required("port", port, 0, kPortMax);
    address.port = static_cast<std::uint16_t>(port);
  }
}

void read_state(ObjectReader& reader, AppInstanceInfo& instance) {
  std::string state;
  reader.required("instantiationState", state, json::kAnyText);
  if (reader.ok() && state != "INSTANTIATED" && state != "NOT_INSTANTIATED") {
    reader.fail("must be INSTANTIATED or NOT_INSTANTIATED", "instantiationState");
  }
  instance.instantiated = state == "INSTANTIATED";
  const auto* running = reader.object("instantiatedAppState");
  if (running == nullptr) return;
  ObjectReader sub(*running, reader.at("instantiatedAppState"), reader.error());
  instance.operational_state =
      read_enum(sub, "operationalState", {OperationalState::kStarted, OperationalState::kStopped});
}

void read_instance(ObjectReader& reader, AppInstanceInfo& instance) {
  reader.required_line("id", instance.id, json::kIdentifier);
  reader.optional("appInstanceName", instance.app_instance_name, kName);
  reader.optional("appInstanceDescription", instance.app_instance_description, json::kAnyText);
  reader.required_line("appDId", instance.app_d_id, json::kIdentifier);
  reader.required_line("appProvider", instance.app_provider, kName);
  reader.required_line("appName", instance.app_name, kName);
  reader.required_line("appSoftVersion", instance.app_soft_version, kName);
  reader.required_line("appDVersion", instance.app_d_version, kName);
  reader.required_line("appPkgId", instance.app_pkg_id, kName);
  read_state(reader, instance);
  read_addresses(reader, instance);
  read_status(reader, instance.status);
}

void read_operation(ObjectReader& reader, AppLcmOpOcc& operation) {
  reader.required_line("id", operation.id, json::kIdentifier);
  operation.state =
      read_enum(reader, "operationState",
                {OperationState::kStarting, OperationState::kProcessing, OperationState::kCompleted,
                 OperationState::kFailed, OperationState::kFailedTemp});
  operation.state_entered_ms = read_timestamp(reader, "stateEnteredTime");
  operation.start_ms = read_timestamp(reader, "startTime");
  const auto* name = reader.find("lcmOperation");
  if (name == nullptr || *name != kMisspelled) {
    operation.operation =
        read_enum(reader, "lcmOperation",
                  {LcmOperation::kInstantiate, LcmOperation::kOperate, LcmOperation::kTerminate});
  }
  if (const auto* links = reader.need("_links", Value::value_t::object)) {
    ObjectReader links_reader(*links, reader.at("_links"), reader.error());
    std::string href;
    if (const auto* instance = links_reader.need("appInstance", Value::value_t::object)) {
      ObjectReader(*instance, links_reader.at("appInstance"), reader.error())
          .required("href", href, kUri);
    }
    operation.app_instance_id = href.substr(href.rfind('/') + 1);
  }
  if (const auto* error = reader.object("error")) {
    ObjectReader sub(*error, reader.at("error"), reader.error());
    sub.optional("cause", operation.error_cause, json::kAnyText);
    sub.optional("detail", operation.error_detail, json::kAnyText);
  }
}

Value instance_links(const AppInstanceInfo& instance, const std::string& self) {
  Value links{{"self", link(self)}};
  if (instance.instantiated) {
    links["terminate"] = link(self + "/terminate");
    links["operate"] = link(self + "/operate");
  } else {
    links["instantiate"] = link(self + "/instantiate");
  }
  return links;
}

Value grace_json(const char* type, const char* timeout, bool graceful,
                 const std::optional<std::int64_t>& timeout_s) {
  Value out{{type, graceful ? "GRACEFUL" : "FORCEFUL"}};
  if (timeout_s) out[timeout] = *timeout_s;
  return out;
}

}  // namespace

Value timestamp_json(std::int64_t ms) {
  return {{"seconds", ms / whole::kMsPerSecond},
          {"nanoSeconds", ms % whole::kMsPerSecond * whole::kNsPerMs}};
}

std::int64_t read_timestamp(ObjectReader& reader, const char* name) {
  const auto* value = reader.need(name, Value::value_t::object);
  if (value == nullptr) return 0;
  ObjectReader sub(*value, reader.at(name), reader.error());
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
  sub.required("seconds", seconds, 0, kSecondsMax);
  sub.required("nanoSeconds", nanos, 0, kNanosMax);
  return seconds * whole::kMsPerSecond + nanos / whole::kNsPerMs;
}

Result<CreateAppInstanceRequest> decode_create_app_instance(std::string_view body) {
  return decode_text<CreateAppInstanceRequest>(body, [](ObjectReader& reader, auto& request) {
    reader.required_line("appDId", request.app_d_id, json::kIdentifier);
    reader.optional("appInstanceName", request.app_instance_name, kName);
    if (!json::is_single_line(request.app_instance_name)) {
      reader.fail("must be on one line", "appInstanceName");
    }
    reader.optional("appInstanceDescription", request.app_instance_description, json::kAnyText);
  });
}

Result<InstantiateAppRequest> decode_instantiate_app(std::string_view body) {
  return decode_text<InstantiateAppRequest>(body, [](ObjectReader& reader, auto& request) {
    if (reader.need("selectedMECHostInfo", Value::value_t::array) == nullptr) return;
    const auto* items = reader.array("selectedMECHostInfo", kHostsMax);
    if (items == nullptr) return;
    if (items->empty()) reader.fail("must have at least one item", "selectedMECHostInfo");
    for (std::size_t i = 0; i < items->size() && reader.ok(); ++i) {
      read_host((*items)[i], reader.at("selectedMECHostInfo") + "/" + std::to_string(i),
                reader.error(), request.selected_mec_hosts.emplace_back());
    }
  });
}

Result<TerminateAppRequest> decode_terminate_app(std::string_view body) {
  return decode_text<TerminateAppRequest>(body, [](ObjectReader& reader, auto& request) {
    if (reader.need("terminationType", Value::value_t::string) == nullptr) return;
    read_grace(reader, "terminationType", "gracefulTerminationTimeout", request.graceful,
               request.graceful_timeout_s);
  });
}

Result<OperateAppRequest> decode_operate_app(std::string_view body) {
  return decode_text<OperateAppRequest>(body, [](ObjectReader& reader, auto& request) {
    request.change_state_to = read_enum(reader, "changeStateTo",
                                        {OperationalState::kStarted, OperationalState::kStopped});
    if (request.change_state_to == OperationalState::kStarted) {
      for (const char* name : {"stopType", "gracefulStopTimeout"}) {
        if (reader.find(name) != nullptr) reader.fail("must be absent with STARTED", name);
      }
    }
    read_grace(reader, "stopType", "gracefulStopTimeout", request.graceful,
               request.graceful_timeout_s);
    // Clause 6.2.2.8, note 2.
    if (reader.ok() && request.graceful != request.graceful_timeout_s.has_value()) {
      reader.fail(request.graceful ? "is missing" : "is for what is graceful",
                  "gracefulStopTimeout");
    }
  });
}

Result<CancelRequest> decode_cancel(std::string_view body) {
  return decode_text<CancelRequest>(body, [](ObjectReader& reader, auto& request) {
    // V3.1.1 writes its name with a capital letter in the OpenAPI, without one in the tables.
    const char* name = reader.find("CancelMode") != nullptr ? "CancelMode" : "cancelMode";
    std::string mode;
    reader.required(name, mode, json::kAnyText);
    if (reader.ok() && mode != "GRACEFUL" && mode != "FORCEFUL" && mode != "FORCED") {
      reader.fail("must be GRACEFUL or FORCEFUL", name);
    }
    request.graceful = mode == "GRACEFUL";
  });
}

std::string encode(const CreateAppInstanceRequest& request) {
  Value out{{"appDId", request.app_d_id}};
  if (!request.app_instance_name.empty()) out["appInstanceName"] = request.app_instance_name;
  if (!request.app_instance_description.empty()) {
    out["appInstanceDescription"] = request.app_instance_description;
  }
  return json::dump(out);
}

std::string encode(const InstantiateAppRequest& request) {
  auto hosts = Value::array();
  for (const auto& host : request.selected_mec_hosts) {
    Value item{{"hostId", host.host_id}};
    if (!host.host_name.empty()) item["hostName"] = host.host_name;
    hosts.push_back(std::move(item));
  }
  return json::dump({{"selectedMECHostInfo", std::move(hosts)}});
}

std::string encode(const TerminateAppRequest& request) {
  return json::dump(grace_json("terminationType", "gracefulTerminationTimeout", request.graceful,
                               request.graceful_timeout_s));
}

std::string encode(const OperateAppRequest& request) {
  Value out{{"changeStateTo", to_text(request.change_state_to)}};
  if (request.change_state_to == OperationalState::kStopped) {
    out.update(grace_json("stopType", "gracefulStopTimeout", request.graceful,
                          request.graceful_timeout_s));
  }
  return json::dump(out);
}

std::string encode(const CancelRequest& request) {
  return json::dump({{"cancelMode", request.graceful ? "GRACEFUL" : "FORCEFUL"}});
}

Result<AppInstanceInfo> decode_app_instance(const Value& document) {
  return decode_object<AppInstanceInfo>(document, read_instance);
}

Result<std::vector<AppInstanceInfo>> decode_app_instances(std::string_view body) {
  const auto document = json::parse(body);
  if (!document) return document.error();
  if (!document->is_array()) return invalid_argument("must be an array");
  if (document->size() > kAppInstancesMax) return invalid_argument("has too many items");
  std::vector<AppInstanceInfo> instances(document->size());
  std::optional<Error> error;
  for (std::size_t i = 0; i < instances.size(); ++i) {
    ObjectReader reader((*document)[i], "/" + std::to_string(i), error);
    read_instance(reader, instances[i]);
    if (error) return *error;
  }
  return instances;
}

Value to_json(const AppInstanceInfo& instance, const std::string& root) {
  Value out{{"id", instance.id},
            {"appDId", instance.app_d_id},
            {"appProvider", instance.app_provider},
            {"appName", instance.app_name},
            {"appSoftVersion", instance.app_soft_version},
            {"appDVersion", instance.app_d_version},
            {"appPkgId", instance.app_pkg_id},
            {"instantiationState", instance.instantiated ? "INSTANTIATED" : "NOT_INSTANTIATED"},
            {"mx2", status_json(instance.status)},
            {"_links", instance_links(instance, root + "/app_instances/" + instance.id)}};
  if (!instance.app_instance_name.empty()) out["appInstanceName"] = instance.app_instance_name;
  if (!instance.app_instance_description.empty()) {
    out["appInstanceDescription"] = instance.app_instance_description;
  }
  if (instance.instantiated) {
    out["instantiatedAppState"] = {{"operationalState", to_text(instance.operational_state)}};
  }
  if (!instance.ip_addresses.empty()) {
    auto& addresses = out["communicationInterface"]["ipAddresses"] = Value::array();
    for (const auto& address : instance.ip_addresses) {
      addresses.push_back({{"host", address.host}, {"port", address.port}});
    }
  }
  return out;
}

Result<AppLcmOpOcc> decode_app_lcm_op_occ(const Value& document) {
  return decode_object<AppLcmOpOcc>(document, read_operation);
}

Value to_json(const AppLcmOpOcc& operation, const std::string& root) {
  Value out{{"id", operation.id},
            {"operationState", to_text(operation.state)},
            {"stateEnteredTime", timestamp_json(operation.state_entered_ms)},
            {"startTime", timestamp_json(operation.start_ms)},
            {"lcmOperation", operation.operation == LcmOperation::kInstantiate
                                 ? kMisspelled
                                 : to_text(operation.operation)},
            {"_links",
             {{"self", link(root + "/app_lcm_op_occs/" + operation.id)},
              {"appInstance", link(root + "/app_instances/" + operation.app_instance_id)}}}};
  if (!operation.error_detail.empty()) {
    out["error"] = {{"cause", operation.error_cause}, {"detail", operation.error_detail}};
  }
  return out;
}

}  // namespace mx2::codec
