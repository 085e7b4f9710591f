// What the workers of Packages do with one package.
#include <algorithm>
#include <future>

#include "api/base/log.h"
#include "orchestrator/packages/package_content.h"
#include "orchestrator/packages/packages.h"

namespace mx2 {
namespace {

constexpr int kRetryFirstMs = 1000;
constexpr int kRetryMaxMs = 60000;

// The store could not be written: nothing about the package.
bool is_of_store(const Error& error) {
  return (error.code == ErrorCode::kUnavailable && error.cause.empty()) ||
         error.code == ErrorCode::kInternal;
}

const char* outcome_label(const Result<Package>& outcome) {
  if (outcome.ok()) return "onboarded";
  return outcome.error().cause.empty() ? "refused" : outcome.error().cause.c_str();
}

}  // namespace

void Packages::count_outcome(const Result<Package>& outcome) {
  registry_
      .counter("mx2_package_onboardings_total", "Packages by outcome",
               {{"outcome", outcome_label(outcome)}})
      .add();
}

// Stored first, then answered, then examined like any other.
void Packages::take_upload(Job job) {
  const auto stored = [&]() -> Result<Package> {
    const auto package = find(job.id);
    if (!package) return not_found("no application package '" + job.id + "'");
    auto file = files_.begin(job.id);
    if (!file) return file.error();
    if (auto written = file->write(job.upload->content); !written) return written.error();
    return arrived(*package, *file);
  }();
  if (!stored && !is_of_store(stored.error())) {
    static_cast<void>(change(job.id, [&](Package& package) -> Result<void> {
      if (package.state == OnboardingState::kCreated) {
        package.failure = failure_of(stored.error());
      }
      return {};
    }));
    count_outcome(stored);
  }
  {  // before the answer: whoever is refused may come again at once
    const std::lock_guard guard(mutex_);
    uploading_.erase(job.id);
  }
  job.upload->answer(stored ? Result<void>() : Result<void>(stored.error()));
  if (stored.ok()) enqueue({job.id, nullptr, {}, 0});
}

void Packages::carry_out(Job job, http::CurlClient& client) {
  const auto package = find(job.id);
  if (!package || package->state == OnboardingState::kOnboarded) return;
  const auto begin = std::chrono::steady_clock::now();
  const auto outcome = go_on(*package, client);
  if (outcome.ok()) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    registry_
        .histogram("mx2_package_onboarding_seconds",
                   "From the request to ONBOARDED, or from upload", {}, metrics::latency_bounds())
        .observe(took.count());
  }
  conclude(std::move(job), *package, outcome);
}

Result<Package> Packages::go_on(const Package& package, http::CurlClient& client) {
  if (package.state == OnboardingState::kProcessing && files_.has(package.id)) {
    return process(package);
  }
  if (package.source_uri.empty()) {
    return refused_as(ErrorCode::kInvalidArgument,
                      "the content was lost in a crash; upload it again", "content-lost");
  }
  const auto fetched = fetch(package, client);
  return fetched ? process(*fetched) : fetched;
}

Result<Package> Packages::fetch(const Package& package, http::CurlClient& client) {
  auto uploading = change(package.id, [](Package& p) -> Result<void> {
    p.state = OnboardingState::kUploading;
    return {};
  });
  if (!uploading) return uploading;
  auto file = files_.begin(package.id);
  if (!file) return file.error();
  const FetchLimits limits{options_.bytes_max, options_.fetch_timeout_ms, options_.fetch_idle_ms};
  const auto fetched = fetch_package(client, package.source_uri, limits, *file);
  fetched_bytes_.add(static_cast<double>(file->size()));
  if (!fetched) return fetched.error();
  return arrived(*uploading, *file);
}

// All of it is here; it gets its name, and then the package its next state.
Result<Package> Packages::arrived(const Package& package, IncomingFile& file) {
  if (auto same = check_digest(package.checksum, file.sha256()); !same) return same.error();
  if (auto kept = file.keep(); !kept) return kept.error();
  auto next = change(package.id, [&](Package& p) -> Result<void> {
    if (p.state == OnboardingState::kOnboarded) return conflict("the package is on-boarded");
    p.state = OnboardingState::kProcessing;
    p.checksum = file.sha256();
    p.size = file.size();
    p.failure.reset();
    return {};
  });
  if (!next) files_.remove(package.id);
  return next;
}

Result<Package> Packages::process(const Package& package) {
  auto descriptor = examine_package(files_.path_of(package.id));
  if (!descriptor) return descriptor.error();
  std::promise<Result<Package>> done;
  finish_onboarding(core_, package.id, std::move(*descriptor),
                    [&done](Result<Package> out) { done.set_value(std::move(out)); });
  return done.get_future().get();
}

// What a device application asked for is the package of somebody else, byte for byte.
std::optional<std::string> Packages::same_app(const Package& package, const Error& error) {
  if (!package.for_device || error.cause != kAppTaken) return std::nullopt;
  const auto mine = find(package.id);
  const auto descriptor = examine_package(files_.path_of(package.id));
  if (!mine || !descriptor) return std::nullopt;
  const bool same = core_.model.read([&](const Model& model) {
    const auto* other = model.package_of(descriptor->app_d_id);
    return other != nullptr && other->checksum == mine->checksum;
  });
  return same ? std::optional(descriptor->app_d_id) : std::nullopt;
}

// False when the store does not take it.
bool Packages::keep_failure(const Package& package, const Error& error) {
  files_.remove(package.id);
  if (package.for_device) {
    std::promise<Result<Package>> done;
    remove_package(core_, package.id, std::nullopt,
                   [&done](Result<Package> out) { done.set_value(std::move(out)); });
    const auto removed = done.get_future().get();
    return removed.ok() || !is_of_store(removed.error());
  }
  const auto kept = change(package.id, [&](Package& p) -> Result<void> {
    p.state = OnboardingState::kCreated;
    p.size = 0;
    p.failure = failure_of(error);
    return {};
  });
  return kept.ok() || !is_of_store(kept.error());
}

void Packages::conclude(Job job, const Package& package, const Result<Package>& outcome) {
  if (outcome.ok()) {
    log::info("package on-boarded",
              {{"package", package.id}, {"app", outcome->app_d_id}, {"bytes", outcome->size}});
    count_packages();
  } else {
    if (stopping()) return;
    const auto& error = outcome.error();
    const auto same = same_app(package, error);
    if (is_of_store(error) || !keep_failure(package, error)) {
      job.retry_ms = std::clamp(job.retry_ms * 2, kRetryFirstMs, kRetryMaxMs);
      job.due = std::chrono::steady_clock::now() + std::chrono::milliseconds(job.retry_ms);
      return enqueue(std::move(job));
    }
    if (same) return answer_waiters(package.source_uri, *same);
    log::warn("package not on-boarded", {{"package", package.id},
                                         {"cause", error.cause},
                                         {"reason", error.detail},
                                         {"said", error.internal_text}});
  }
  count_outcome(outcome);
  if (package.source_uri.empty()) return;
  answer_waiters(package.source_uri, outcome.ok() ? Result<std::string>(outcome->app_d_id)
                                                  : Result<std::string>(outcome.error()));
}

}  // namespace mx2
