#include "lcm/mec010_driver.h"

#include <utility>

#include "api/base/ip.h"
#include "api/base/text.h"
#include "api/http/problem.h"
#include "api/json/json.h"
#include "api/mec/codec_app_lcm.h"

namespace mx2::lcm {
namespace {

constexpr const char* kInstances = "/app_lcm/v1/app_instances";
constexpr const char* kOperations = "/app_lcm/v1/app_lcm_op_occs";
constexpr int kSuccessMax = 299;

std::string path_of(const std::string& app_instance_id, const char* task = "") {
  return std::string(kInstances) + "/" + percent_encode(app_instance_id) + task;
}

std::string operation_path(const std::string& id, const char* task = "") {
  return std::string(kOperations) + "/" + percent_encode(id) + task;
}

Error refused(const http::Reply& reply) {
  auto detail = json::problem_detail(reply.body);
  if (detail.empty()) detail = "the MEPM answered with " + std::to_string(reply.status);
  return {http::code_of(reply.status), std::move(detail), {}, {}, {}, 0};
}

Error strange() {
  return {ErrorCode::kInternal, "the MEPM's answer is not as expected", {}, {}, {}, 0};
}

std::string uri_of(const InstanceAddress& address) {
  return "http://" + authority(address.host, address.port) + "/";
}

Instance instance_of(const AppInstanceInfo& info) {
  Instance instance;
  instance.id = info.id;
  instance.key = info.status.idempotency_key.value_or(info.app_instance_name);
  instance.app_d_id = info.app_d_id;
  instance.instantiated = info.instantiated;
  instance.started = info.instantiated && info.operational_state == OperationalState::kStarted;
  if (!info.ip_addresses.empty()) instance.reference_uri = uri_of(info.ip_addresses.front());
  instance.phase = to_text(info.status.phase);
  instance.restarts = info.status.restarts;
  instance.last_error = info.status.last_error;
  instance.times = {info.status.fetch_ms, info.status.install_ms, info.status.start_ms,
                    info.status.ready_ms};
  return instance;
}

Result<void> accepted(const Result<http::Reply>& reply) {
  if (!reply) return reply.error();
  if (reply->status > kSuccessMax) return refused(*reply);
  return {};
}

Result<json::Value> document_of(const Result<http::Reply>& reply) {
  if (auto fine = accepted(reply); !fine) return fine.error();
  auto document = json::parse(reply->body);
  if (!document) return strange();
  return document;
}

Result<std::vector<Instance>> instances_in(const Result<http::Reply>& reply) {
  if (auto fine = accepted(reply); !fine) return fine.error();
  const auto all = codec::decode_app_instances(reply->body);
  if (!all) return all.error();
  std::vector<Instance> instances;
  for (const auto& info : *all) instances.push_back(instance_of(info));
  return instances;
}

Result<Instance> instance_in(const Result<http::Reply>& reply) {
  const auto document = document_of(reply);
  if (!document) return document.error();
  const auto info = codec::decode_app_instance(*document);
  if (!info) return info.error();
  return instance_of(*info);
}

// 202 with the operation's URI as Location.
Result<std::string> operation_of(const Result<http::Reply>& reply) {
  if (auto fine = accepted(reply); !fine) return fine.error();
  for (const auto& [name, value] : reply->headers) {
    if (to_lower(name) == "location") return value.substr(value.rfind('/') + 1);
  }
  return strange();
}

Result<Operation> state_in(const Result<http::Reply>& reply) {
  const auto document = document_of(reply);
  if (!document) return document.error();
  const auto occurrence = codec::decode_app_lcm_op_occ(*document);
  if (!occurrence) return occurrence.error();
  switch (occurrence->state) {
    case OperationState::kCompleted: return Operation{Operation::State::kCompleted, {}, false};
    case OperationState::kFailed:
    case OperationState::kFailedTemp: break;
    default: return Operation{};
  }
  const auto& said = occurrence->error_detail;
  return Operation{Operation::State::kFailed, said.empty() ? "the operation has failed" : said,
                   occurrence->state == OperationState::kFailedTemp};
}

}  // namespace

http::OutgoingRequest Mec010Driver::request(std::string method, const std::string& mepm,
                                            const std::string& path, std::string body) const {
  http::OutgoingRequest out{std::move(method), mepm + path, {}, std::move(body)};
  if (!out.body.empty()) out.headers.emplace_back("Content-Type", "application/json");
  if (!token_.empty()) out.headers.emplace_back("Authorization", "Bearer " + token_);
  return out;
}

template <typename T>
void Mec010Driver::ask(http::OutgoingRequest&& request, Read<T> read, Callback<Result<T>> answer) {
  client_->begin(std::move(request),
                 [read, answer = std::move(answer)](const Result<http::Reply>& reply) mutable {
                   answer(read(reply));
                 });
}

void Mec010Driver::list(const std::string& mepm, Callback<Result<std::vector<Instance>>> answer) {
  ask(request("GET", mepm, kInstances), instances_in, std::move(answer));
}

void Mec010Driver::create(const std::string& mepm, const std::string& app_d_id,
                          const std::string& key, Callback<Result<Instance>> answer) {
  auto out = request("POST", mepm, kInstances,
                     codec::encode(CreateAppInstanceRequest{app_d_id, key, {}, {}}));
  out.headers.emplace_back(kIdempotencyKeyHeader, '"' + key + '"');
  ask(std::move(out), instance_in, std::move(answer));
}

void Mec010Driver::instantiate(const std::string& mepm, const std::string& app_instance_id,
                               const std::string& host_id, Callback<Result<std::string>> answer) {
  ask(request("POST", mepm, path_of(app_instance_id, "/instantiate"),
              codec::encode(InstantiateAppRequest::on(host_id))),
      operation_of, std::move(answer));
}

void Mec010Driver::terminate(const std::string& mepm, const std::string& app_instance_id,
                             int grace_s, Callback<Result<std::string>> answer) {
  ask(request("POST", mepm, path_of(app_instance_id, "/terminate"),
              codec::encode(TerminateAppRequest{true, grace_s})),
      operation_of, std::move(answer));
}

void Mec010Driver::operation(const std::string& mepm, const std::string& id,
                             Callback<Result<Operation>> answer) {
  ask(request("GET", mepm, operation_path(id)), state_in, std::move(answer));
}

void Mec010Driver::cancel(const std::string& mepm, const std::string& operation_id,
                          Callback<Result<void>> answer) {
  ask(request("POST", mepm, operation_path(operation_id, "/cancel"),
              codec::encode(CancelRequest{false})),
      accepted, std::move(answer));
}

void Mec010Driver::fail(const std::string& mepm, const std::string& operation_id,
                        Callback<Result<void>> answer) {
  ask(request("POST", mepm, operation_path(operation_id, "/fail")), accepted, std::move(answer));
}

void Mec010Driver::remove(const std::string& mepm, const std::string& app_instance_id,
                          Callback<Result<void>> answer) {
  ask(request("DELETE", mepm, path_of(app_instance_id)), accepted, std::move(answer));
}

}  // namespace mx2::lcm
