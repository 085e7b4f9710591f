#include "lcm/mepm/records.h"

#include <limits>

#include "api/mec/codec_app_lcm.h"

namespace mx2::mepm {
namespace {

using json::ObjectReader;

constexpr std::int64_t kStepsMax = static_cast<std::int64_t>(Step::kStopped);
constexpr std::int64_t kTimeMax = std::numeric_limits<std::int64_t>::max();

constexpr auto kInstanceRecord = [](auto& io, auto& record) {
  io.required("digest", record.digest, json::kAnyText);
  io.required("operation", record.operation_id, json::kAnyText);
};

constexpr auto kOperationRecord = [](auto& io, auto& record) {
  io.optional("graceful", record.graceful);
  io.required("graceMs", record.grace_ms, 0, kTimeMax);
  io.optional("cancelled", record.cancelled);
  io.optional("number", record.number, 0, kTimeMax);
};

// A member that has a codec of its own.
template <typename T>
void read_with(ObjectReader& reader, const char* name, T& out,
               Result<T> (*decode)(const json::Value&)) {
  const auto* value = reader.need(name, json::Value::value_t::object);
  if (value == nullptr) return;
  auto decoded = decode(*value);
  if (!decoded && reader.ok()) reader.error() = decoded.error();
  if (decoded) out = std::move(*decoded);
}

}  // namespace

json::Value to_json(const InstanceRecord& record) {
  auto out = json::object_of(record, kInstanceRecord);
  out["info"] = codec::to_json(record.info, "");
  out["step"] = static_cast<int>(record.step);
  return out;
}

json::Value to_json(const OperationRecord& record) {
  auto out = json::object_of(record, kOperationRecord);
  out["occurrence"] = codec::to_json(record.occurrence, "");
  out["started"] = record.target == OperationalState::kStarted;
  return out;
}

Result<InstanceRecord> read_instance_record(const json::Value& document) {
  return json::decode_object<InstanceRecord>(document, [](ObjectReader& reader, auto& record) {
    int step = 0;
    kInstanceRecord(reader, record);
    reader.required("step", step, 0, kStepsMax);
    record.step = static_cast<Step>(step);
    read_with(reader, "info", record.info, codec::decode_app_instance);
    auto& key = record.info.status.idempotency_key;
    if (!key) key = record.info.app_instance_name;  // of a MEPM for which the name was the key
  });
}

Result<OperationRecord> read_operation_record(const json::Value& document) {
  return json::decode_object<OperationRecord>(document, [](ObjectReader& reader, auto& record) {
    bool started = true;
    kOperationRecord(reader, record);
    reader.optional("started", started);
    record.target = started ? OperationalState::kStarted : OperationalState::kStopped;
    read_with(reader, "occurrence", record.occurrence, codec::decode_app_lcm_op_occ);
  });
}

}  // namespace mx2::mepm
