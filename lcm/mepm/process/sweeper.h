// Removes what instances leave behind, in a thread of its own: a λ may have made a million files.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/base/worker.h"

namespace mx2::mepm::process {

// Whether the user has anything where everybody may write: /tmp, /var/tmp, /dev/shm and their like;
// or has made shared memory, semaphores or queues of System V.
[[nodiscard]] bool owns_anything(uid_t user);

// A tree with whatever is in it, followed nowhere: names, depth, modes do not matter, as no process
// of its owner is left to interfere. False: something could not be removed, or `stopping`.
bool remove_tree(const std::string& path, const std::atomic<bool>& stopping);

class Sweeper {
 public:
  // What is not swept when it is destroyed is left.
  Sweeper();

  // The directory, and all that the user, who has no processes any more, owns elsewhere: files in
  // the places that are everybody's, shared memory, semaphores and queues of System V.
  void sweep(const std::string& directory, const std::optional<uid_t>& user);
  // Users after whom has been swept, each once.
  [[nodiscard]] std::vector<uid_t> take_swept();

 private:
  struct Task {
    std::string directory;
    std::optional<uid_t> user;
  };
  [[nodiscard]] Worker::Time step();

  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::deque<Task> tasks_;
  std::vector<uid_t> swept_;
  Worker worker_;
};

}  // namespace mx2::mepm::process
