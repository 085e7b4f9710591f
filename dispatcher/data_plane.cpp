#include "dispatcher/data_plane.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <span>
#include <utility>

#include "api/base/file.h"
#include "api/base/log.h"

namespace mx2::dispatcher {
namespace {

constexpr std::int64_t kLoadMsMax = 30'000;
constexpr std::int64_t kStartPauseFirstMs = 100;
constexpr std::int64_t kStartPauseMaxMs = 5000;
constexpr std::int64_t kStableMs = 10'000;
constexpr std::int64_t kDeleteEveryMs = 1000;
constexpr std::size_t kDeletesMax = 64;
constexpr std::int64_t kRetryMs = 1000;
constexpr std::int64_t kReloadPauseMaxMs = 30'000;
constexpr std::size_t kLinesKept = 20;
// A process that was replaced may live for drain_ms; so many at once are fine.
constexpr std::size_t kOldProcesses = 8;
constexpr std::int64_t kReloadIntervalMaxMs = 10'000;

Result<void> write_file(const std::string& path, const std::string& text) {
  const auto temporary = path + ".new";
  make_private(temporary);
  std::ofstream file(temporary, std::ios::trunc);
  file << text;
  file.close();
  if (!file || std::rename(temporary.c_str(), path.c_str()) != 0) {
    return unavailable("cannot write " + path);
  }
  return {};
}

}  // namespace

DataPlane::DataPlane(const DispatcherOptions& options, std::string directory,
                     const Listener& listener, metrics::Registry& registry)
    : options_(options),
      directory_(std::move(directory)),
      process_(options.haproxy.program, listener.fd.get()),
      starts_(registry.counter("mx2_dispatcher_haproxy_starts_total", "Starts of HAProxy")),
      reloads_(registry.counter("mx2_dispatcher_haproxy_reloads_total",
                                "Configurations that HAProxy has loaded while it served")),
      commands_(registry.counter("mx2_dispatcher_haproxy_commands_total",
                                 "Commands sent to HAProxy's Runtime API")),
      refused_(registry.gauge("mx2_dispatcher_refused_lambdas",
                              "Applications whose configuration HAProxy has refused")) {
  wanted_.complete = false;
  wanted_.ca_file = options_.ca_file;
}

void DataPlane::put(const Lambda& lambda, const std::vector<int>& weights) {
  drop(lambda.app_d_id);
  apps_.insert(lambda.app_d_id);
  add_lambda(wanted_, lambda, weights);
  if (!set_aside_.is_still_refused(lambda.app_d_id, wanted_)) return;
  drop(lambda.app_d_id);
  add_set_aside(wanted_, lambda.app_d_id);
}

void DataPlane::remove(const std::string& app_d_id) {
  drop(app_d_id);
  apps_.erase(app_d_id);
  set_aside_.forget(app_d_id);
}

void DataPlane::drop(const std::string& app_d_id) {
  for (const bool final : {false, true}) wanted_.backends.erase(backend_name(app_d_id, final));
  wanted_.routes.erase(route_key(app_d_id));
  wanted_.final_routes.erase(route_key(app_d_id));
  changed_.insert(app_d_id);
}

void DataPlane::step(std::int64_t now_ms) {
  refused_.set(static_cast<double>(set_aside_.size()));
  listen();
  supervise(now_ms);
  if (pending_) look_whether_loaded(now_ms);
  if (serving_ == 0) return;
  send_changes();
  if (pending_) return;
  if (needs_reload_ && now_ms >= reload_due_ms_) return reload(now_ms);
  if (now_ms >= delete_due_ms_) delete_leaving(now_ms);
}

void DataPlane::listen() {
  for (auto& line : process_.words()) {
    log::debug("haproxy", {{"says", line}});
    said_.push_back(std::move(line));
    if (said_.size() > kLinesKept) said_.pop_front();
  }
}

void DataPlane::tell_why() const {
  for (const auto& line : said_) log::warn("haproxy", {{"says", line}});
}

void DataPlane::supervise(std::int64_t now_ms) {
  if (const auto status = process_.ended()) {
    log::error("HAProxy has ended; starting it again", {{"status", *status}});
    listen();
    tell_why();
    if (now_ms - started_ms_ > kStableMs) start_pause_ms_ = 0;
    start_due_ms_ = now_ms + start_pause_ms_;
    start_pause_ms_ = std::clamp(2 * start_pause_ms_, kStartPauseFirstMs, kStartPauseMaxMs);
    serving_ = 0;
    if (pending_ && set_aside_refused()) start_due_ms_ = now_ms;
    pending_.reset();
  }
  if (!process_.is_running() && now_ms >= start_due_ms_) start(now_ms);
}

Result<void> DataPlane::write_files(std::int64_t now_ms) {
  ++generation_;
  said_.clear();
  const auto files = haproxy_files(wanted_, options_, directory_, generation_);
  servers_ = count_servers(wanted_);
  for (const auto& [name, text] :
       {std::pair("/haproxy.cfg", &files.configuration), std::pair("/wait.lua", &files.script),
        std::pair("/routes.map", &files.routes), std::pair("/final.map", &files.final_routes)}) {
    if (auto written = write_file(directory_ + name, *text); !written) return written;
  }
  pending_ = Pending{generation_, wanted_, now_ms};
  changed_.clear();
  needs_reload_ = false;
  return {};
}

void DataPlane::start(std::int64_t now_ms) {
  started_ms_ = now_ms;
  ::unlink(command_socket(directory_, serving_).c_str());
  serving_ = 0;
  reloaded_ms_.clear();
  auto started = write_files(now_ms);
  if (started) started = process_.start(directory_ + "/haproxy.cfg", "unix@" + master_socket());
  if (!started) {
    const auto& why = started.error().detail;
    if (why != not_started_) log::error("cannot start HAProxy; trying again", {{"reason", why}});
    not_started_ = why;
    pending_.reset();
    start_due_ms_ = now_ms + kRetryMs;
    return;
  }
  starts_.add();
  not_started_.clear();
  reload_due_ms_ = now_ms + options_.haproxy.reload_interval_ms;
}

// Reloads that come one after another leave old processes behind, for a client that is idle keeps
// one: then fewer, so that no more than twice kOldProcesses live in the end, if drain_ms is not so
// long that who is new would have to wait for it.
std::int64_t DataPlane::reload_interval(std::int64_t now_ms) {
  const auto drain_ms = options_.haproxy.drain_ms;
  while (!reloaded_ms_.empty() && now_ms - reloaded_ms_.front() >= drain_ms) {
    reloaded_ms_.pop_front();
  }
  const std::int64_t interval_ms = options_.haproxy.reload_interval_ms;
  if (reloaded_ms_.size() < kOldProcesses) return interval_ms;
  const auto kept = static_cast<std::int64_t>(kOldProcesses);
  return std::max(interval_ms, std::min(drain_ms / kept, kReloadIntervalMaxMs));
}

void DataPlane::reload(std::int64_t now_ms) {
  auto asked = write_files(now_ms);
  if (asked) {
    const auto answer = ask(master_socket(), "reload");
    if (!answer) asked = answer.error();
  }
  if (asked) return reloads_.add();
  log::warn("HAProxy cannot be reloaded; trying again", {{"reason", asked.error().detail}});
  try_again(now_ms);
}

void DataPlane::try_again(std::int64_t now_ms) {
  pending_.reset();
  needs_reload_ = true;
  reload_pause_ms_ = std::clamp(2 * reload_pause_ms_, kRetryMs, kReloadPauseMaxMs);
  reload_due_ms_ = now_ms + reload_pause_ms_;
}

// The new process answers at its own socket; until then, and if it never comes, the old one serves.
void DataPlane::look_whether_loaded(std::int64_t now_ms) {
  const auto answer = ask(command_socket(directory_, pending_->generation), "show version");
  if (answer) {
    if (serving_ > 0) {
      ::unlink(command_socket(directory_, serving_).c_str());
      reloaded_ms_.push_back(now_ms);
      reload_due_ms_ = pending_->begun_ms + reload_interval(now_ms);
    }
    serving_ = pending_->generation;
    running_ = std::move(pending_->layout);
    changed_.merge(pending_->changed);
    leaving_.clear();
    reload_pause_ms_ = 0;
    log::info("HAProxy serves", {{"generation", serving_},
                                 {"backends", running_.backends.size()},
                                 {"servers", count_servers(running_)},
                                 {"after_ms", now_ms - pending_->begun_ms}});
    pending_.reset();
    return;
  }
  const bool late = now_ms - pending_->begun_ms >= kLoadMsMax;
  const auto is_alert = [](const auto& line) { return line.starts_with(kAlert); };
  if (!late && std::none_of(said_.begin(), said_.end(), is_alert)) return;
  const bool found = !std::exchange(pending_->looked_into, true) && set_aside_refused();
  if (!late && !found) return;
  log::error("HAProxy does not take its configuration", {{"file", directory_ + "/haproxy.cfg"}});
  tell_why();
  try_again(now_ms);
  if (found) reload_due_ms_ = now_ms;
  if (serving_ == 0) process_.stop(0);
}

// Of the configuration that was written last. True if the others can go on without them.
bool DataPlane::set_aside_refused() {
  const auto file = directory_ + "/check.cfg";
  const auto refusal = [&](const Layout& some) {
    const auto text = haproxy_files(some, options_, directory_, generation_).configuration;
    return write_file(file, text) ? process_.refusal(file) : std::string();
  };
  const auto found = set_aside_.find(pending_->layout, apps_, refusal);
  for (const auto& app : found) {
    if (!set_aside_.is_still_refused(app, wanted_)) continue;  // it has changed meanwhile
    log::error(
        "HAProxy refuses the configuration of an application; it is set aside until it changes",
        {{"app", app}, {"reason", set_aside_.reason(app)}});
    drop(app);
    add_set_aside(wanted_, app);
  }
  return !found.empty();
}

// What runs is what was wanted, and servers that have not been deleted yet. Not `all`: what needs a
// reload does not run.
void DataPlane::take_over(const std::string& app_d_id, bool all) {
  for (const bool final : {false, true}) {
    const auto name = backend_name(app_d_id, final);
    const auto before = running_.backends.find(name);
    if (before == running_.backends.end()) continue;
    const auto wanted = wanted_.backends.find(name);
    const bool gone = wanted == wanted_.backends.end();
    if (!gone && wanted->second.path != before->second.path) continue;
    auto servers = gone ? std::map<std::string, Server>() : wanted->second.servers;
    for (auto& [server, state] : before->second.servers) {
      state.enabled = false;
      servers.insert({server, state});
    }
    before->second.servers = std::move(servers);
  }
  if (!all) return;
  const auto key = route_key(app_d_id);
  running_.routes.erase(key);
  running_.final_routes.erase(key);
  auto wanted = part(wanted_, std::span(&app_d_id, 1));
  running_.routes.merge(wanted.routes);
  running_.final_routes.merge(wanted.final_routes);
}

// While a configuration is being loaded they go to the process that serves; the next one is
// compared when it does.
void DataPlane::send_changes() {
  if (pending_) pending_->changed.insert(changed_.begin(), changed_.end());
  const auto arguments = server_arguments(options_, servers_);
  if (!pending_ && running_.complete != wanted_.complete) needs_reload_ = true;
  std::vector<std::string> commands;
  std::set<std::string> later;
  for (const auto& app : changed_) {
    const std::span one(&app, 1);
    auto change = difference(part(running_, one), part(wanted_, one), arguments, directory_);
    if (change.reload) {
      needs_reload_ = needs_reload_ || !pending_;  // that may be the one it needs
      later.insert(app);
    }
    commands.insert(commands.end(), change.commands.begin(), change.commands.end());
    leaving_.insert(change.leaving.begin(), change.leaving.end());
    take_over(app, !change.reload);
  }
  changed_ = std::move(later);
  if (commands.empty()) return;
  const auto failed = command(command_socket(directory_, serving_), commands);
  commands_.add(static_cast<double>(commands.size()));
  if (pending_ || (failed && failed->empty())) return;
  // Nobody knows what runs now; a new configuration does.
  log::warn("HAProxy refused a command; loading a new configuration",
            {{"reason", failed ? failed->front() : failed.error().detail}});
  needs_reload_ = true;
}

// In turns: some have connections for hours.
void DataPlane::delete_leaving(std::int64_t now_ms) {
  delete_due_ms_ = now_ms + kDeleteEveryMs;
  for (const auto& name : in_turn(leaving_, asked_last_, kDeletesMax)) {
    asked_last_ = name;
    const auto slash = name.find('/');
    const auto backend = running_.backends.find(name.substr(0, slash));
    const auto server = name.substr(slash + 1);
    const bool there = backend != running_.backends.end() &&
                       backend->second.servers.contains(server) &&
                       !backend->second.servers[server].enabled;
    const auto wanted = wanted_.backends.find(name.substr(0, slash));
    const bool back = wanted != wanted_.backends.end() && wanted->second.servers.contains(server);
    if (there && !back) {
      const auto answer = ask(command_socket(directory_, serving_), "del server " + name);
      if (!answer) return;
      if (!complaints(*answer).empty()) continue;  // it has connections
      backend->second.servers.erase(server);
    }
    leaving_.erase(name);
  }
}

std::vector<ServerState> DataPlane::look(const std::vector<std::string>& backends) const {
  if (serving_ == 0) return {};
  std::vector<std::string> questions;
  for (const auto& name : backends) {
    if (running_.backends.contains(name)) questions.push_back("show stat " + name + " 4 -1");
  }
  std::vector<ServerState> states;
  for (const auto& line : lines_of(questions)) {
    const auto answer = ask(command_socket(directory_, serving_), line);
    if (!answer) break;
    auto some = parse_stat(*answer);
    std::move(some.begin(), some.end(), std::back_inserter(states));
  }
  return states;
}

}  // namespace mx2::dispatcher
