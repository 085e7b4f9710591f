// What the back end does by itself: probes, restarts, ends, looks.
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <limits>

#include "api/base/ip.h"
#include "api/base/log.h"
#include "api/base/units.h"
#include "api/json/json.h"
#include "lcm/mepm/process/instance.h"
#include "lcm/mepm/process/instance_log.h"

namespace mx2::mepm::process {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr int kRetryEndMs = 2;
constexpr int kBackoffDoublingsMax = 16;
constexpr double kStatMax = 1e12;
constexpr int kReapedMax = 10'000;  // at once

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? std::string("SIG") + name : std::to_string(signal);
}

std::string describe(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return "exited with status " + std::to_string(info.si_status);
  std::string text = "was ended by " + signal_name(info.si_status);
  if (info.si_status == SIGXFSZ) text += ": a file grew beyond filesBytesMax";
  return text;
}

std::optional<double> number(const json::Value& document, const char* name) {
  const auto it = document.find(name);
  if (it == document.end() || !it->is_number()) return std::nullopt;
  const auto value = it->get<double>();
  if (!(value >= 0 && value <= kStatMax)) return std::nullopt;
  return value;
}

}  // namespace

std::string describe_end(int pidfd, const std::string& log_file) {
  const auto info = take_end(pidfd);
  const auto text = "it " + (info ? describe(*info) : std::string("ended"));
  const auto said = log_tail(log_file);
  return said.empty() ? text : text + "; its last words: " + said;
}

void read_stats(const std::string& body, std::int64_t now_ms, InstanceUsage& usage,
                std::int64_t& requests, std::int64_t& requests_ms) {
  const auto document = json::parse(body);
  if (!document || !document->is_object()) return;
  usage.p50_ms = number(*document, "p50_ms");
  usage.p95_ms = number(*document, "p95_ms");
  const auto in_flight = number(*document, "in_flight");
  usage.in_flight.reset();
  if (in_flight) usage.in_flight = static_cast<std::int64_t>(*in_flight);
  const auto total = number(*document, "requests");
  if (!total) return usage.request_rate.reset();
  const auto count = static_cast<std::int64_t>(*total);
  if (requests >= 0 && count >= requests && now_ms > requests_ms) {
    usage.request_rate = static_cast<double>(count - requests) * kMsPerSecond /
                         static_cast<double>(now_ms - requests_ms);
  }
  requests = count;
  requests_ms = now_ms;
}

void ProcessBackend::step(std::int64_t now_ms, std::vector<BackendEvent>& events) {
  const auto tokens = watch_.take();
  for (const auto& [id, instance] : instances_) {
    if (std::find(tokens.begin(), tokens.end(), instance->token) != tokens.end()) {
      take_end(*instance);
    }
  }
  reap();
  if (now_ms >= watch_due_ms_ && !instances_.empty()) {
    watch_due_ms_ = now_ms + options_.watch_ms;
    const bool all_grouped = std::all_of(instances_.begin(), instances_.end(), [](const auto& it) {
      return !it.second->place.cgroup.memory.empty();
    });
    const auto census = all_grouped ? Census{} : take_census();
    for (const auto& [id, instance] : instances_) look_at(*instance, census);
  }
  const auto all = instances_;  // attending may erase
  for (const auto& [id, instance] : all) {
    attend(*instance);
    if (instance->state == State::kStarting && !instance->probing && now_ms >= instance->due_ms) {
      probe(instance);
    }
    if (instance->state == State::kReady && !instance->asking && now_ms >= instance->stats_due_ms) {
      ask_stats(instance);
    }
  }
  std::move(events_.begin(), events_.end(), std::back_inserter(events));
  events_.clear();
}

// Children that we did not start: of instances, whose own parent has ended.
void ProcessBackend::reap() {
  if (!watch_.adopts()) return;
  for (int i = 0; i < kReapedMax; ++i) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    const auto its = std::find_if(instances_.begin(), instances_.end(), [&](const auto& it) {
      return it.second->place.pid == info.si_pid && it.second->pidfd.is_open();
    });
    if (its != instances_.end())
      take_end(*its->second);
    else
      ::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, WEXITED | WNOHANG);
  }
}

std::int64_t ProcessBackend::next_due_ms() const {
  if (!events_.empty()) return 0;
  auto due = instances_.empty() ? kNever : watch_due_ms_;
  for (const auto& [id, instance] : instances_) {
    const auto& it = *instance;
    switch (it.state) {
      case State::kStarting:
        due = std::min(due, it.deadline_ms);
        if (!it.probing && !it.process().ready_path.empty()) due = std::min(due, it.due_ms);
        break;
      case State::kReady:
        if (!it.asking && !it.process().stats_path.empty()) due = std::min(due, it.stats_due_ms);
        break;
      case State::kWaiting:
      case State::kEnding: due = std::min(due, it.due_ms); break;
      default: break;
    }
  }
  return due;
}

void ProcessBackend::attend(Instance& instance) {
  const auto now = clock_.now_ms();
  switch (instance.state) {
    case State::kStarting:
      if (now < instance.deadline_ms) return;
      return kill(
          instance, "not-ready",
          "it was not ready after " + std::to_string(instance.process().ready_timeout_ms) + " ms");
    case State::kReady:
      if (now - instance.ready_ms >= options_.well_ms) instance.failures = 0;
      return;
    case State::kWaiting:
      if (now >= instance.due_ms) launch(instance);
      return;
    case State::kEnding:
      if (!instance.ended && now < instance.due_ms) return;
      if (kill_members(instance.place.membership())) return after_end(instance);
      instance.ended = false;
      instance.due_ms = now + kRetryEndMs;
      return;
    default: return;
  }
}

// Where it listens, or, if it listens everywhere, on this host.
http::OutgoingRequest ProcessBackend::ask(const Instance& instance, const std::string& path) const {
  const auto& place = instance.place;
  const auto at = authority(address_from_here(place.address), place.port);
  return {"GET", "http://" + at + path, {{"Connection", "close"}}, ""};
}

void ProcessBackend::probe(const Shared& instance) {
  const auto& path = instance->process().ready_path;
  if (path.empty()) return;
  instance->probing = true;
  http_.begin(ask(*instance, path), [this, weak = std::weak_ptr<Instance>(instance),
                                     token = instance->token](const Result<http::Reply>& reply) {
    const auto it = weak.lock();
    if (it && it->token == token) take_probe(*it, reply);
  });
}

void ProcessBackend::take_probe(Instance& instance, const Result<http::Reply>& reply) {
  instance.probing = false;
  if (instance.state != State::kStarting) return;
  if (reply && reply->status >= 200 && reply->status < 300) return become_ready(instance);
  instance.due_ms = clock_.now_ms() + instance.probe_ms;
  instance.probe_ms = std::min(instance.probe_ms * 3 / 2 + 1, options_.probe_ms_max);
}

void ProcessBackend::become_ready(Instance& instance) {
  instance.state = State::kReady;
  instance.ready_ms = clock_.now_ms();
  instance.stats_due_ms = instance.ready_ms + options_.stats_ms;
  instance.was_ready = true;
  if (!instance.place.ready) {
    instance.place.ready = true;
    (void)places_.save(instance.place);
  }
  emit(instance, BackendEvent::Kind::kReady);
}

// From whatever it does to the end of all its processes, at once.
void ProcessBackend::kill(Instance& instance, const std::string& cause, const std::string& detail) {
  instance.cause = cause;
  instance.detail = detail;
  instance.state = State::kEnding;
  instance.end = End::kRestart;
  instance.due_ms = clock_.now_ms();
}

void ProcessBackend::take_end(Instance& instance) {
  const auto how = describe_end(instance.pidfd.get(), instance.place.log_file());
  instance.pidfd.close();
  instance.token = 0;
  if (instance.state == State::kStarting || instance.state == State::kReady) {
    const bool starved = instance.place.cgroup.memory_kills() > instance.memory_kills;
    kill(instance, starved ? "out-of-memory" : "exited",
         starved ? "the kernel ended it, as its memory grew too fast" : how);
  } else if (instance.detail.empty()) {
    instance.detail = how;
  }
  instance.ended = true;
}

void ProcessBackend::after_end(Instance& instance) {
  if (instance.pidfd.is_open()) {  // its end is known before its watch says so
    (void)describe_end(instance.pidfd.get(), {});
    instance.pidfd.close();
    instance.token = 0;
  }
  instance.place.pid = 0;
  instance.usage = {};
  switch (instance.end) {
    case End::kStart: return launch(instance);
    case End::kRestart: return crashed(instance);
    case End::kRelease: instance.state = State::kStopped; return forget(instance);
    case End::kStop:
      instance.state = State::kStopped;
      instance.place.ready = false;
      (void)places_.save(instance.place);
      return emit(instance, BackendEvent::Kind::kStopped);
  }
}

void ProcessBackend::crashed(Instance& instance) {
  ++instance.failures;
  const bool never = !instance.was_ready;
  if (never || instance.failures > options_.restarts_max) {
    const auto often =
        never ? ""
              : "it failed " + std::to_string(instance.failures) + " times in a row, at last: ";
    instance.state = State::kStopped;
    return emit(instance, BackendEvent::Kind::kFailed, never ? instance.cause : "too-many-restarts",
                often + instance.detail);
  }
  log::warn("instance ended; starting it again", {{"instance", instance.place.instance_id},
                                                  {"cause", instance.cause},
                                                  {"detail", instance.detail}});
  const int doublings = std::clamp(instance.failures - 2, 0, kBackoffDoublingsMax);
  const auto wait = instance.failures == 1
                        ? std::int64_t{0}
                        : std::min(std::int64_t{options_.restart_backoff_ms} << doublings,
                                   std::int64_t{options_.restart_backoff_ms_max});
  instance.state = State::kWaiting;
  instance.due_ms = clock_.now_ms() + wait;
  emit(instance, BackendEvent::Kind::kDown, instance.cause, instance.detail);
}

// As the kernel counts for its group, where it does; else added up, and if that would be too much,
// once more with every page counted once.
Sum ProcessBackend::use_of(const Instance& instance, const Census& census) {
  const auto& place = instance.place;
  if (const auto bytes = place.cgroup.memory_bytes()) {
    return {std::ssize(place.cgroup.processes()), *bytes};
  }
  auto sum = census.of(place.membership());
  const auto allowed =
      static_cast<std::uint64_t>(instance.package.descriptor.memory_mib) * whole::kMib;
  if (sum.memory_bytes > allowed) {
    sum.memory_bytes = std::min(sum.memory_bytes, proportional_memory(place.membership()));
  }
  return sum;
}

void ProcessBackend::look_at(Instance& instance, const Census& census) {
  if (instance.state == State::kStopped || instance.state == State::kFound) return;
  bound_log(instance.place.log_file(), options_.log_bytes_max);
  if (instance.state != State::kStarting && instance.state != State::kReady) return;
  const auto sum = use_of(instance, census);
  const auto memory_mib = static_cast<std::int64_t>(sum.memory_bytes / whole::kMib);
  const auto allowed = instance.package.descriptor.memory_mib;
  if (memory_mib > allowed) {
    return kill(instance, "out-of-memory",
                "it used " + std::to_string(memory_mib) + " MiB of memory, " +
                    std::to_string(allowed) + " are allowed");
  }
  if (sum.processes > instance.process().processes_max) {
    kill(instance, "too-many-processes",
         "it had " + std::to_string(sum.processes) + " processes, " +
             std::to_string(instance.process().processes_max) + " are allowed");
  }
}

void ProcessBackend::ask_stats(const Shared& instance) {
  const auto& path = instance->process().stats_path;
  instance->stats_due_ms = clock_.now_ms() + options_.stats_ms;
  if (path.empty()) return;
  instance->asking = true;
  http_.begin(ask(*instance, path), [this, weak = std::weak_ptr<Instance>(instance),
                                     token = instance->token](const Result<http::Reply>& reply) {
    const auto it = weak.lock();
    if (!it || it->token != token) return;
    it->asking = false;
    if (!reply || reply->status != 200) return;
    read_stats(reply->body, clock_.now_ms(), it->usage, it->requests, it->requests_ms);
  });
}

}  // namespace mx2::mepm::process
