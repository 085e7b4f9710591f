#include "orchestrator/endpoints/endpoints.h"

#include "api/base/log.h"
#include "api/base/text.h"
#include "api/http/problem.h"
#include "orchestrator/endpoints/callback_warning.h"

namespace mx2 {

http::Headers warnings_of(const Mx2EndpointOptions& options, const AppContext& request) {
  if (!options.callbacks) return {};
  return options.callbacks->headers_for(request.callback_reference);
}

http::Reply refusal(const Error& error, const std::string& request_id) {
  if (!error.internal_text.empty()) {
    log::error("request failed", {{"id", request_id}, {"reason", error.internal_text}});
  }
  auto reply = http::problem_reply(error);
  if (error.code == ErrorCode::kUnauthorized) {
    const bool tried = error.cause == "invalid-token";
    reply.headers.emplace_back(
        "WWW-Authenticate",
        tried ? "Bearer realm=\"mx2\", error=\"invalid_token\"" : "Bearer realm=\"mx2\"");
  }
  return reply;
}

Callback<Result<void>> no_content_to(const http::Request& request, http::Responder responder) {
  return [id = request.id, responder = std::move(responder)](const Result<void>& done) mutable {
    responder.reply(done ? http::no_content() : refusal(done.error(), id));
  };
}

std::optional<std::uint64_t> revision_of(std::string_view entity_tag) {
  const bool quoted =
      entity_tag.size() > 2 && entity_tag.front() == '"' && entity_tag.back() == '"';
  return quoted ? parse_uint(entity_tag.substr(1, entity_tag.size() - 2)) : std::nullopt;
}

IfMatch if_match_of(const http::Request& request) {
  const auto header = request.header("If-Match");
  if (!header || trim(*header) == "*") return std::nullopt;
  std::vector<std::uint64_t> revisions;
  for (const auto part : split(*header, ',')) {
    if (const auto revision = revision_of(trim(part))) revisions.push_back(*revision);
  }
  return revisions;
}

std::string etag(std::uint64_t revision) { return "\"" + std::to_string(revision) + "\""; }

}  // namespace mx2
