// The topology of the scenario that is active in a sandbox, kept up to date while UEs move.
//
// The scenario document is the truth: it is read again and again (`poll_ms`). Where we can be
// called back, the location service's zonal presence notifications tell a move at once; it is
// taken over as told, and the scenario is read again soon after. A reading that began before a move
// was told does not undo it.
//
// What fails leaves the topology as it was: a sandbox that does not answer, or nonsense, or whose
// scenario has been terminated.
//
// Subscriptions are looked after by another thread and over another client, so neither waits for
// the other's service.
//
// Threads: step() from one, that of subscriptions() from another; the others from any.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/base/clock.h"
#include "optimizer/advantedge/sandbox_client.h"
#include "optimizer/advantedge/subscriptions.h"
#include "optimizer/advantedge/topology_of.h"
#include "optimizer/topology_source.h"

namespace mx2::optimizer::advantedge {

inline constexpr std::size_t kNotificationBytesMax = 64 * 1024;

struct LiveOptions {
  SandboxAccess access;
  TopologyTerms terms;
  int poll_ms = 1000;
  std::string callback_url;  // root of the server that passes notifications on; empty: none does
  // What the location service repeats in its notifications; others are not believed. Different in
  // each process.
  std::string callback_tag;
};

struct LiveClients {
  http::Client& sandbox;   // for sandbox-ctrl
  http::Client& location;  // for the location service
  http::Client& probe;     // for other optimizers
};

class LiveSource final : public TopologySource {
 public:
  // `wake` is called from any thread when take() has something. `clock` says when
  // something is due, `wall` what people read. References must outlive this.
  LiveSource(LiveClients clients, LiveOptions options, const SteadyClock& clock,
             const SystemClock& wall, std::function<void()> wake);

  // Reads what is due; then wait for so many milliseconds.
  [[nodiscard]] int step();
  // A notification of the location service. What is no such thing is ignored. True: step() should
  // be called now, it says anew when it is due.
  bool notify(const std::string& body);
  [[nodiscard]] int next_step_ms() const;
  // Of the zones of the scenario, while there is one.
  [[nodiscard]] Subscriptions& subscriptions() { return subscriptions_; }

  [[nodiscard]] std::optional<News> take() override;
  [[nodiscard]] State state() const override;
  [[nodiscard]] std::vector<Move> devices() const override;
  // Sent with every request from now on, e.g. a new session's cookie. From any thread.
  void set_headers(const http::Headers& headers);

 private:
  struct Notice {
    std::string ue;
    std::string location;  // empty: it has left the network
  };

  [[nodiscard]] Result<void> read();
  [[nodiscard]] Result<Scenario> scenario_of(const std::string& document);
  void failed(const std::string& why);
  void publish(Scenario scenario, std::shared_ptr<Topology> topology);
  void find_moves();
  void take_over(const Notice& notice);
  void move_to(const Node& node, const std::string& attachment);
  void begin_with(std::shared_ptr<const Topology> topology);
  [[nodiscard]] std::set<std::string> zones() const;

  SandboxClient client_;
  Subscriptions subscriptions_;
  const LiveOptions options_;
  const SteadyClock& clock_;
  const SystemClock& wall_;
  const std::function<void()> wake_;

  // Of step() alone.
  std::string document_;  // read last

  mutable std::mutex mutex_;
  Scenario scenario_;
  std::shared_ptr<const Topology> topology_;   // told last, or to be told; null: none yet
  std::set<std::string> attachments_;          // of it
  std::unordered_map<std::string, Move> ues_;  // by name: where they are, with all moves since
  std::vector<Notice> notices_;                // since the reading began
  bool too_many_notices_ = false;
  bool told_ = false;  // moves were taken over since the last reading
  std::int64_t read_next_ms_ = 0;
  bool topology_is_new_ = false;
  std::map<std::string, Move> moves_;  // by device, to be told
  State state_;
};

}  // namespace mx2::optimizer::advantedge
