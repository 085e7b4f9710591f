// Requests, instances and operation occurrences.
#include "api/mec/codec_app_lcm.h"

#include "api/base/units.h"

namespace mx2::codec {
namespace {

using json::Chars;
using json::ObjectReader;
using json::Value;

constexpr Chars kName{0, 256};
constexpr Chars kHostName{1, 256};
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

constexpr auto kCreateRequest = [](auto& io, auto& request) {
  io.required_line("appDId", request.app_d_id, json::kIdentifier);
  io.optional("appInstanceName", request.app_instance_name, kName);
  io.optional("appInstanceDescription", request.app_instance_description, json::kAnyText);
};

// ETSI's ways of ending an instance; for how long means nothing to a forceful one.
constexpr auto kTerminateRequest = [](auto& io, auto& request) {
  io.required_either("terminationType", request.graceful, "GRACEFUL", "FORCEFUL");
  io.optional("gracefulTerminationTimeout", request.graceful_timeout_s, 0, kGraceSecondsMax);
};

constexpr auto kStopRequest = [](auto& io, auto& request) {
  io.optional_either("stopType", request.graceful, "GRACEFUL", "FORCEFUL");
  io.optional("gracefulStopTimeout", request.graceful_timeout_s, 0, kGraceSecondsMax);
};

constexpr auto kInstanceStatus = [](auto& io, auto& status) {
  io.required("phase", status.phase, kInstancePhases);
  io.optional("fetchMs", status.fetch_ms, 0, kDurationMsMax);
  io.optional("installMs", status.install_ms, 0, kDurationMsMax);
  io.optional("startMs", status.start_ms, 0, kDurationMsMax);
  io.optional("readyMs", status.ready_ms, 0, kDurationMsMax);
  io.optional("restarts", status.restarts, 0, kRestartsMax);
  io.optional("idempotencyKey", status.idempotency_key, kName);
  io.optional("lastError", status.last_error, json::kAnyText);
};

constexpr auto kInstanceAddress = [](auto& io, auto& address) {
  io.required_line("host", address.host, kHostName);
  io.required("port", address.port, 0, kPortMax);
};

constexpr auto kInstanceInfo = [](auto& io, auto& instance) {
  io.required_line("id", instance.id, json::kIdentifier);
  io.optional("appInstanceName", instance.app_instance_name, kName);
  io.optional("appInstanceDescription", instance.app_instance_description, json::kAnyText);
  io.required_line("appDId", instance.app_d_id, json::kIdentifier);
  io.required_line("appProvider", instance.app_provider, kName);
  io.required_line("appName", instance.app_name, kName);
  io.required_line("appSoftVersion", instance.app_soft_version, kName);
  io.required_line("appDVersion", instance.app_d_version, kName);
  io.required_line("appPkgId", instance.app_pkg_id, kName);
  io.required_either("instantiationState", instance.instantiated, "INSTANTIATED",
                     "NOT_INSTANTIATED");
  if (instance.instantiated) {
    io.optional_object("instantiatedAppState", [&](auto& state) {
      state.required("operationalState", instance.operational_state, kOperationalStates);
    });
  }
  io.optional_object("communicationInterface", [&](auto& communication) {
    communication.optional_items("ipAddresses", instance.ip_addresses, kAddressesMax,
                                 kInstanceAddress);
  });
  io.optional_object("mx2", [&](auto& status) { kInstanceStatus(status, instance.status); });
};

constexpr auto kOperationOccurrence = [](auto& io, auto& operation) {
  io.required_line("id", operation.id, json::kIdentifier);
  io.required("operationState", operation.state, kOperationStates);
  timestamp(io, "stateEnteredTime", operation.state_entered_ms);
  timestamp(io, "startTime", operation.start_ms);
  io.optional_object("error", [&](auto& error) {
    error.optional("cause", operation.error_cause, json::kAnyText);
    error.optional("detail", operation.error_detail, json::kAnyText);
  });
};

void read_host_id(ObjectReader& reader, std::map<std::string, std::string>& pairs) {
  const auto* object = reader.need("hostId", Value::value_t::object);
  if (object == nullptr) return;
  if (object->size() > kPairsMax) return reader.fail("has too many pairs", "hostId");
  for (const auto& [name, value] : object->items()) {
    if (value.is_string() && value.get_ref<const std::string&>().size() <= json::kAnyText.most) {
      pairs[name] = value.get<std::string>();
    }
  }
}

void read_operation(ObjectReader& reader, AppLcmOpOcc& operation) {
  kOperationOccurrence(reader, operation);
  const auto* name = reader.find("lcmOperation");
  if (name == nullptr || *name != kMisspelled) {
    reader.required("lcmOperation", operation.operation, kLcmOperations);
  }
  reader.required_object("_links", [&](ObjectReader& links) {
    links.required_object("appInstance", [&](ObjectReader& instance) {
      std::string href;
      instance.required("href", href, json::kUri);
      operation.app_instance_id = href.substr(href.rfind('/') + 1);
    });
  });
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

}  // namespace

Value timestamp_json(std::int64_t ms) {
  return {{"seconds", ms / whole::kMsPerSecond},
          {"nanoSeconds", ms % whole::kMsPerSecond * whole::kNsPerMs}};
}

void timestamp(ObjectReader& reader, const char* name, std::int64_t& ms) {
  reader.required_object(name, [&](ObjectReader& time) {
    std::int64_t seconds = 0;
    std::int64_t nanos = 0;
    time.required("seconds", seconds, 0, kSecondsMax);
    time.required("nanoSeconds", nanos, 0, kNanosMax);
    ms = seconds * whole::kMsPerSecond + nanos / whole::kNsPerMs;
  });
}

void timestamp(json::ObjectWriter& writer, const char* name, std::int64_t ms) {
  writer.required(name, timestamp_json(ms));
}

Value link(const std::string& href) { return {{"href", href}}; }

Result<CreateAppInstanceRequest> decode_create_app_instance(std::string_view body) {
  return json::decode_text<CreateAppInstanceRequest>(body, [](ObjectReader& reader, auto& request) {
    kCreateRequest(reader, request);
    reader.check_line("appInstanceName", request.app_instance_name);
  });
}

Result<InstantiateAppRequest> decode_instantiate_app(std::string_view body) {
  return json::decode_text<InstantiateAppRequest>(body, [](ObjectReader& reader, auto& request) {
    reader.required_items("selectedMECHostInfo", request.selected_mec_hosts, kHostsMax,
                          [](ObjectReader& item, auto& host) {
                            item.optional("hostName", host.host_name, kName);
                            read_host_id(item, host.host_id);
                          });
  });
}

Result<TerminateAppRequest> decode_terminate_app(std::string_view body) {
  return json::decode_text<TerminateAppRequest>(body, kTerminateRequest);
}

Result<OperateAppRequest> decode_operate_app(std::string_view body) {
  return json::decode_text<OperateAppRequest>(body, [](ObjectReader& reader, auto& request) {
    reader.required("changeStateTo", request.change_state_to, kOperationalStates);
    if (request.change_state_to == OperationalState::kStarted) {
      for (const char* name : {"stopType", "gracefulStopTimeout"}) {
        if (reader.find(name) != nullptr) reader.fail("must be absent with STARTED", name);
      }
    }
    kStopRequest(reader, request);
    // Clause 6.2.2.8, note 2.
    if (request.graceful != request.graceful_timeout_s.has_value()) {
      reader.fail(request.graceful ? "is missing" : "is for what is graceful",
                  "gracefulStopTimeout");
    }
  });
}

Result<CancelRequest> decode_cancel(std::string_view body) {
  return json::decode_text<CancelRequest>(body, [](ObjectReader& reader, auto& request) {
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
  return json::dump(json::object_of(request, kCreateRequest));
}

std::string encode(const InstantiateAppRequest& request) {
  return json::dump(json::object_of(request, [](auto& writer, const auto& all) {
    writer.required_items("selectedMECHostInfo", all.selected_mec_hosts, kHostsMax,
                          [](auto& item, const auto& host) {
                            item.optional("hostName", host.host_name);
                            item.required("hostId", host.host_id);
                          });
  }));
}

std::string encode(const TerminateAppRequest& request) {
  return json::dump(json::object_of(request, kTerminateRequest));
}

std::string encode(const OperateAppRequest& request) {
  auto out = Value::object();
  if (request.change_state_to == OperationalState::kStopped)
    out = json::object_of(request, kStopRequest);
  out["changeStateTo"] = to_text(request.change_state_to);
  return json::dump(out);
}

std::string encode(const CancelRequest& request) {
  return json::dump({{"cancelMode", request.graceful ? "GRACEFUL" : "FORCEFUL"}});
}

Result<AppInstanceInfo> decode_app_instance(const Value& document) {
  return json::decode_object<AppInstanceInfo>(document, kInstanceInfo);
}

Result<std::vector<AppInstanceInfo>> decode_app_instances(std::string_view body) {
  return json::decode_list<AppInstanceInfo>(body, kAppInstancesMax, kInstanceInfo);
}

Value to_json(const AppInstanceInfo& instance, const std::string& root) {
  auto out = json::object_of(instance, kInstanceInfo);
  out["_links"] = instance_links(instance, root + "/app_instances/" + instance.id);
  return out;
}

Result<AppLcmOpOcc> decode_app_lcm_op_occ(const Value& document) {
  return json::decode_object<AppLcmOpOcc>(document, read_operation);
}

Value to_json(const AppLcmOpOcc& operation, const std::string& root) {
  auto out = json::object_of(operation, kOperationOccurrence);
  out["lcmOperation"] = operation.operation == LcmOperation::kInstantiate
                            ? kMisspelled
                            : to_text(operation.operation);
  out["_links"] = {{"self", link(root + "/app_lcm_op_occs/" + operation.id)},
                   {"appInstance", link(root + "/app_instances/" + operation.app_instance_id)}};
  return out;
}

}  // namespace mx2::codec
