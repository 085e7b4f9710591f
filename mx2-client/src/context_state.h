// What a context knows of its endpoints, in order of the news, and who wants to hear of a move.
// All methods are callable from any thread.
//
// Our orchestrator numbers the revisions of a context: the entity tag of a representation, the
// identifier of a server-sent event and Mx2-Sequence of a notification are the same count. What is
// older than the latest is dropped; what has no number is taken as it comes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/mx2/types.h"
#include "mx2-client/include/mx2/client.h"
#include "mx2-client/src/listener.h"

namespace mx2::device {

using Number = std::optional<std::uint64_t>;

class ContextState {
 public:
  using Instances = std::vector<UserAppInstance>;
  using Clock = std::chrono::steady_clock;

  // Another context than before, with all that the answer to its creation says.
  void begin(const std::string& context_id, const Instances& instances, Number revision);

  // All instances as they are now. `generation`: drop it if anything has been learned since that
  // was read. False: dropped.
  bool update(Number number, const Instances& instances,
              std::optional<std::uint64_t> generation = std::nullopt);
  // One instance has another address; an unknown one takes the place of the first.
  bool change_address(Number number, const std::string& app_instance_id,
                      const std::string& reference_uri);
  // Grows with each change of what is known.
  [[nodiscard]] std::uint64_t generation() const;
  // The latest number.
  [[nodiscard]] Number revision() const;

  [[nodiscard]] std::string context_id() const;
  [[nodiscard]] std::string endpoint() const;
  [[nodiscard]] std::vector<std::string> endpoints() const;
  [[nodiscard]] std::uint64_t moves() const;
  // The endpoint that is to be primary as long as it is there. No move.
  void prefer(const std::string& endpoint);

  // As Listener::set().
  void on_move(std::function<void(const client::Move&)> callback) {
    listener_.set(std::move(callback));
  }
  // Until endpoint() is not `known`. False at the deadline or after close().
  bool wait_other(const std::string& known, Clock::time_point deadline);
  // Wakes who waits; then as Listener::close().
  void close();

 private:
  struct Instance {
    std::string id;
    std::string uri;
  };

  bool admit(Number number);
  void set_instances(const Instances& instances);
  // Under the lock: works out the primary, and notes a move if it is another.
  void settle();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string context_id_;
  std::vector<Instance> instances_;
  std::string primary_;
  std::string preferred_;  // the fastest of several; empty: none yet
  Number latest_;
  std::uint64_t generation_ = 0;
  std::uint64_t moves_ = 0;
  bool begun_ = false;
  bool closed_ = false;
  Listener<client::Move> listener_;
};

}  // namespace mx2::device
