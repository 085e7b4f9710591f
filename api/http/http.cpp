#include "api/http/http.h"

#include <algorithm>

#include "api/base/text.h"
#include "api/http/problem.h"

namespace mx2::http {

std::optional<std::string_view> Request::header(std::string_view name) const {
  const auto it = std::find_if(headers.begin(), headers.end(), [&](const auto& entry) {
    return equals_ignoring_case(entry.first, name);
  });
  if (it == headers.end()) return std::nullopt;
  return it->second;
}

Reply json_reply(int status, std::string body) {
  return {status, "application/json", std::move(body), {}, false};
}

Reply no_content() { return {204, {}, {}, {}, false}; }

Responder::~Responder() {
  if (sink_) reply(problem_reply(internal("a request was dropped without an answer")));
}

void Responder::reply(Reply reply) noexcept {
  const auto sink = std::move(sink_);
  if (!sink) return;
  if (observer_) observer_(reply);
  sink->send(std::move(reply));
}

void Responder::detach(const ClientGone& gone) noexcept {
  if (!sink_) return;
  if (auto detached = sink_->detach(gone)) sink_ = std::move(detached);
}

std::unique_ptr<Stream> Responder::stream(Reply head, const ClientGone& gone) noexcept {
  detach(gone);
  const auto sink = std::move(sink_);
  if (!sink) return nullptr;
  if (observer_) observer_(head);
  return sink->stream(std::move(head));
}

std::unique_ptr<Stream> Responder::Sink::stream(Reply head) noexcept {
  head.close = true;
  send(std::move(head));
  return nullptr;
}

}  // namespace mx2::http
