#include "orchestrator/packages/packages.h"

#include <algorithm>
#include <future>

#include "api/base/log.h"
#include "orchestrator/packages/package_content.h"

namespace mx2 {
namespace {

constexpr std::size_t kUploadsWaitingMax = 8;  // each holds its content

bool fetched_from_source(const Package& package) {
  return !package.source_uri.empty() && !package.failure;
}

}  // namespace

Packages::Packages(Core& core, const PackageOptions& options, PackageFiles files,
                   metrics::Registry& registry)
    : core_(core),
      options_(options),
      files_(std::move(files)),
      registry_(registry),
      onboarded_(registry.gauge("mx2_packages", "Application packages that are on-boarded")),
      fetched_bytes_(
          registry.counter("mx2_package_fetched_bytes_total", "Bytes of packages fetched")) {}

Packages::~Packages() { stop(); }

void Packages::start() {
  std::set<std::string> with_content;
  for (const auto& item : core_.store.set_aside().list()) {
    if (item.kind == "package") with_content.insert(item.id);
  }
  core_.model.read([&](const Model& model) {
    for (const auto& [id, package] : model.packages()) {
      const auto state = package.state;
      const bool stored =
          state == OnboardingState::kProcessing || state == OnboardingState::kOnboarded;
      if (stored) with_content.insert(id);
      if (state == OnboardingState::kOnboarded && !files_.has(id)) {
        log::error("the content of a package is missing", {{"package", id}});
      }
      const bool interrupted = state == OnboardingState::kProcessing ||
                               state == OnboardingState::kUploading ||
                               (state == OnboardingState::kCreated && fetched_from_source(package));
      if (interrupted) jobs_.push_back({id, nullptr, {}, 0});
    }
  });
  if (core_.store.set_aside().is_complete()) files_.keep_only(with_content);
  count_packages();
  const auto workers = static_cast<std::size_t>(options_.parallel_max);
  for (std::size_t i = 0; i < workers; ++i) {
    http::ClientOptions client;
    client.connect_timeout_ms = options_.fetch_idle_ms;
    client.ca_file = options_.ca_file;
    clients_.push_back(std::make_unique<http::CurlClient>(client));
  }
  const std::lock_guard guard(mutex_);  // whoever is done wakes the others
  for (const auto& client : clients_) {
    workers_.emplace_back().start([this, &client = *client] { return step(client); });
  }
}

void Packages::stop() {
  std::deque<Job> left;
  std::map<std::string, std::vector<Waiter>> waiting;
  {
    const std::lock_guard guard(mutex_);
    stopped_ = true;
    left.swap(jobs_);
    waiting.swap(waiters_);
    waiting_ = 0;
  }
  for (const auto& client : clients_) client->interrupt();
  for (auto& worker : workers_) worker.stop();
  const auto shutting_down = unavailable("shutting down");
  for (auto& job : left) {
    if (job.upload) job.upload->answer(shutting_down);
  }
  for (const auto& [uri, list] : waiting) {
    for (const auto& waiter : list) (*waiter)(shutting_down);
  }
}

bool Packages::stopping() const {
  const std::lock_guard guard(mutex_);
  return stopped_;
}

std::optional<Package> Packages::find(const std::string& id) const {
  return core_.model.read([&](const Model& model) -> std::optional<Package> {
    const auto* package = model.package(id);
    return package == nullptr ? std::nullopt : std::optional(*package);
  });
}

void Packages::count_packages() {
  onboarded_.set(static_cast<double>(core_.model.read([](const Model& model) {
    return std::count_if(model.packages().begin(), model.packages().end(), [](const auto& entry) {
      return entry.second.state == OnboardingState::kOnboarded;
    });
  })));
}

void Packages::enqueue(Job job) {
  {
    const std::lock_guard guard(mutex_);
    if (!stopped_) {
      jobs_.push_back(std::move(job));
      for (auto& worker : workers_) worker.wake();
      return;
    }
  }
  if (job.upload) job.upload->answer(unavailable("shutting down"));
}

void Packages::create(CreateAppPkg request, Callback<Result<Package>> answer) {
  create_package(core_, std::move(request), false, options_.count_max,
                 [this, answer = std::move(answer)](const Result<PackageCreated>& made) mutable {
                   if (!made) return answer(made.error());
                   if (made->begins) enqueue({made->package.id, nullptr, {}, 0});
                   answer(made->package);
                 });
}

void Packages::upload(const std::string& id, std::string content, Callback<Result<void>> answer) {
  const auto package = find(id);
  if (!package) return answer(not_found("no application package '" + id + "'"));
  if (package->state != OnboardingState::kCreated || fetched_from_source(*package)) {
    return answer(conflict("the package does not wait for its content"));
  }
  if (content.size() > options_.bytes_max) {
    return answer(
        refused_as(ErrorCode::kTooLarge,
                   "a package may have " + std::to_string(options_.bytes_max) + " bytes"));
  }
  if (const auto refused = reserve_upload(id)) return answer(*refused);
  auto upload = std::make_unique<Upload>(Upload{std::move(content), std::move(answer)});
  enqueue({id, std::move(upload), {}, 0});
}

// Its worker gives it back.
std::optional<Error> Packages::reserve_upload(const std::string& id) {
  const std::lock_guard guard(mutex_);
  if (uploading_.count(id) > 0) return conflict("its content is being uploaded");
  if (uploading_.size() >= kUploadsWaitingMax) return unavailable("too many uploads at once");
  uploading_.insert(id);
  return std::nullopt;
}

void Packages::set_enabled(const std::string& id, bool enabled, Callback<Result<Package>> answer) {
  const auto edit = [enabled](Package& package) -> Result<void> {
    if (package.state != OnboardingState::kOnboarded) {
      return conflict("the package is not on-boarded");
    }
    if (package.enabled == enabled) {
      return conflict(enabled ? "the package is enabled already"
                              : "the package is disabled already");
    }
    package.enabled = enabled;
    return {};
  };
  const auto event = enabled ? PackageEvent::kEnabled : PackageEvent::kDisabled;
  change_package(core_, id, edit, event, std::move(answer));
}

void Packages::remove(const std::string& id, Callback<Result<void>> answer) {
  remove_package(core_, id, PackageEvent::kDeleted,
                 [this, answer = std::move(answer)](const Result<Package>& removed) mutable {
                   if (!removed) return answer(removed.error());
                   files_.remove(removed->id);
                   count_packages();
                   answer(Result<void>());
                 });
}

Result<std::string> Packages::content(const Package& package, std::uint64_t offset,
                                      std::uint64_t length) const {
  return files_.read(package.id, offset, length);
}

Result<std::string> Packages::descriptor(const Package& package) const {
  return read_descriptor(files_.path_of(package.id));
}

Result<Package> Packages::change(const std::string& id, const PackageEdit& edit) {
  std::promise<Result<Package>> done;
  change_package(core_, id, edit, std::nullopt,
                 [&done](Result<Package> out) { done.set_value(std::move(out)); });
  return done.get_future().get();
}

// A package is with one worker at a time. Nothing: there is work at `next`.
std::optional<Packages::Job> Packages::take(Time& next) {
  const std::lock_guard guard(mutex_);
  if (stopped_) return std::nullopt;
  const auto now = std::chrono::steady_clock::now();
  for (auto job = jobs_.begin(); job != jobs_.end(); ++job) {
    if (job->due > now) next = std::min(next, job->due);
    if (job->due > now || !running_.insert(job->id).second) continue;
    auto taken = std::move(*job);
    jobs_.erase(job);
    return taken;
  }
  return std::nullopt;
}

Packages::Time Packages::step(http::CurlClient& client) {
  auto next = Worker::kWhenWoken;
  auto job = take(next);
  if (!job) return next;
  const auto id = job->id;
  if (job->upload) {
    take_upload(std::move(*job));
  } else {
    carry_out(std::move(*job), client);
  }
  const std::lock_guard guard(mutex_);
  running_.erase(id);
  for (auto& worker : workers_) worker.wake();
  return Worker::kAtOnce;
}

}  // namespace mx2
