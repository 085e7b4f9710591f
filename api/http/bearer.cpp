#include "api/http/bearer.h"

#include "api/base/text.h"
#include "api/http/problem.h"

namespace mx2::http {
namespace {

constexpr std::string_view kScheme = "bearer ";

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  }
  return difference == 0;
}

}  // namespace

std::optional<std::string> bearer_token(const Request& request) {
  const auto header = request.header("Authorization");
  if (!header || header->size() <= kScheme.size()) return std::nullopt;
  if (!equals_ignoring_case(header->substr(0, kScheme.size()), kScheme)) return std::nullopt;
  return std::string(trim(header->substr(kScheme.size())));
}

bool bears(const Request& request, std::string_view token) {
  if (token.empty()) return true;
  const auto given = bearer_token(request);
  return given && equal_in_constant_time(*given, token);
}

Endpoint guarded(const std::string& token, const std::string& whose, Endpoint endpoint) {
  auto refusal = "the " + whose + "'s bearer token is needed";
  return [&token, refusal = std::move(refusal), endpoint = std::move(endpoint)](
             Request& request, const PathValues& values, Responder responder) {
    if (bears(request, token)) return endpoint(request, values, std::move(responder));
    responder.reply(problem_reply(refused_as(ErrorCode::kUnauthorized, refusal)));
  };
}

}  // namespace mx2::http
