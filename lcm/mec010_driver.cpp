#include "lcm/mec010_driver.h"

#include <algorithm>
#include <utility>

#include "api/base/text.h"
#include "api/http/problem.h"
#include "api/json/json.h"

namespace mx2::lcm {
namespace {

constexpr const char* kInstances = "/app_lcm/v1/app_instances";
constexpr const char* kOperations = "/app_lcm/v1/app_lcm_op_occs";
constexpr std::size_t kInstancesMax = 10'000;
constexpr int kSuccessMax = 299;
constexpr json::Chars kUri{0, 2048};

http::OutgoingRequest request(std::string method, const std::string& mepm, const std::string& path,
                              const json::Value* body = nullptr) {
  http::OutgoingRequest out{std::move(method), mepm + path, {}, {}};
  if (body != nullptr) {
    out.headers.emplace_back("Content-Type", "application/json");
    out.body = json::dump(*body);
  }
  return out;
}

std::string path_of(const std::string& app_instance_id, const char* task = "") {
  return std::string(kInstances) + "/" + percent_encode(app_instance_id) + task;
}

Error refused(const http::Reply& reply) {
  std::string detail = "the MEPM answered with " + std::to_string(reply.status);
  const auto document = json::parse(reply.body);
  if (document.ok() && document->is_object()) {
    const auto it = document->find("detail");
    if (it != document->end() && it->is_string()) detail = it->get<std::string>();
  }
  return {http::code_of(reply.status), detail, {}, {}, {}, 0};
}

Error strange() {
  return {ErrorCode::kInternal, "the MEPM's answer is not as expected", {}, {}, {}, 0};
}

// The endpoint of an instance: its first address (MEC 010-2 V3, communicationInterface).
std::string uri_of(json::ObjectReader& reader) {
  const auto* interface = reader.object("communicationInterface");
  if (interface == nullptr) return {};
  json::ObjectReader sub(*interface, reader.at("communicationInterface"), reader.error());
  const auto* addresses = sub.array("ipAddresses", kInstancesMax);
  if (addresses == nullptr || addresses->empty()) return {};
  json::ObjectReader address(addresses->front(), sub.at("ipAddresses/0"), reader.error());
  std::string host;
  std::int64_t port = 0;
  address.required_line("host", host, json::kIdentifier);
  address.required("port", port, 1, 65535);
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return "http://" + host + ":" + std::to_string(port) + "/";
}

void read_extension(json::ObjectReader& reader, Instance& instance) {
  const auto* extension = reader.object("mx2");
  if (extension == nullptr) return;
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  json::ObjectReader sub(*extension, reader.at("mx2"), reader.error());
  sub.optional("phase", instance.phase, json::kIdentifier);
  std::optional<std::int64_t> restarts;
  sub.optional("restarts", restarts, 0, kMost);
  instance.restarts = restarts.value_or(0);
  sub.optional("lastError", instance.last_error, json::kAnyText);
  sub.optional("fetchMs", instance.times.fetch_ms, 0, kMost);
  sub.optional("installMs", instance.times.install_ms, 0, kMost);
  sub.optional("startMs", instance.times.start_ms, 0, kMost);
  sub.optional("readyMs", instance.times.ready_ms, 0, kMost);
}

Result<Instance> instance_of(const json::Value& document) {
  std::optional<Error> error;
  json::ObjectReader reader(document, "", error);
  Instance instance;
  std::string state;
  reader.required_line("id", instance.id, json::kIdentifier);
  reader.required_line("appDId", instance.app_d_id, json::kIdentifier);
  reader.optional("appInstanceName", instance.name, json::kAnyText);
  reader.required("instantiationState", state, json::kIdentifier);
  instance.instantiated = state == "INSTANTIATED";
  if (const auto* running = reader.object("instantiatedAppState")) {
    json::ObjectReader sub(*running, reader.at("instantiatedAppState"), error);
    std::string operational;
    sub.optional("operationalState", operational, json::kIdentifier);
    instance.started = instance.instantiated && operational == "STARTED";
  }
  instance.reference_uri = uri_of(reader);
  read_extension(reader, instance);
  if (error) return *error;
  return instance;
}

Result<json::Value> document_of(const Result<http::Reply>& reply) {
  if (!reply) return reply.error();
  if (reply->status > kSuccessMax) return refused(*reply);
  auto document = json::parse(reply->body);
  if (!document) return strange();
  return document;
}

// 202 with the operation's URI as Location.
Result<std::string> operation_of(const Result<http::Reply>& reply) {
  if (!reply) return reply.error();
  if (reply->status > kSuccessMax) return refused(*reply);
  for (const auto& [name, value] : reply->headers) {
    if (to_lower(name) == "location") return value.substr(value.rfind('/') + 1);
  }
  return strange();
}

Result<Operation> state_of(const json::Value& document) {
  std::optional<Error> error;
  json::ObjectReader reader(document, "", error);
  std::string state;
  reader.required("operationState", state, json::kIdentifier);
  Operation operation;
  if (state == "COMPLETED") operation.state = Operation::State::kCompleted;
  if (state == "FAILED" || state == "FAILED_TEMP" || state == "ROLLED_BACK") {
    operation.state = Operation::State::kFailed;
    operation.error = "the operation has failed";
  }
  if (const auto* problem = reader.object("error")) {
    json::ObjectReader sub(*problem, reader.at("error"), error);
    sub.optional("detail", operation.error, json::kAnyText);
  }
  if (error) return *error;
  return operation;
}

}  // namespace

void Mec010Driver::list(const std::string& mepm, Callback<Result<std::vector<Instance>>> answer) {
  client_->begin(request("GET", mepm, kInstances),
                 [answer = std::move(answer)](const Result<http::Reply>& reply) mutable {
                   const auto document = document_of(reply);
                   if (!document) return answer(document.error());
                   if (!document->is_array() || document->size() > kInstancesMax) {
                     return answer(strange());
                   }
                   std::vector<Instance> all;
                   for (const auto& item : *document) {
                     auto instance = instance_of(item);
                     if (!instance) return answer(instance.error());
                     all.push_back(std::move(*instance));
                   }
                   answer(std::move(all));
                 });
}

void Mec010Driver::create(const std::string& mepm, const std::string& app_d_id,
                          const std::string& name, Callback<Result<Instance>> answer) {
  const json::Value body{{"appDId", app_d_id}, {"appInstanceName", name}};
  client_->begin(request("POST", mepm, kInstances, &body),
                 [answer = std::move(answer)](const Result<http::Reply>& reply) mutable {
                   const auto document = document_of(reply);
                   if (!document) return answer(document.error());
                   answer(instance_of(*document));
                 });
}

void Mec010Driver::instantiate(const std::string& mepm, const std::string& app_instance_id,
                               const std::string& host_id, Callback<Result<std::string>> answer) {
  json::Value body;
  body["selectedMECHostInfo"] = json::Value::array({{{"hostId", {{"id", host_id}}}}});
  client_->begin(request("POST", mepm, path_of(app_instance_id, "/instantiate"), &body),
                 [answer = std::move(answer)](const Result<http::Reply>& reply) mutable {
                   answer(operation_of(reply));
                 });
}

void Mec010Driver::terminate(const std::string& mepm, const std::string& app_instance_id,
                             int grace_s, Callback<Result<std::string>> answer) {
  const json::Value body{{"terminationType", "GRACEFUL"}, {"gracefulTerminationTimeout", grace_s}};
  client_->begin(request("POST", mepm, path_of(app_instance_id, "/terminate"), &body),
                 [answer = std::move(answer)](const Result<http::Reply>& reply) mutable {
                   answer(operation_of(reply));
                 });
}

void Mec010Driver::operation(const std::string& mepm, const std::string& id,
                             Callback<Result<Operation>> answer) {
  client_->begin(request("GET", mepm, std::string(kOperations) + "/" + percent_encode(id)),
                 [answer = std::move(answer)](const Result<http::Reply>& reply) mutable {
                   const auto document = document_of(reply);
                   if (!document) return answer(document.error());
                   answer(state_of(*document));
                 });
}

void Mec010Driver::remove(const std::string& mepm, const std::string& app_instance_id,
                          Callback<Result<void>> answer) {
  client_->begin(request("DELETE", mepm, path_of(app_instance_id)),
                 [answer = std::move(answer)](const Result<http::Reply>& reply) mutable {
                   if (!reply) return answer(reply.error());
                   if (reply->status > kSuccessMax) return answer(refused(*reply));
                   answer({});
                 });
}

}  // namespace mx2::lcm
