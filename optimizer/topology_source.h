// Where the topology comes from while we run, besides the configuration's file: a network, or an
// emulator of one, in which UEs move. Asked by the planning thread; filled by threads of its own,
// which wake the planning thread when there is something.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/http/http.h"
#include "optimizer/topology.h"

namespace mx2::optimizer {

class TopologySource {
 public:
  struct Move {
    std::string device;
    std::string attachment;            // of the topology told last
    std::optional<IpAddress> address;  // of the UE, if it is known by one
  };
  struct News {
    std::shared_ptr<const Topology> topology;  // null: the one told last holds
    std::vector<Move> moves;                   // since then, in order
  };
  struct State {
    std::string kind;                   // "advantedge"
    std::string name;                   // of the scenario; empty: none yet
    bool live = false;                  // false: what is known is from read_ms, or nothing
    std::string error;                  // why not
    std::int64_t read_ms = 0;           // when the topology was read last; 0: never
    bool subscribed = false;            // moves are told now, not only found when reading
    std::vector<std::string> problems;  // of the topology
  };

  virtual ~TopologySource() = default;
  // What has changed since the last call; nothing if nothing has.
  [[nodiscard]] virtual std::optional<News> take() = 0;
  // Callable from any thread.
  [[nodiscard]] virtual State state() const = 0;
  // All UEs, wherever they are now. Callable from any thread.
  [[nodiscard]] virtual std::vector<Move> devices() const = 0;
  // Sent with every request from now on, e.g. a new session's cookie. From any thread.
  virtual void set_headers(const http::Headers& headers) = 0;
};

}  // namespace mx2::optimizer
