// Who is calling: the credentials of a request and its client address.
//
// Modes: `none` (test and closed networks: the Authorization header is ignored, as ETSI's suite
// needs) and `bearer` (IETF RFC 6750, as MEC 009 clause 6.16 asks): opaque tokens from a file, or
// JWTs (IETF RFC 7519) signed by the operator's authorization server. The subject of the token owns
// the contexts it creates. A JWT must have an `exp`; times may have fractions, and one that is no
// number is refused, never passed over.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/base/clock.h"
#include "api/http/http.h"
#include "orchestrator/endpoints/rate_limit.h"
#include "orchestrator/mx2/procedures.h"

namespace mx2 {

struct AuthOptions {
  std::string mode = "none";  // none | bearer
  std::string tokens;         // content of the tokens file: lines "<token> <subject>"
  std::string jwt_key;        // PEM public key (RS*, ES*) or shared secret (HS*); empty: no JWTs
  std::string jwt_algorithm = "RS256";
  std::string jwt_issuer;                    // required `iss`; empty: any
  std::string jwt_audience;                  // required `aud`; empty: any
  int jwt_leeway_s = 5;                      // by so much `exp`, `nbf` and `iat` may miss our clock
  std::vector<std::string> trusted_proxies;  // prefixes that are believed about whom they stand for
  std::string forwarded_header = "any";  // any | forwarded | x-forwarded-for: what they say it in
  std::size_t requests_per_second_max = 0;  // of one subject, or else address; 0: no limit
};

class Authenticator {
 public:
  // invalid_argument when the options cannot work (malformed tokens file, unknown algorithm).
  [[nodiscard]] static Result<Authenticator> make(const AuthOptions& options,
                                                  const SystemClock& clock,
                                                  const SteadyClock& steady);

  // unauthorized when credentials are needed and not good, too_many when this client asks too
  // often.
  [[nodiscard]] Result<Caller> identify(const http::Request& request) const;

 private:
  [[nodiscard]] Result<Caller> authenticate(const http::Request& request) const;
  [[nodiscard]] Result<std::string> subject_of(const std::string& token) const;
  [[nodiscard]] Result<std::string> subject_of_jwt(const std::string& token) const;
  [[nodiscard]] std::string client_address(const http::Request& request) const;
  [[nodiscard]] std::optional<std::string> client_of(const std::vector<std::string>& hops,
                                                     const std::string& peer) const;
  [[nodiscard]] bool is_trusted(const std::string& address) const;

  AuthOptions options_;
  const SystemClock* clock_ = nullptr;  // JWTs speak of the date
  std::unordered_map<std::string, std::string> subjects_;
  std::vector<IpPrefix> proxies_;
  std::unique_ptr<RateLimiter> limiter_;
};

}  // namespace mx2
