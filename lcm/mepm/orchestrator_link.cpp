#include "lcm/mepm/orchestrator_link.h"

#include <algorithm>
#include <limits>

#include "api/base/log.h"
#include "api/base/text.h"
#include "api/operator/codec.h"
#include "lcm/mepm/state_dir.h"

namespace mx2::mepm {
namespace {

constexpr int kBadRequest = 400;
constexpr int kNotFound = 404;
constexpr int kConflict = 409;
constexpr std::size_t kKeyMax = 64;
constexpr std::size_t kStoreTextMax = 64;

// What a problem document says, after a colon.
std::string detail_of(const http::Reply& reply) {
  const auto detail = json::problem_detail(reply.body);
  return detail.empty() ? detail : ": " + detail;
}

// Of a refusal: what it was, and what follows from it.
std::string describe(const http::Reply& reply) {
  const auto detail = detail_of(reply);
  auto text = "it answered with " + std::to_string(reply.status) + detail;
  if (reply.status == kConflict) return text + "; what runs here goes on, unknown to anybody";
  if (reply.status == kBadRequest && detail.find("mepmKey") != std::string::npos) {
    return text + "; it is of an earlier version than this MEPM: upgrade the orchestrator first";
  }
  return text;
}

}  // namespace

std::string persistent_key(const std::string& state_dir, IdGenerator& ids) {
  const auto path = state_dir + "/key";
  const auto kept = read_file(path, kKeyMax);
  const std::string text = kept ? kept->substr(0, kept->find('\n')) : "";
  const auto parts = split(text, '/');
  const auto life = parts.size() == 2 && is_hex32(parts[0]) ? parse_uint(parts[1]) : std::nullopt;
  auto key = life ? std::string(parts[0]) + "/" + std::to_string(*life + 1) : ids.next() + "/1";
  if (auto written = replace_file(path, key + "\n"); !written) {
    log::error("the key of this MEPM is not kept", {{"error", written.error().internal_text}});
  }
  return key;
}

void OrchestratorLink::remember_store_in(const std::string& file) {
  store_file_ = file;
  const auto kept = read_file(file, kStoreTextMax);
  if (kept) known_.store = parse_store_epoch(kept->substr(0, kept->find('\n')));
}

OrchestratorLink::OrchestratorLink(OrchestratorAccess access, HostRegistration host,
                                   LinkOptions options, http::AsyncClient& http,
                                   const SteadyClock& clock, std::function<std::string()> load)
    : access_(std::move(access)),
      host_(std::move(host)),
      options_(options),
      http_(http),
      clock_(clock),
      load_(std::move(load)),
      retry_ms_(options.retry_ms) {
  host_.lease_ms = options.lease_ms;
}

void OrchestratorLink::step() {
  if (access_.url.empty() || asking_ || clock_.now_ms() < due_ms_) return;
  const auto path = "/operator/v1/hosts/" + percent_encode(host_.id);
  if (registered_) return put(path + "/load", load_());
  put(path + "/registration", json::dump(codec::to_json(host_)));
}

void OrchestratorLink::put(const std::string& path, std::string body) {
  asking_ = true;
  http::Headers headers{{"Content-Type", "application/json"}};
  if (!access_.token.empty()) headers.emplace_back("Authorization", "Bearer " + access_.token);
  if (known_.store) headers.emplace_back(kStoreHeader, to_text(*known_.store));
  http_.begin({"PUT", access_.url + path, std::move(headers), std::move(body)},
              [this](const Result<http::Reply>& reply) { take(reply); });
}

void OrchestratorLink::take(const Result<http::Reply>& reply) {
  asking_ = false;
  if (!reply) return failed(reply.error().detail);
  const bool disowned = reply->status == kNotFound || reply->status == kConflict;
  if (registered_ && disowned) return register_again(*reply);
  if (reply->status < 200 || reply->status >= 300) {
    return failed(describe(*reply));
  }
  learn_store(*reply);
  if (!registered_) log::info("registered", {{"orchestrator", access_.url}, {"host", host_.id}});
  due_ms_ = registered_ ? clock_.now_ms() + options_.report_ms : 0;  // the first report at once
  registered_ = true;
  retry_ms_ = options_.retry_ms;
  last_error_.clear();
}

// An orchestrator of an earlier version says nothing.
void OrchestratorLink::learn_store(const http::Reply& reply) {
  ++known_.reports;
  known_.reported_ms = clock_.now_ms();
  const auto header = std::find_if(reply.headers.begin(), reply.headers.end(), [](const auto& h) {
    return equals_ignoring_case(h.first, kStoreHeader);
  });
  const auto heard =
      header == reply.headers.end() ? std::nullopt : parse_store_epoch(header->second);
  if (!heard) return;
  const auto before = known_.store.value_or(StoreEpoch());
  const bool old = heard->id == before.id && heard->epoch < before.epoch;
  if (old && !told_old_) {
    log::warn("the orchestrator's store is older than one that we have seen",
              {{"its_epoch", heard->epoch}, {"seen", before.epoch}});
  }
  told_old_ = old;
  const auto newest = newer_of(before, *heard);
  if (newest == before) return;
  known_.store = newest;
  if (store_file_.empty()) return;
  if (auto kept = replace_file(store_file_, to_text(newest) + "\n"); !kept) {
    log::warn("the orchestrator's store is not remembered",
              {{"error", kept.error().internal_text}});
  }
}

// Whether another MEPM has come while we were away, or only somebody has changed the host, is told
// by the answer to that.
void OrchestratorLink::register_again(const http::Reply& reply) {
  registered_ = false;
  due_ms_ = 0;
  log::info(reply.status == kNotFound ? "the orchestrator does not know this host any more"
                                      : "the orchestrator does not take this host for ours",
            {{"host", host_.id}, {"why", detail_of(reply)}});
}

// An orchestrator that was away may have forgotten us; its 404 will say so.
void OrchestratorLink::failed(const std::string& why) {
  if (last_error_ != why) log::warn("the orchestrator cannot be told of this host", {{"why", why}});
  last_error_ = why;
  due_ms_ = clock_.now_ms() + retry_ms_;
  retry_ms_ = std::min(retry_ms_ * 2, options_.retry_ms_max);
}

std::int64_t OrchestratorLink::next_due_ms() const {
  if (access_.url.empty() || asking_) return std::numeric_limits<std::int64_t>::max();
  return due_ms_;
}

std::string OrchestratorLink::state() const {
  if (access_.url.empty()) return "none";
  return registered_ && last_error_.empty() ? "registered" : "unregistered";
}

}  // namespace mx2::mepm
