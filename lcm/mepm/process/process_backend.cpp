// What is asked of the back end, and how an instance is started.
#include "lcm/mepm/process/process_backend.h"

#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <csignal>

#include "api/base/log.h"
#include "api/base/units.h"
#include "lcm/mepm/process/instance.h"

namespace mx2::mepm::process {
namespace {

constexpr std::uint64_t kFenceMib = 64;
constexpr int kStopTimeoutMs = 5000;  // of an instance whose package is not known

std::string replaced(std::string text, const std::string& placeholder, const std::string& by) {
  for (auto at = text.find(placeholder); at != std::string::npos;
       at = text.find(placeholder, at + by.size())) {
    text.replace(at, placeholder.size(), by);
  }
  return text;
}

std::string filled(const std::string& text, const Place& place) {
  return replaced(replaced(text, "{port}", std::to_string(place.port)), "{host}", place.address);
}

// Only root could give more.
std::uint64_t files_possible() {
  struct rlimit files {};
  return ::getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_max : 0;
}

std::string machine() {
  struct utsname name {};
  return ::uname(&name) == 0 ? name.machine : "";
}

}  // namespace

ProcessBackend::ProcessBackend(ProcessOptions options, http::AsyncClient& http,
                               const SteadyClock& clock, std::function<void()> wake)
    : options_(std::move(options)),
      http_(http),
      clock_(clock),
      places_(options_.place),
      watch_(std::move(wake)) {}

ProcessBackend::~ProcessBackend() = default;

Result<void> ProcessBackend::accepts(const AppDescriptor& descriptor) const {
  if (!descriptor.process) {
    return refused_as(ErrorCode::kInvalidArgument,
                      "its descriptor has no mx2Process, and this host runs processes",
                      "no-process");
  }
  const auto here = machine();
  if (!descriptor.architecture.empty() && descriptor.architecture != here) {
    return refused_as(ErrorCode::kInvalidArgument,
                      "it is built for " + descriptor.architecture + ", this host is " + here,
                      "wrong-architecture");
  }
  return {};
}

ProcessBackend::Shared ProcessBackend::find(const std::string& id) const {
  const auto it = instances_.find(id);
  return it == instances_.end() ? nullptr : it->second;
}

void ProcessBackend::start(const std::string& instance_id, const InstalledPackage& package) {
  auto instance = find(instance_id);
  if (instance && instance->state != State::kFound && instance->state != State::kStopped) return;
  if (!instance) {
    auto place = places_.take(instance_id);
    if (!place) {
      return events_.push_back({.kind = BackendEvent::Kind::kFailed,
                                .instance_id = instance_id,
                                .cause = "no-resources",
                                .detail = place.error().detail,
                                .temporary = true});
    }
    instance = instances_[instance_id] = std::make_shared<Instance>();
    instance->place = std::move(*place);
  }
  instance->package = package;
  instance->asked_ms = clock_.now_ms();
  instance->failures = 0;
  instance->was_ready = false;
  if (instance->cpus.empty()) instance->cpus = places_.take_cpus(package.descriptor.virtual_cpus);
  if (instance->state == State::kFound) return adopt(*instance);
  launch(*instance);
}

void ProcessBackend::adopt(Instance& instance) {
  auto& place = instance.place;
  instance.was_ready = place.ready;
  instance.pidfd = open_pidfd(place.pid);
  // All addresses are listened to where the host's own is not there (yet): no reason to start anew.
  const bool moved = !place.address.empty() && place.address != options_.listen_address &&
                     options_.listen_address != "0.0.0.0";
  if (!instance.pidfd.is_open() || !place.is_alive() || moved) {
    if (!place.ready) {
      instance.state = State::kEnding;
      instance.end = End::kStart;
      instance.due_ms = clock_.now_ms();
      return;
    }
    instance.state = State::kReady;
    if (moved) return kill(instance, "moved", "this host has another address now");
    return kill(instance, "exited", "it ended while nobody watched");
  }
  instance.token = next_token_++;
  watch_.add(instance.pidfd.get(), instance.token);
  log::info("instance taken over", {{"instance", place.instance_id}, {"pid", place.pid}});
  instance.launched_ms = clock_.now_ms();
  if (place.ready) return become_ready(instance);
  instance.state = State::kStarting;
  instance.due_ms = instance.launched_ms;
  instance.deadline_ms = instance.launched_ms + instance.process().ready_timeout_ms;
}

bool ProcessBackend::is_trusted(const Instance& instance) const {
  const auto& apps = options_.surroundings.trusted_apps;
  return std::find(apps.begin(), apps.end(), instance.package.descriptor.app_d_id) != apps.end();
}

// Again at each start: the token may have changed.
Result<void> ProcessBackend::hand_token(const Instance& instance) const {
  if (!is_trusted(instance) || options_.surroundings.orchestrator_token.empty()) return {};
  return instance.place.write_token(options_.surroundings.orchestrator_token);
}

// What it is told first counts: nothing of its descriptor can stand for ours.
std::vector<std::string> ProcessBackend::environment_of(const Instance& instance) const {
  const auto& place = instance.place;
  const auto& around = options_.surroundings;
  std::vector<std::string> variables = {"MX2_APP_INSTANCE_ID=" + place.instance_id,
                                        "MX2_PORT=" + std::to_string(place.port),
                                        "MX2_ADDRESS=" + place.address,
                                        "MX2_MP1_URI=" + options_.mp1_uri,
                                        "MX2_HOST_ID=" + around.host_id,
                                        "LANG=C.UTF-8",
                                        "PATH=/usr/local/bin:/usr/bin:/bin",
                                        "HOME=" + place.work_directory(),
                                        "TMPDIR=" + place.work_directory()};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) variables.push_back(name + value);
  };
  if (is_trusted(instance)) {
    add("MX2_ORCHESTRATOR_URL=", around.orchestrator_url);
    add("MX2_ORCHESTRATOR_CA_FILE=", around.orchestrator_ca_file);
    add("MX2_ORCHESTRATOR_TOKEN_FILE=",
        around.orchestrator_token.empty() ? "" : place.token_file());
  }
  for (const auto& [name, value] : instance.process().environment) {
    variables.push_back(name + "=" + filled(value, place));
  }
  return variables;
}

SpawnRequest ProcessBackend::request_for(const Instance& instance) const {
  const auto& descriptor = instance.package.descriptor;
  const auto& process = instance.process();
  const auto& place = instance.place;
  SpawnRequest request;
  request.executable = instance.package.directory + "/" + process.command.front();
  request.arguments.push_back(process.command.front());
  for (std::size_t i = 1; i < process.command.size(); ++i) {
    request.arguments.push_back(filled(process.command[i], place));
  }
  request.environment = environment_of(instance);
  request.directory = place.work_directory();
  request.log_file = place.log_file();
  request.user = place.user;
  request.cgroup = place.cgroup;
  request.address_space_bytes_max =
      (static_cast<std::uint64_t>(descriptor.memory_mib) + options_.address_space_extra_mb) *
      whole::kMib;
  request.files_max = std::min(options_.files_max, files_possible());
  request.file_bytes_max = static_cast<std::uint64_t>(process.file_bytes_max);
  request.processes_max = static_cast<std::uint64_t>(process.processes_max);
  request.cpus = instance.cpus;
  request.nice = options_.nice;
  return request;
}

void ProcessBackend::launch(Instance& instance) {
  auto& place = instance.place;
  place.address = options_.listen_address;
  place.bygone = false;
  const auto allowed =
      static_cast<std::uint64_t>(instance.package.descriptor.memory_mib) * whole::kMib;
  places_.provide_group(place, allowed + std::max(allowed / 2, kFenceMib * whole::kMib),
                        instance.process().processes_max);
  instance.memory_kills = place.cgroup.memory_kills();
  const auto note = [&](pid_t pid) -> Result<void> {
    if (auto handed = hand_token(instance); !handed) return handed;
    place.pid = pid;
    place.start_time = start_time(pid).value_or(0);
    place.ready = false;
    return places_.save(place);
  };
  auto spawned = spawn(request_for(instance), note);
  if (!spawned && spawned.error().cause == kNoGroup) {
    places_.give_up_group(place, spawned.error().detail);
    spawned = spawn(request_for(instance), note);
  }
  instance.cause.clear();
  instance.detail.clear();
  instance.ended = false;
  instance.requests = -1;
  instance.usage = {};
  if (!spawned) return kill(instance, "cannot-start", spawned.error().detail);
  const auto now = clock_.now_ms();
  instance.pidfd = spawned->release();
  instance.token = next_token_++;
  watch_.add(instance.pidfd.get(), instance.token);
  instance.state = State::kStarting;
  instance.launched_ms = now;
  instance.probe_ms = options_.probe_ms;
  instance.probing = false;
  instance.asking = false;
  instance.due_ms = now + instance.probe_ms;
  instance.deadline_ms = now + instance.process().ready_timeout_ms;
}

void ProcessBackend::stop(const std::string& instance_id, bool graceful) {
  const auto instance = find(instance_id);
  if (!instance || instance->state == State::kStopped || instance->state == State::kWaiting) {
    if (instance) instance->state = State::kStopped;
    return events_.push_back({BackendEvent::Kind::kStopped, instance_id});
  }
  const auto now = clock_.now_ms();
  auto& it = *instance;
  const bool ending = it.state == State::kEnding;
  it.end = End::kStop;
  it.state = State::kEnding;
  it.due_ms = now;
  if (ending || !graceful || !it.place.is_alive()) return;
  const auto& process = it.package.descriptor.process;
  it.due_ms = now + (process ? process->stop_timeout_ms : kStopTimeoutMs);
  for (const auto& member : members(it.place.membership())) {
    if (member.group == it.place.pid) send_signal(member, SIGTERM);
  }
}

void ProcessBackend::release(const std::string& instance_id) {
  const auto instance = find(instance_id);
  if (!instance) return;
  if (instance->state == State::kStopped) return forget(*instance);
  instance->end = End::kRelease;
  instance->state = State::kEnding;
  instance->due_ms = clock_.now_ms();
}

void ProcessBackend::forget(Instance& instance) {
  places_.give_back(instance.place);
  places_.give_back_cpus(instance.cpus);
  instances_.erase(std::string(instance.place.instance_id));
}

void ProcessBackend::confirm_ready(const std::string& instance_id) {
  const auto instance = find(instance_id);
  if (instance && instance->state == State::kStarting) become_ready(*instance);
}

std::vector<std::string> ProcessBackend::survivors() {
  std::vector<std::string> ids;
  for (auto& place : places_.load()) {
    auto instance = std::make_shared<Instance>();
    instance->state = State::kFound;
    ids.push_back(place.instance_id);
    instance->place = std::move(place);
    instances_[ids.back()] = std::move(instance);
  }
  return ids;
}

InstanceUsage ProcessBackend::usage(const std::string& instance_id) const {
  const auto instance = find(instance_id);
  return instance ? instance->usage : InstanceUsage{};
}

void ProcessBackend::emit(const Instance& instance, BackendEvent::Kind kind,
                          const std::string& cause, const std::string& detail, bool temporary) {
  BackendEvent event;
  event.kind = kind;
  event.instance_id = instance.place.instance_id;
  event.address = {options_.address, instance.place.port};
  event.start_ms = std::max<std::int64_t>(0, instance.launched_ms - instance.asked_ms);
  event.ready_ms = std::max<std::int64_t>(0, instance.ready_ms - instance.launched_ms);
  event.cause = cause;
  event.detail = detail;
  event.temporary = temporary;
  events_.push_back(std::move(event));
}

}  // namespace mx2::mepm::process
