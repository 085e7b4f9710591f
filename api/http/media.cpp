#include "api/http/media.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "api/base/text.h"
#include "api/http/problem.h"

namespace mx2::http {
namespace {

constexpr int kNoFit = -1;

// How closely a media range fits a type: 2 it is the type, 1 its kind, 0 anything.
int fit(std::string_view range, std::string_view type) {
  if (equals_ignoring_case(range, type)) return 2;
  if (range == "*/*" || range == "*") return 0;
  const auto kind = type.substr(0, type.find('/') + 1);
  const bool all_of_kind = range.size() == kind.size() + 1 && range.back() == '*' &&
                           equals_ignoring_case(range.substr(0, kind.size()), kind);
  return all_of_kind ? 1 : kNoFit;
}

// "q=0", "q=0.0", …: not acceptable (RFC 9110 12.4.2).
bool is_refusal(std::string_view parameter) {
  const auto text = trim(parameter);
  if (text.size() < 3 || !equals_ignoring_case(text.substr(0, 2), "q=")) return false;
  return text.substr(2).find_first_not_of("0.") == std::string_view::npos;
}

bool is_range(std::string_view text) {
  const auto slash = text.find('/');
  return text == "*" || (slash != std::string_view::npos && slash > 0 && slash + 1 < text.size());
}

}  // namespace

bool accepts(const Request& request, std::string_view type) {
  bool is_said = false;
  int best = kNoFit;
  bool welcome = false;
  for (const auto& [name, value] : request.headers) {
    if (!equals_ignoring_case(name, "Accept")) continue;
    for (const auto element : split(value, ',')) {
      const auto parts = split(element, ';');
      const auto range = trim(parts[0]);
      if (!is_range(range)) continue;
      is_said = true;
      const int fits = fit(range, type);
      if (fits <= best) continue;
      best = fits;
      welcome = std::none_of(parts.begin() + 1, parts.end(), is_refusal);
    }
  }
  return !is_said || welcome;
}

Endpoint offering(std::initializer_list<std::string_view> types, Endpoint endpoint) {
  return [types = std::vector<std::string>(types.begin(), types.end()),
          endpoint = std::move(endpoint)](Request& request, const PathValues& values,
                                          Responder responder) {
    const bool one = std::any_of(types.begin(), types.end(),
                                 [&](const auto& type) { return accepts(request, type); });
    if (one) return endpoint(request, values, std::move(responder));
    responder.reply(
        problem_reply(406, "not-acceptable", "Accept has no place for " + types.front()));
  };
}

Result<void> check_content_type(const Request& request) {
  const auto header = request.header("Content-Type");
  if (!header || request.body.empty()) return {};  // curl says what a body is that it does not send
  const auto type = to_lower(trim(header->substr(0, header->find(';'))));
  static constexpr std::array<std::string_view, 6> kOthers{
      "text/",      "application/xml", "application/x-www-form-urlencoded",
      "multipart/", "image/",          "application/octet-stream"};
  for (const auto other : kOthers) {
    if (type.substr(0, other.size()) != other) continue;
    return refused_as(ErrorCode::kUnsupportedMediaType, "send application/json, not " + type);
  }
  return {};
}

}  // namespace mx2::http
