#include "lcm/mepm/records.h"

#include "api/mec/codec_app_lcm.h"

namespace mx2::mepm {
namespace {

using json::ObjectReader;

constexpr std::int64_t kStepsMax = static_cast<std::int64_t>(Step::kStopped);
constexpr std::int64_t kTimeMax = std::numeric_limits<std::int64_t>::max();

}  // namespace

json::Value to_json(const InstanceRecord& record) {
  return {{"info", codec::to_json(record.info, "")},
          {"digest", record.digest},
          {"step", static_cast<int>(record.step)},
          {"operation", record.operation_id}};
}

json::Value to_json(const OperationRecord& record) {
  return {{"occurrence", codec::to_json(record.occurrence, "")},
          {"graceful", record.graceful},
          {"graceMs", record.grace_ms},
          {"started", record.target == OperationalState::kStarted},
          {"cancelled", record.cancelled},
          {"number", record.number}};
}

Result<InstanceRecord> read_instance_record(const json::Value& document) {
  std::optional<Error> error;
  InstanceRecord record;
  ObjectReader reader(document, "", error);
  std::int64_t step = 0;
  reader.required("digest", record.digest, json::kAnyText);
  reader.required("step", step, 0, kStepsMax);
  reader.required("operation", record.operation_id, json::kAnyText);
  const auto* info = reader.need("info", json::Value::value_t::object);
  if (error) return *error;
  auto decoded = codec::decode_app_instance(*info);
  if (!decoded) return decoded.error();
  record.info = std::move(*decoded);
  auto& key = record.info.status.idempotency_key;
  if (!key) key = record.info.app_instance_name;  // of a MEPM for which the name was the key
  record.step = static_cast<Step>(step);
  return record;
}

Result<OperationRecord> read_operation_record(const json::Value& document) {
  std::optional<Error> error;
  OperationRecord record;
  ObjectReader reader(document, "", error);
  bool started = true;
  reader.optional("graceful", record.graceful);
  reader.required("graceMs", record.grace_ms, 0, kTimeMax);
  reader.optional("started", started);
  reader.optional("cancelled", record.cancelled);
  std::optional<std::int64_t> number;
  reader.optional("number", number, 0, kTimeMax);
  const auto* occurrence = reader.need("occurrence", json::Value::value_t::object);
  if (error) return *error;
  auto decoded = codec::decode_app_lcm_op_occ(*occurrence);
  if (!decoded) return decoded.error();
  record.occurrence = std::move(*decoded);
  record.number = number.value_or(0);
  record.target = started ? OperationalState::kStarted : OperationalState::kStopped;
  return record;
}

}  // namespace mx2::mepm
