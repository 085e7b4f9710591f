// Every public call of the client library, to be made inside its callbacks.
#pragma once

#include <atomic>
#include <cstdlib>
#include <future>
#include <iostream>
#include <optional>

#include "mx2-client/include/mx2/domains.h"
#include "tests/mx2-client/support.h"

namespace mx2::test {

using client::Channel;

// A deadlock cannot be left behind: it ends the program, after saying where.
inline void within_time(const std::string& what, const std::function<void()>& scenario) {
  auto running = std::async(std::launch::async, scenario);
  if (running.wait_for(std::chrono::seconds(60)) != std::future_status::ready) {
    std::cerr << "waits for ever: " << what << std::endl;
    std::abort();
  }
  running.get();
}

// A λ at two places, and one orchestrator for both.
struct Peers {
  Lambda first{"1"};
  Lambda second{"2"};
  ForeignOrchestrator orchestrator{{.events = true, .reads = true}, {first.url()}};
  std::atomic<std::size_t> moves{0};

  // Each time to a place that is new.
  void move() {
    const auto n = ++moves;
    orchestrator.move_to({(n % 2 == 0 ? first : second).url() + "/" + std::to_string(n)});
  }
  void move_to_nobody() { orchestrator.move_to({"http://127.0.0.1:1/" + std::to_string(++moves)}); }
};

// Who calls. Callbacks have it all in hand, as an application has.
struct Application {
  explicit Application(Peers& given) : peers(given) {}

  static client::ClientOptions options(const std::string& url) {
    auto out = options_for(url);
    out.move_wait = milliseconds(100);
    out.connect_timeout = milliseconds(500);
    return out;
  }
  void open_context(milliseconds poll_interval) {
    auto one = options(peers.orchestrator.url());
    one.poll_interval = poll_interval;
    client.emplace(one);
    auto opened = client->open(facedetect(Channel::kPolling));
    if (opened) context.emplace(std::move(*opened));
  }
  client::DomainsOptions domains_options() const {
    client::DomainsOptions out;
    out.domains = {options(peers.orchestrator.url())};
    out.look_interval = milliseconds(10);
    return out;
  }

  // What callbacks use may go after this.
  void end() {
    domains.reset();
    context.reset();
  }

  Peers& peers;
  bool channel_tells = true;  // of moves, soon
  std::optional<client::Client> client;
  std::optional<client::Context> context;
  std::optional<client::Domains> domains;
};

struct Act {
  const char* name;
  void (*run)(Application&);
};

template <typename T>
void drop(const T& /*result*/) {}

// The calls of a Context; `it` has one.
inline const std::vector<Act> kContextActs{
    {"id, endpoint, endpoints, statistics",
     [](Application& it) {
       drop(it.context->id());
       drop(it.context->endpoint());
       drop(it.context->endpoints());
       drop(it.context->statistics());
     }},
    {"wait_for_move, and it comes",
     [](Application& it) {
       const auto known = it.context->endpoint();
       it.peers.move();
       it.peers.move_to_nobody();
       const bool came = it.context->wait_for_move(
           it.channel_tells ? std::chrono::seconds(20) : milliseconds(20), known);
       if (it.channel_tells && !came) std::abort();
       drop(it.context->wait_for_move(milliseconds(1)));
     }},
    {"invoke",
     [](Application& it) {
       it.peers.move();
       drop(it.context->invoke("x"));
     }},
    {"an invoke that fails",
     [](Application& it) {
       it.peers.move_to_nobody();
       drop(it.context->invoke("x"));
     }},
    {"on_move", [](Application& it) { it.context->on_move([](const client::Move&) {}); }},
    {"on_move of nothing", [](Application& it) { it.context->on_move({}); }},
    {"close", [](Application& it) { drop(it.context->close()); }},
    {"close, and close again",
     [](Application& it) {
       drop(it.context->close());
       drop(it.context->close());
       drop(it.context->invoke("x"));
     }},
    {"moving the context",
     [](Application& it) {
       auto other = std::move(*it.context);
       *it.context = std::move(other);
       drop(it.context->id());
     }},
    {"assigning another context",
     [](Application& it) {
       auto other = it.client->open(facedetect(Channel::kAuto));
       if (other) *it.context = std::move(*other);
     }},
    {"destroying the context", [](Application& it) { it.context.reset(); }},
    {"destroying the client, then the context",
     [](Application& it) {
       it.client.reset();
       it.context.reset();
     }},
    {"destroying the context, then the client",
     [](Application& it) {
       it.context.reset();
       it.client.reset();
     }},
};

// Those of a Client; a callback may have one of its own.
inline const std::vector<Act> kClientActs{
    {"apps", [](Application& it) { drop(it.client->apps()); }},
    {"a second context, with a callback of its own",
     [](Application& it) {
       auto second = it.client->open(facedetect(Channel::kCallback));
       if (!second) return;
       second->on_move([](const client::Move&) {});
       drop(second->invoke("x"));
     }},
    {"another client",
     [](Application& it) {
       client::Client other(Application::options(it.peers.orchestrator.url()));
       auto opened = other.open(facedetect(Channel::kPolling));
       client::Client moved(std::move(other));
       other = std::move(moved);
       drop(other.apps());
     }},
    {"moving and destroying the client",
     [](Application& it) {
       auto other = std::move(*it.client);
       *it.client = std::move(other);
       it.client.reset();
     }},
    {"name_of", [](Application& /*it*/) { drop(client::name_of(Channel::kAuto)); }},
};

inline const std::vector<Act> kDomainsActs{
    {"current, status, wait_for_domain",
     [](Application& it) {
       drop(it.domains->current());
       drop(it.domains->status());
       drop(it.domains->wait_for_domain(milliseconds(1)));
     }},
    {"other domains",
     [](Application& it) {
       it.peers.move();  // to somebody
       client::Domains other(it.domains_options(), facedetect(Channel::kPolling));
       drop(other.wait_for_domain(std::chrono::seconds(20)));
       drop(other.invoke("x"));
     }},
    {"close",
     [](Application& it) {
       it.domains->close();
       it.domains->close();
       drop(it.domains->invoke("x"));
     }},
    {"moving the domains",
     [](Application& it) {
       auto other = std::move(*it.domains);
       *it.domains = std::move(other);
       drop(it.domains->status());
     }},
    {"assigning other domains",
     [](Application& it) {
       *it.domains = client::Domains(it.domains_options(), facedetect(Channel::kPolling));
     }},
    {"destroying the domains", [](Application& it) { it.domains.reset(); }},
};

inline std::vector<Act> joined(std::vector<Act> all, const std::vector<Act>& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// Runs `act` when the last copy of the callable that has it dies.
struct AtDeath {
  explicit AtDeath(std::function<void()> given) : act(std::move(given)) {}
  AtDeath(const AtDeath&) = delete;
  AtDeath& operator=(const AtDeath&) = delete;
  ~AtDeath() { act(); }
  std::function<void()> act;
};

// Runs an act once, and says when it has ended.
class Once {
 public:
  Once(Application& it, const Act& act) : it_(it), act_(act) {}
  void operator()() {
    if (begun_.exchange(true)) return;
    act_.run(it_);
    done_ = true;
  }
  [[nodiscard]] bool wait() const {
    return eventually([this] { return done_.load(); });
  }

 private:
  Application& it_;
  const Act& act_;
  std::atomic<bool> begun_{false};
  std::atomic<bool> done_{false};
};

}  // namespace mx2::test
