// The configuration of mx2-orchestrator. Every key, its default, unit and effect is in
// deploy/example/orchestrator.yaml.
#pragma once

#include <functional>
#include <string>

#include "api/base/result.h"
#include "api/config/reader.h"
#include "api/http/pistache_server.h"
#include "api/program/options.h"
#include "notifier/notifier.h"
#include "orchestrator/endpoints/endpoints.h"
#include "orchestrator/mec_platform/registration.h"
#include "orchestrator/packages/packages.h"
#include "orchestrator/store/sqlite_store.h"

namespace mx2 {

struct OrchestratorOptions {
  http::ServerOptions mx2_server;
  http::ServerOptions operator_server;
  Mx2EndpointOptions mx2_endpoints;
  OperatorEndpointOptions operator_endpoints;
  AuthOptions auth;
  SqliteOptions store;
  StrategyOptions strategy;
  bool notifier_here = true;  // false: mx2-notifier does it
  notifier::NotifierOptions notifier;
  EventOptions events;
  ChangeFeedOptions changes;
  HostWatchOptions hosts;
  LifecycleOptions lifecycle;
  std::string mepm_token;  // that MEPMs ask for; empty: none
  PackageOptions packages;
  MecPlatformOptions mec_platform;
  std::function<void()> end_program;  // for the MEC platform to call; as SIGTERM would
  std::size_t contexts_max = 5'000'000;
  std::size_t contexts_per_device_max = 1000;
  std::string content;  // YAML file loaded into an empty store
  program::LogOptions log;
  int shutdown_grace_ms = 10000;
};

// All errors at once, with their places. Where the file names no app instance but where its
// platform is, the environment's MEEP_APP_ID counts.
[[nodiscard]] Result<config::Loaded<OrchestratorOptions>> read_options(
    const config::Document& document);

// The configuration of mx2-notifier: deploy/example/notifier.yaml.
struct NotifierProgramOptions {
  http::ServerOptions server;
  SqliteOptions store;
  notifier::NotifierOptions notifier;
  http::MonitoringAccess monitoring = http::open_to_all();
  program::LogOptions log;
};

[[nodiscard]] Result<config::Loaded<NotifierProgramOptions>> read_notifier_program_options(
    const config::Document& document);

}  // namespace mx2
