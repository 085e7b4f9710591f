#include "tests/lcm/mepm/platform.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "api/base/clock.h"
#include "api/http/http_client.h"
#include "api/mec/codec_app_lcm.h"
#include "tests/catch.h"
#include "tests/support/contract_log.h"
#include "tests/support/digest_of_file.h"
#include "tests/support/paths.h"

namespace mx2::mepm::test {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

}  // namespace

json::Value descriptor(const std::string& app_d_id, const std::string& mode,
                       const json::Value& process, int memory_mib) {
  json::Value mx2{{"command", {"bin/lambda", "{port}", mode}},
                  {"readyPath", "/health"},
                  {"statsPath", "/mx2/stats"},
                  {"readyTimeoutMs", 5000},
                  {"stopTimeoutMs", 300}};
  mx2.update(process);
  if (mode == "confirm") mx2.erase("readyPath");
  return {{"appDId", app_d_id},
          {"appName", app_d_id},
          {"appProvider", "Test"},
          {"appSoftVersion", "1.0"},
          {"appDVersion", "1.0"},
          {"mecVersion", {"2.1.1"}},
          {"appDescription", "a test"},
          {"virtualComputeDescriptor",
           {{"virtualCpu", {{"numVirtualCpu", 1}}},
            {"virtualMemory", {{"virtualMemSize", memory_mib}}}}},
          {"mx2Process", mx2}};
}

void FakePackages::add(const std::string& app_d_id, const std::string& mode,
                       const json::Value& process, int memory_mib) {
  add_archive(app_d_id, {{"appd.json", json::dump(descriptor(app_d_id, mode, process, memory_mib))},
                         {"bin/lambda", content_of(mx2::test::test_lambda()), 0755}});
}

void FakePackages::add_archive(const std::string& app_d_id,
                               const std::vector<ArchiveEntry>& entries) {
  const auto path = mx2::test::write_archive(directory.file(app_d_id + ".zip"),
                                             mx2::test::ArchiveKind::kZip, entries);
  const std::lock_guard lock(mutex_);
  infos[app_d_id] = {"pkg-" + app_d_id,
                     app_d_id,
                     app_d_id,
                     "Test",
                     "1.0",
                     "1.0",
                     sha256_of_file(path).value(),
                     true};
}

Result<PackageInfo> FakePackages::info(const std::string& app_d_id) {
  if (down) return unavailable("down");
  const std::lock_guard lock(mutex_);
  const auto it = infos.find(app_d_id);
  if (it == infos.end()) return not_found("no package of " + app_d_id);
  return it->second;
}

Result<void> FakePackages::content(const std::string& app_d_id,
                                   const std::function<bool(std::string_view)>& take) {
  ++fetches;
  if (down) return unavailable("down");
  take(content_of(directory.file(app_d_id + ".zip")));
  return {};
}

void Manner::apply(MepmOptions& options) const {
  options.process.place.uid_first = users ? kOwnUsers : 0;
  options.process.place.control_groups = groups;
}

bool is_root() { return ::geteuid() == 0; }

struct Platform::Running {
  Running(const MepmOptions& options, PackageServer& packages, const SystemClock& date)
      : ids(date),
        http({}),
        backend(options.process, http, steady, [this] { http.wake(); }),
        server(options.server),
        mepm(options, {backend, http, packages, date, steady, ids, registry}) {
    mepm.recover();
    server.start(mepm.handler());
    const auto root = "http://127.0.0.1:" + std::to_string(server.port());
    mepm.set_root(root);
    backend.set_mp1_uri(root + kSupport);
    mepm.start();
  }
  ~Running() {
    mepm.stop();
    server.stop(100);
  }

  SteadyClock steady;
  RandomIds ids;
  metrics::Registry registry;
  http::CurlMulti http;
  process::ProcessBackend backend;
  http::PistacheServer server;
  Mepm mepm;
};

Platform::Platform(const std::function<void(MepmOptions&)>& adjust) {
  ::chmod(directory.path().c_str(), 0755);  // instances are other users
  options.state_dir = directory.file("state");
  options.packages.directory = directory.file("state/packages");
  options.process.place.directory = directory.file("state/instances");
  options.process.watch_ms = 50;
  options.process.stats_ms = 50;
  options.orchestrator.url.clear();
  if (adjust) adjust(options);
  start();
}

Platform::~Platform() { stop(); }

void Platform::start() {
  REQUIRE(make_directory(options.state_dir, kPassable).ok());
  running_ = std::make_unique<Running>(options, packages, date);
  port = running_->server.port();
  options.server.port = port;  // instances keep the address they were given
}

void Platform::stop() {
  if (!running_) return;
  running_.reset();
}

Answer Platform::ask(const std::string& method, const std::string& path, const std::string& body,
                     const http::Headers& more) {
  http::CurlClient client({});
  auto headers = more;
  const bool typed = std::any_of(more.begin(), more.end(),
                                 [](const auto& header) { return header.first == "Content-Type"; });
  if (!body.empty() && !typed) headers.emplace_back("Content-Type", "application/json");
  const auto reply =
      client.send(method, "http://127.0.0.1:" + std::to_string(port) + path, headers, body);
  REQUIRE(reply.ok());
  Answer answer{reply->status, {}, {}};
  for (const auto& [name, value] : reply->headers) {
    if (name == "Location" || name == "location") answer.location = value;
  }
  mx2::test::record({method, path, reply->status, reply->content_type, reply->body});
  if (!reply->body.empty() && reply->content_type.find("json") != std::string::npos) {
    answer.body = json::parse(reply->body).value();
  }
  return answer;
}

std::string Platform::create(const std::string& app_d_id) {
  const auto answer = ask("POST", kLcm + "/app_instances",
                          codec::encode(CreateAppInstanceRequest{app_d_id, {}, {}, {}}));
  CAPTURE(json::dump(answer.body));
  REQUIRE(answer.status == 201);
  return answer.body["id"];
}

AppLcmOpOcc Platform::run(const std::string& instance, const std::string& task,
                          const std::string& body) {
  const auto answer = ask("POST", kLcm + "/app_instances/" + instance + "/" + task, body);
  CAPTURE(json::dump(answer.body));
  REQUIRE(answer.status == 202);
  const auto path = answer.location.substr(answer.location.find(kLcm));
  AppLcmOpOcc operation;
  REQUIRE(until([&] {
    operation = codec::decode_app_lcm_op_occ(ask("GET", path).body).value();
    return operation.state != OperationState::kProcessing &&
           operation.state != OperationState::kStarting;
  }));
  return operation;
}

AppLcmOpOcc Platform::instantiate(const std::string& instance) {
  return run(instance, "instantiate", codec::encode(InstantiateAppRequest::on(options.host.id)));
}

AppLcmOpOcc Platform::terminate(const std::string& instance, bool graceful) {
  return run(instance, "terminate", codec::encode(TerminateAppRequest{graceful, {}}));
}

AppInstanceInfo Platform::instance(const std::string& id) {
  const auto answer = ask("GET", kLcm + "/app_instances/" + id);
  REQUIRE(answer.status == 200);
  return codec::decode_app_instance(answer.body).value();
}

std::string Platform::started(const std::string& mode, const json::Value& process, int memory_mib) {
  packages.add(mode, mode, process, memory_mib);
  const auto id = create(mode);
  const auto operation = instantiate(id);
  CAPTURE(operation.error_detail);
  REQUIRE(operation.state == OperationState::kCompleted);
  return id;
}

void Platform::end(const std::string& id) {
  CHECK(terminate(id, false).state == OperationState::kCompleted);
  CHECK(until([&] { return processes(id) == 0; }));
}

bool Platform::until(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

std::string Platform::call(const AppInstanceInfo& instance, const std::string& path) {
  if (instance.ip_addresses.empty()) return {};
  const auto& address = instance.ip_addresses.front();
  http::CurlClient client({});
  const auto reply = client.send(
      "GET", "http://" + address.host + ":" + std::to_string(address.port) + path, {}, "");
  return reply && reply->status == 200 ? reply->body : "";
}

std::size_t Platform::processes(const std::string& id) const { return marked(id).size(); }

std::vector<process::Process> Platform::marked(const std::string& id) const {
  process::Membership of;
  of.instance_id = id;
  return process::members(of);
}

std::string Platform::directory_of(const std::string& id) const {
  std::error_code failed;
  for (const auto& entry :
       std::filesystem::directory_iterator(options.process.place.directory, failed)) {
    const auto record = json::parse(content_of(entry.path().string() + "/process.json"));
    if (record && record->value("instance", "") == id) return entry.path().string();
  }
  return {};
}

json::Value Platform::record(const std::string& id) const {
  json::Value record{
      {"unifiedGroup", ""}, {"memoryGroup", ""}, {"pidsGroup", ""}};  // what is left out
  record.update(json::parse(content_of(directory_of(id) + "/process.json")).value());
  return record;
}

bool Platform::has_directory(const std::string& id) const { return !directory_of(id).empty(); }

}  // namespace mx2::mepm::test
