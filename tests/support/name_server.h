// A DNS server on loopback that says what the test wants, in the test's own thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/base/fd.h"

namespace mx2::test {

class NameServer {
 public:
  static constexpr int kNoError = 0;
  static constexpr int kServerFailure = 2;
  static constexpr int kNoSuchName = 3;
  struct Answer {
    int code = kNoError;
    std::vector<std::string> addresses = {};
    std::uint32_t ttl_s = 30;
  };

  NameServer();

  // "127.0.0.1:PORT"
  [[nodiscard]] std::string address() const;
  // Answers what has come.
  void step();

  // Nothing: silence.
  std::function<std::optional<Answer>(const std::string& name)> says;
  std::map<std::string, int> asked;  // for addresses of IPv4; retries count

 private:
  void answer(const std::string& query, const void* peer, unsigned peer_size);

  Fd socket_;
  std::uint16_t port_ = 0;
};

}  // namespace mx2::test
