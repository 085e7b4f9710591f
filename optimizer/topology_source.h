// Where the topology comes from while we run, besides the configuration's file: a network, or an
// emulator of one, in which UEs move. Asked by the planning thread; filled by threads of its own,
// which wake the planning thread when there is something.
//
// A kind of source is a folder of its own with a section of the configuration; the kinds that there
// are, one line each, are in topology_sources.cpp. At most one source is live.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/base/clock.h"
#include "api/config/reader.h"
#include "api/http/router.h"
#include "optimizer/topology.h"

namespace mx2::optimizer {

class TopologySource;

// What a kind of source has read from its section of the configuration.
class SourceOptions {
 public:
  using Differs = std::function<void(const char* key, bool different)>;

  virtual ~SourceOptions() = default;
  // That it names, to be read again when they change.
  [[nodiscard]] virtual std::vector<std::string> files() const = 0;
  // Adds what is in files of its own.
  [[nodiscard]] virtual Result<void> add_to(Topology& topology) const = 0;
  // Which of its keys cannot become what they are in `read` while a source runs with these.
  virtual void compare(const SourceOptions& read, const Differs& differs) const = 0;
  // Null: it has no live source. `wake` is called from any thread when take() has something.
  // `steady` says when something is due, `wall` what people read; references must outlive it.
  [[nodiscard]] virtual std::unique_ptr<TopologySource> make(const SteadyClock& steady,
                                                             const SystemClock& wall,
                                                             std::function<void()> wake) const = 0;
};

using Sources = std::vector<std::shared_ptr<const SourceOptions>>;

// Of all kinds; errors are the reader's.
[[nodiscard]] Sources read_sources(config::Reader& reader);

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
    std::string kind;                   // as its section of the configuration is called
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

  // A section was read again, maybe of another kind: what can change while running is taken over.
  virtual void configure(const SourceOptions&) {}
  // Reads once, in place of start(); take() has what came of it.
  virtual void read_once() {}
  // Before the router serves.
  virtual void add_endpoints(http::Router&) {}
  virtual void start() {}
  // Waits for nothing that is being asked; who tells us of moves hears that we end.
  virtual void stop() {}
};

}  // namespace mx2::optimizer
