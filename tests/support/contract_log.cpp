#include "tests/support/contract_log.h"

#include <cstdlib>
#include <fstream>
#include <mutex>

#include "api/json/json.h"

namespace mx2::test {
namespace {

struct Log {
  std::mutex mutex;
  std::ofstream file;

  Log() {
    if (const char* path = std::getenv("MX2_CONTRACT_LOG")) file.open(path, std::ios::trunc);
  }
};

Log& log() {
  static Log instance;
  return instance;
}

}  // namespace

void record(const Exchange& exchange) {
  auto& out = log();
  if (!out.file.is_open()) return;
  const auto line = json::dump({{"method", exchange.method},
                                {"target", exchange.target},
                                {"status", exchange.status},
                                {"contentType", exchange.content_type},
                                {"body", exchange.body}});
  const std::lock_guard guard(out.mutex);
  out.file << line << "\n" << std::flush;
}

}  // namespace mx2::test
