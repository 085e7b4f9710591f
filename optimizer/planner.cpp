#include "optimizer/planner.h"

#include <algorithm>

#include "api/base/log.h"
#include "api/http/problem.h"

namespace mx2::optimizer {
namespace {

constexpr std::int64_t kSliceMs = 500;
constexpr int kBreathMs = 10;  // changes that come one by one are taken together
constexpr int kRetryMs = 1000;
constexpr std::int64_t kLookMs = 1000;

}  // namespace

Planner::Planner(http::Client& http, http::Client& feed, const Configuration& configuration,
                 ConfigurationWatch watch, Leadership& leadership, Control& control, Status& status,
                 const SteadyClock& clock, const std::string& holder, TopologySource* source)
    : started_with_(configuration.options),
      options_(configuration.options),
      watch_(std::move(watch)),
      leadership_(leadership),
      control_(control),
      status_(status),
      clock_(clock),
      source_(source),
      optimizer_(http, feed, configuration.options, configuration.topology, clock, holder) {}

int Planner::step() {
  reload();
  // The waiting below is interrupted by what comes from now on, not by what was just taken.
  const bool told = take_news();
  const auto left_ms = plans() ? next_ms_ - clock_.now_ms() : kSliceMs;
  const auto most_ms = told ? 0 : kSliceMs;
  const auto slice_ms = static_cast<int>(std::clamp<std::int64_t>(left_ms, 0, most_ms));
  const auto urgency = optimizer_.follow(std::min(slice_ms, options_.orchestrator.wait_ms));
  if (!urgency) {
    status_.failed(urgency.error().detail);
    for (auto& request : control_.take_requests()) {
      request.responder.reply(http::problem_reply(unavailable(urgency.error().detail)));
    }
    return kRetryMs;
  }
  answer_requests();
  (void)take_news();
  if (plans() && optimizer_.somebody_moved()) place_moved();
  if (plans() && is_due(std::max(*urgency, optimizer_.take_urgency()))) {
    (void)plan();
    return 0;
  }
  return options_.orchestrator.wait_ms > 0 ? kBreathMs : std::max(slice_ms, kBreathMs);
}

// Who has just begun to lead, or goes on after a pause, plans at once.
bool Planner::plans() {
  const bool now = leadership_.state().leads && !leadership_.paused();
  if (now && !planned_before_) next_ms_ = 0;
  planned_before_ = now;
  return now;
}

bool Planner::is_due(Optimizer::Urgency urgency) const {
  const auto now_ms = clock_.now_ms();
  if (urgency == Optimizer::Urgency::kNow || now_ms >= next_ms_) return true;
  return urgency == Optimizer::Urgency::kSoon && now_ms >= last_ms_ + options_.trigger.interval_ms;
}

bool Planner::take_news() {
  if (source_ == nullptr) return false;
  const auto news = source_->take();
  if (news) optimizer_.use(*news);
  return news.has_value();
}

// Nobody else is looked at, so the next plan of everybody is due when it was.
void Planner::place_moved() {
  const auto begun_ms = clock_.now_ms();
  const auto outcome = optimizer_.place_moved();
  if (!outcome || !*outcome) {
    next_ms_ = 0;
    return;
  }
  status_.decided(optimizer_.decision());
  status_.moved(**outcome, clock_.now_ms() - begun_ms);
}

Result<json::Value> Planner::plan() {
  const auto begun_ms = clock_.now_ms();
  const auto outcome = optimizer_.plan(false);
  const auto now_ms = clock_.now_ms();
  last_ms_ = begun_ms;
  next_ms_ = begun_ms + options_.period_ms;
  if (!outcome) next_ms_ = now_ms + std::min<std::int64_t>(kRetryMs, options_.period_ms);
  status_.decided(optimizer_.decision());
  status_.set_next(next_ms_);
  if (!outcome) {
    status_.failed(outcome.error().detail);
    return outcome.error();
  }
  return status_.planned(*outcome, now_ms - begun_ms, optimizer_.replica());
}

void Planner::answer_requests() {
  for (auto& request : control_.take_requests()) {
    request.responder.reply(answer(request.wish));
  }
}

http::Reply Planner::answer(Control::Wish wish) {
  switch (wish) {
    case Control::Wish::kDryRun: return preview();
    case Control::Wish::kPause: return pause(true);
    case Control::Wish::kResume: return pause(false);
    case Control::Wish::kPlan: break;
  }
  return plan_as_asked();
}

http::Reply Planner::preview() {
  const auto outcome = optimizer_.plan(true);
  if (!outcome) return http::problem_reply(outcome.error());
  status_.decided(optimizer_.decision());
  return {200, "text/plain; charset=utf-8", outcome->description, {}, false};
}

// Answered when the orchestrator has it, so that it outlives this process.
http::Reply Planner::pause(bool paused) {
  if (auto kept = optimizer_.set_paused(paused); !kept) return http::problem_reply(kept.error());
  leadership_.set_paused(paused);
  return http::json_reply(200, json::dump(status_.status(leadership_.state(), paused)));
}

http::Reply Planner::plan_as_asked() {
  const auto leader = leadership_.state();
  if (!leader.leads) {
    return http::problem_reply(conflict("this optimizer stands by; the one that leads is at " +
                                        (leader.url.empty() ? "no known address" : leader.url)));
  }
  const auto planned = plan();
  if (!planned) return http::problem_reply(planned.error());
  return http::json_reply(200, json::dump(*planned));
}

void Planner::reload() {
  const auto now_ms = clock_.now_ms();
  bool wanted = control_.take_reload();
  if (now_ms >= look_ms_) {
    look_ms_ = now_ms + kLookMs;
    wanted = watch_.look() || wanted;
  }
  if (!wanted) return;
  auto read = watch_.read();
  if (!read) {
    log::warn("no configuration file to read again");
  } else if (!read->ok()) {
    status_.configuration_refused(read->error().pointer.empty()
                                      ? read->error().detail
                                      : read->error().pointer + ": " + read->error().detail);
  } else {
    configure(std::move(**read));
  }
}

void Planner::configure(Configuration configuration) {
  options_ = configuration.options;
  optimizer_.configure(std::move(configuration.options), std::move(configuration.topology));
  for (const auto& source : options_.sources) {
    if (source_ != nullptr) source_->configure(*source);
  }
  next_ms_ = 0;
  status_.configured(needs_restart(started_with_, options_));
}

}  // namespace mx2::optimizer
