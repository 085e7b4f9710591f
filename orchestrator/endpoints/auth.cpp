#include "orchestrator/endpoints/auth.h"

#include <jwt.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "api/base/text.h"
#include "api/base/units.h"
#include "api/http/bearer.h"
#include "api/json/json.h"

namespace mx2 {
namespace {

Error invalid_token(std::string detail) {
  return refused_as(ErrorCode::kUnauthorized, std::move(detail), "invalid-token");
}

std::string text_grant(jwt_t* token, const char* name) {
  const char* value = jwt_get_grant(token, name);
  return value == nullptr ? "" : value;
}

// RFC 7519 4.1.3: one audience, or an array of them.
bool is_for_audience(jwt_t* token, const std::string& audience) {
  if (text_grant(token, "aud") == audience) return true;
  const std::unique_ptr<char, void (*)(void*)> text(jwt_get_grants_json(token, "aud"), std::free);
  const auto list = text ? json::parse(text.get()) : Result<json::Value>(json::Value());
  return list && list->is_array() && std::find(list->begin(), list->end(), audience) != list->end();
}

// A claim of RFC 7519 4.1.4 to 4.1.6, in seconds since 1970, fractions allowed (section 2).
// Nothing: the token does not have the claim. An error: what it has is no time, which must not pass
// for having none.
Result<std::optional<double>> time_claim(jwt_t* token, const char* name) {
  const std::unique_ptr<char, void (*)(void*)> text(jwt_get_grants_json(token, name), std::free);
  if (!text) return std::optional<double>();
  const auto value = json::parse(text.get());
  if (!value || !value->is_number()) {
    return invalid_token(std::string("the token's ") + name + " is no time");
  }
  return std::optional<double>(value->get<double>());
}

// `leeway_s`: by so much the issuer's clock and ours may differ.
Result<void> check_times(jwt_t* token, std::int64_t now_ms, int leeway_s) {
  const auto now = static_cast<double>(now_ms) / kMsPerSecond;
  const auto expiry = time_claim(token, "exp");
  if (!expiry) return expiry.error();
  if (!*expiry) return invalid_token("the token never expires");
  if (**expiry + leeway_s <= now) return invalid_token("the token has expired");
  for (const auto& [name, refusal] : {std::pair{"nbf", "the token is not valid yet"},
                                      std::pair{"iat", "the token was issued in the future"}}) {
    const auto time = time_claim(token, name);
    if (!time) return time.error();
    if (*time && **time > now + leeway_s) return invalid_token(refusal);
  }
  return {};
}

// The address of a node as RFC 7239 section 6 and X-Forwarded-For write it, without its port.
std::string node_address(std::string_view node) {
  std::string text(trim(node));
  text.erase(std::remove(text.begin(), text.end(), '"'), text.end());
  if (!text.empty() && text[0] == '[') return text.substr(1, text.find(']') - 1);  // "[v6]:port"
  const auto colon = text.find(':');
  const bool has_port =
      colon != std::string::npos && text.find(':', colon + 1) == std::string::npos;
  return has_port ? text.substr(0, colon) : text;
}

// One hop of Forwarded: its for=, empty if it has none.
std::string forwarded_for(std::string_view hop) {
  for (const auto parameter : split(hop, ';')) {
    const auto pair = trim(parameter);
    if (equals_ignoring_case(pair.substr(0, 4), "for=")) return node_address(pair.substr(4));
  }
  return {};
}

// The hops that all lines of a header name, the nearest one last.
template <typename Address>
std::vector<std::string> hops_in(const http::Request& request, std::string_view header,
                                 Address address_of) {
  std::vector<std::string> hops;
  for (const auto& [name, value] : request.headers) {
    if (!equals_ignoring_case(name, header)) continue;
    for (const auto hop : split(value, ',')) hops.push_back(address_of(hop));
  }
  return hops;
}

}  // namespace

Result<Authenticator> Authenticator::make(const AuthOptions& options, const SystemClock& clock,
                                          const SteadyClock& steady) {
  Authenticator authenticator;
  authenticator.options_ = options;
  authenticator.clock_ = &clock;
  authenticator.limiter_ = std::make_unique<RateLimiter>(options.requests_per_second_max, steady);
  std::istringstream lines(options.tokens);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (trim(line).empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string token;
    std::string subject;
    if (!(words >> token >> subject)) {
      return invalid_argument("tokens file line " + std::to_string(number) +
                              ": write '<token> <subject>'");
    }
    authenticator.subjects_[token] = subject;
  }
  for (const auto& text : options.trusted_proxies) {
    const auto prefix = IpPrefix::parse(text);
    if (!prefix) return invalid_argument("trusted proxy '" + text + "' is no address or prefix");
    authenticator.proxies_.push_back(*prefix);
  }
  if (!options.jwt_key.empty() && jwt_str_alg(options.jwt_algorithm.c_str()) == JWT_ALG_INVAL) {
    return invalid_argument("JWT algorithm '" + options.jwt_algorithm + "' is not known");
  }
  if (options.mode == "bearer" && authenticator.subjects_.empty() && options.jwt_key.empty()) {
    return invalid_argument("bearer mode needs a tokens file or a JWT key");
  }
  return authenticator;
}

bool Authenticator::is_trusted(const std::string& address) const {
  const auto ip = IpAddress::parse(address);
  return ip && std::any_of(proxies_.begin(), proxies_.end(),
                           [&](const IpPrefix& prefix) { return prefix.contains(*ip); });
}

// Each proxy names whom it has seen, after what it was told. So the nearest one that we do not
// trust is the client, and what comes before it the client's own words. Nothing: there is no such
// header.
std::optional<std::string> Authenticator::client_of(const std::vector<std::string>& hops,
                                                    const std::string& peer) const {
  if (hops.empty()) return std::nullopt;
  std::string client;
  for (auto hop = hops.rbegin(); hop != hops.rend() && IpAddress::parse(*hop); ++hop) {
    client = *hop;
    if (!is_trusted(client) || IpAddress::parse(client) == IpAddress::parse(peer)) break;
  }
  return client;
}

// A proxy writes one of the two headers and lets the other one through as the client sent it: when
// they differ and nobody has said which it is, neither is believed.
std::string Authenticator::client_address(const http::Request& request) const {
  const auto& peer = request.peer_address;
  if (proxies_.empty() || !is_trusted(peer)) return peer;
  std::optional<std::string> forwarded;
  std::optional<std::string> listed;
  if (options_.forwarded_header != "x-forwarded-for") {
    forwarded = client_of(hops_in(request, "Forwarded", forwarded_for), peer);
  }
  if (options_.forwarded_header != "forwarded") {
    listed = client_of(hops_in(request, "X-Forwarded-For", node_address), peer);
  }
  if (forwarded && listed && IpAddress::parse(*forwarded) != IpAddress::parse(*listed)) return peer;
  const auto client = forwarded ? *forwarded : listed.value_or("");
  return client.empty() ? peer : client;
}

Result<std::string> Authenticator::subject_of_jwt(const std::string& token) const {
  const auto* key = reinterpret_cast<const unsigned char*>(options_.jwt_key.data());
  jwt_t* raw = nullptr;
  if (jwt_decode(&raw, token.c_str(), key, static_cast<int>(options_.jwt_key.size())) != 0) {
    return invalid_token("the token is malformed or not signed by the expected key");
  }
  const std::unique_ptr<jwt_t, void (*)(jwt_t*)> decoded(raw, jwt_free);
  if (jwt_get_alg(raw) != jwt_str_alg(options_.jwt_algorithm.c_str())) {
    return invalid_token("the token is signed with another algorithm than expected");
  }
  if (auto valid = check_times(raw, clock_->now_ms(), options_.jwt_leeway_s); !valid) {
    return valid.error();
  }
  if (!options_.jwt_issuer.empty() && text_grant(raw, "iss") != options_.jwt_issuer) {
    return invalid_token("the token is of another issuer");
  }
  if (!options_.jwt_audience.empty() && !is_for_audience(raw, options_.jwt_audience)) {
    return invalid_token("the token is for another audience");
  }
  auto subject = text_grant(raw, "sub");
  if (subject.empty()) return invalid_token("the token names no subject");
  return subject;
}

Result<std::string> Authenticator::subject_of(const std::string& token) const {
  const auto it = subjects_.find(token);
  if (it != subjects_.end()) return it->second;
  if (options_.jwt_key.empty()) return invalid_token("the token is not known");
  return subject_of_jwt(token);
}

Result<Caller> Authenticator::authenticate(const http::Request& request) const {
  Caller caller;
  caller.ip_text = client_address(request);
  caller.ip = IpAddress::parse(caller.ip_text);
  if (caller.ip) caller.ip_text = caller.ip->text();
  if (options_.mode == "none") return caller;
  const auto token = http::bearer_token(request);
  if (!token) return refused_as(ErrorCode::kUnauthorized, "a bearer token is needed");
  auto subject = subject_of(*token);
  if (!subject) return subject.error();
  caller.subject = std::move(*subject);
  caller.authenticated = true;
  return caller;
}

Result<Caller> Authenticator::identify(const http::Request& request) const {
  auto caller = authenticate(request);
  if (!caller) return caller;
  const auto& client = caller->authenticated ? caller->subject : caller->ip_text;
  if (auto admitted = limiter_->admit(client); !admitted) return admitted.error();
  return caller;
}

}  // namespace mx2
