#include "tests/support/server.h"

#include <stdexcept>

#include "tests/support/samples.h"

namespace mx2::test {

std::string sample_content() {
  return R"(
apps:
  - {appDId: facedetect-1, appName: facedetect, appProvider: Example, appSoftVersion: "1.0",
     appDVersion: "1.0", appDescription: Finds faces,
     appCharcs: {memory: 256, latency: 50, serviceCont: 0}, vendorSpecificExt: {vendorId: acme}}
  - {appDId: objtrack-1, appName: objtrack, appProvider: Example, appSoftVersion: "2.1",
     appDVersion: "1.0", appDescription: Follows objects, appCharcs: {serviceCont: 1}}
hosts:
  - id: north
    serviceArea: [{countryCode: AU, area: {coordinates: [[[144, -38], [145, -38], [145, -37], [144, -37], [144, -38]]]}}]
    instances:
      - {appDId: facedetect-1, referenceURI: "http://north.example/facedetect"}
      - {appDId: objtrack-1, referenceURI: "http://north.example/objtrack"}
  - id: south
    serviceArea: [{countryCode: NZ}]
    instances: [{appDId: facedetect-1, referenceURI: "http://south.example/facedetect"}]
  - id: cloud
    instances: [{appDId: facedetect-1, referenceURI: "http://cloud.example/facedetect"}]
table:
  - {ue: "*", app: facedetect-1, targets: ["host:cloud"]}
  - {ue: "*", app: objtrack-1, targets: ["host:north"]}
  - {ue: "dev:car-1", app: facedetect-1, targets: ["host:north", "host:cloud"]}
)";
}

TestServer::TestServer(const Adjust& adjust) {
  options_.mx2_server.threads = 2;
  options_.operator_server.threads = 1;
  options_.operator_server.body_bytes_max = 4UL * 1024 * 1024;
  options_.store.path = directory.file("mx2.sqlite");
  options_.content = directory.write("content.yaml", sample_content());
  options_.shutdown_grace_ms = 5000;
  if (adjust) adjust(options_);
  start();
}

void TestServer::start() {
  auto started = Orchestrator::start(options_, clock, steady, ids_);
  if (!started) throw std::runtime_error("orchestrator: " + started.error().detail);
  orchestrator_ = std::move(*started);
  mx2_port_ = orchestrator_->mx2_port();
  operator_port_ = orchestrator_->operator_port();
}

void TestServer::stop() {
  if (orchestrator_) orchestrator_->stop();
  orchestrator_.reset();
}

void TestServer::restart() {
  stop();
  start();
}

bool TestServer::still_serves() const { return mx2().get(kAppList).status == 200; }

std::string create_text(const std::string& dev_app_id) {
  return request_text("POST", kContexts, json::dump(minimal_context(dev_app_id)));
}

std::string create_context(Client& client, const std::string& dev_app_id) {
  const auto response = client.post(kContexts, minimal_context(dev_app_id));
  if (response.status != 201) throw std::runtime_error("not created: " + response.body);
  return response.json()["contextId"].get<std::string>();
}

}  // namespace mx2::test
