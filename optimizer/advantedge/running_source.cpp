// The live source with its clients, threads and endpoint.
#include <algorithm>

#include "api/base/ids.h"
#include "api/base/worker.h"
#include "optimizer/advantedge/options.h"

namespace mx2::optimizer::advantedge {
namespace {

constexpr int kAnswerMs = 1000;
constexpr std::size_t kProbeBytesMax = 1024UL * 1024;
constexpr int kLastMs = 400;  // of a request while we stop

http::ClientOptions sandbox_client(const Options& options, int most_ms) {
  http::ClientOptions client;
  client.timeout_ms = std::min(options.timeout_ms, most_ms);
  client.connect_timeout_ms = client.timeout_ms;
  client.ca_file = options.ca_file;
  return client;
}

// Whoever answers may be anybody.
http::ClientOptions probe_client(const Options& options) {
  auto client = sandbox_client(options, kAnswerMs);
  client.response_bytes_max = kProbeBytesMax;
  return client;
}

LiveOptions tagged(LiveOptions live, const SystemClock& wall) {
  live.callback_tag = RandomIds(wall).next();
  return live;
}

Worker::Time in_ms(int ms) { return Worker::in(std::chrono::milliseconds(ms)); }

class RunningSource final : public TopologySource {
 public:
  RunningSource(const Options& options, const SteadyClock& steady, const SystemClock& wall,
                std::function<void()> wake)
      : options_(options),
        sandbox_(sandbox_client(options, options.timeout_ms)),
        location_(sandbox_client(options, options.timeout_ms)),
        probe_(probe_client(options)),
        source_({sandbox_, location_, probe_}, tagged(options.live, wall), steady, wall,
                std::move(wake)) {}
  ~RunningSource() override { RunningSource::stop(); }
  RunningSource(const RunningSource&) = delete;
  RunningSource& operator=(const RunningSource&) = delete;

  std::optional<News> take() override { return source_.take(); }
  [[nodiscard]] State state() const override { return source_.state(); }
  [[nodiscard]] std::vector<Move> devices() const override { return source_.devices(); }

  void configure(const SourceOptions& read) override {
    const auto* ours = dynamic_cast<const Options*>(&read);
    if (ours != nullptr) source_.set_headers(ours->live.access.headers);
  }

  void read_once() override { (void)source_.step(); }

  // What the location service tells, answered before it is looked at. It knows no bearer tokens:
  // what does not repeat the tag of our subscription is ignored.
  void add_endpoints(http::Router& router) override {
    router.add("POST", kNotificationsPath,
               [this](http::Request& request, const http::PathValues&, http::Responder responder) {
                 responder.reply(http::no_content());
                 if (source_.notify(request.body)) reading_.wake();
               });
  }

  void start() override {
    source_.subscriptions().set_wake([this] { subscribing_.wake(); });
    reading_.start([this] { return in_ms(source_.step()); });
    subscribing_.start([this] { return in_ms(source_.subscriptions().step()); });
  }

  // What is being asked for is interrupted, so nobody waits for an answer.
  void stop() override {
    if (!reading_.is_running()) return;
    source_.subscriptions().stop();
    for (auto* http : {&sandbox_, &location_, &probe_}) http->interrupt();
    reading_.stop();
    subscribing_.stop();
    http::CurlClient ending(sandbox_client(options_, kLastMs));
    source_.subscriptions().end(ending);
  }

 private:
  const Options options_;
  http::CurlClient sandbox_;
  http::CurlClient location_;
  http::CurlClient probe_;
  LiveSource source_;
  Worker reading_;
  Worker subscribing_;
};

}  // namespace

std::unique_ptr<TopologySource> Options::make(const SteadyClock& steady, const SystemClock& wall,
                                              std::function<void()> wake) const {
  if (!is_live()) return nullptr;
  return std::make_unique<RunningSource>(*this, steady, wall, std::move(wake));
}

}  // namespace mx2::optimizer::advantedge
