#include "mx2-client/src/invoker.h"

#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "mx2-client/src/endpoint.h"

namespace mx2::device {
namespace {

http::ClientOptions http_options(const client::ClientOptions& options) {
  http::ClientOptions out;
  out.connect_timeout_ms = static_cast<int>(options.connect_timeout.count());
  out.timeout_ms = static_cast<int>(options.invoke_timeout.count());
  out.response_bytes_max = options.response_bytes_max;
  out.ca_file = options.ca_file;
  return out;
}

}  // namespace

// The runners of a race. Whoever comes first with a good answer stops the others.
struct Invoker::Race {
  struct Runner {
    std::string endpoint;
    HttpPool::Lease http;
    std::optional<Attempt> attempt;
  };
  std::mutex mutex;
  std::vector<Runner> runners;
  std::optional<std::size_t> winner;
};

Invoker::Invoker(const client::ClientOptions& options) : pool_(http_options(options)) {}

Attempt Invoker::call_with(http::CurlClient& http, const std::string& endpoint,
                           const Call& call) const {
  const auto url = call_url(endpoint);
  if (!url) return {unavailable("'" + endpoint + "' cannot be called by HTTP"), endpoint, false};
  auto reply = http.send("POST", *url, {{"Content-Type", call.content_type}}, call.body);
  return {std::move(reply), endpoint, http.was_sent()};
}

Attempt Invoker::call(const std::string& endpoint, const Call& call) {
  auto http = pool_.lease();
  return call_with(*http, endpoint, call);
}

void Invoker::run(Race& race, std::size_t index, const Call& call, const IsGood& is_good) {
  auto& self = race.runners[index];
  auto attempt = call_with(*self.http, self.endpoint, call);
  const std::lock_guard lock(race.mutex);
  self.attempt = std::move(attempt);
  if (race.winner || !is_good(*self.attempt)) return;
  race.winner = index;
  for (auto& other : race.runners) {
    if (!other.attempt) other.http->interrupt();
  }
}

Attempt Invoker::race(const std::vector<std::string>& endpoints, const Call& call,
                      const IsGood& is_good) {
  Race race;
  for (const auto& endpoint : endpoints) {
    race.runners.push_back({endpoint, pool_.lease(), std::nullopt});
  }
  std::vector<std::thread> threads;
  threads.reserve(endpoints.size());
  for (std::size_t i = 1; i < endpoints.size(); ++i) {
    try {
      threads.emplace_back([&, i] { run(race, i, call, is_good); });
    } catch (const std::system_error&) {  // no thread to be had: one runner less
      break;
    }
  }
  run(race, 0, call, is_good);
  for (auto& thread : threads) thread.join();
  const auto winner = race.winner.value_or(0);
  for (std::size_t i = 0; race.winner && i < race.runners.size(); ++i) {
    if (i != winner) race.runners[i].http.discard();  // perhaps interrupted
  }
  return std::move(*race.runners[winner].attempt);
}

}  // namespace mx2::device
