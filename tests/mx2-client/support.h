// Peers of the client library: λ that answer, and orchestrators that do not do all that ours does.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "api/http/pistache_server.h"
#include "api/json/json.h"
#include "mx2-client/include/mx2/client.h"

namespace mx2::test {

using std::chrono::milliseconds;

// Waits until `condition` holds, for as long as any test should.
template <typename Condition>
[[nodiscard]] bool eventually(const Condition& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

// A server on a free port of 127.0.0.1 whose answers are a function.
class FunctionServer : public http::Handler {
 public:
  using Function = std::function<http::Reply(const http::Request&)>;
  using Detached = std::function<void(const http::Request&, http::Responder)>;

  explicit FunctionServer(const Function& function);
  explicit FunctionServer(Detached function);
  ~FunctionServer() override { stop(); }
  void handle(http::Request request, http::Responder responder) override;

  void stop() { server_->stop(0); }
  [[nodiscard]] std::string url() const { return url_; }
  [[nodiscard]] std::size_t calls() const { return calls_; }

 private:
  Detached function_;
  std::atomic<std::size_t> calls_{0};
  std::unique_ptr<http::PistacheServer> server_;
  std::string url_;
};

// A λ that answers "<name>:<payload>".
class Lambda : public FunctionServer {
 public:
  explicit Lambda(const std::string& name, int status = 200)
      : FunctionServer([=](const http::Request& request) {
          return http::Reply{status, "text/plain", name + ":" + request.body, {}, false};
        }) {}
};

// An orchestrator with one application, whose abilities a test chooses.
struct Abilities {
  bool events = false;
  bool reads = false;  // GET of a context
  bool tags = true;    // entity tags, so that a poll can wait
  bool callbacks = true;
};

class ForeignOrchestrator {
 public:
  explicit ForeignOrchestrator(Abilities abilities, std::vector<std::string> endpoints);
  ~ForeignOrchestrator() { end_streams(); }

  [[nodiscard]] std::string url() const { return server_.url(); }
  [[nodiscard]] std::size_t requests() const { return server_.calls(); }
  [[nodiscard]] std::size_t contexts() const;
  [[nodiscard]] std::size_t created() const { return created_; }
  [[nodiscard]] std::string callback() const;  // of the latest context

  void move_to(std::vector<std::string> endpoints);
  void forget();  // all contexts
  void refuse_contexts(bool refuse) { refuse_ = refuse; }
  void break_down(bool broken);  // ends streams and answers 500 to everything
  void ask_before_answering(std::function<void(const std::string& callback)> hook);

 private:
  [[nodiscard]] http::Reply answer(const http::Request& request);
  [[nodiscard]] http::Reply create(const http::Request& request);
  void stream(const std::string& id, http::Responder responder);
  [[nodiscard]] std::string event(const std::string& id) const;
  void end_streams();
  [[nodiscard]] json::Value instances() const;

  const Abilities abilities_;
  mutable std::mutex mutex_;
  std::vector<std::string> endpoints_;
  std::uint64_t revision_ = 1;
  std::map<std::string, json::Value> contexts_;
  std::string last_id_;
  std::multimap<std::string, std::unique_ptr<http::Stream>> streams_;
  std::function<void(const std::string&)> hook_;
  std::atomic<std::size_t> created_{0};
  std::atomic<bool> refuse_{false};
  std::atomic<bool> broken_{false};
  FunctionServer server_;  // last: it uses the others
};

// POSTs JSON; the status, 0 when there is no answer.
int notify(const std::string& url, const std::string& body, const std::string& sequence = {});
int request(const std::string& method, const std::string& url, const std::string& body = {});

[[nodiscard]] client::ContextRequest facedetect(client::Channel channel);
[[nodiscard]] client::ClientOptions options_for(const std::string& url);

}  // namespace mx2::test
