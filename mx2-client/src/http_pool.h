// CurlClients for several threads: each exchange has one for itself, and their connections are
// kept.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "api/http/http_client.h"

namespace mx2::device {

class HttpPool {
 public:
  // Goes back when it ends, unless it was interrupted. The pool must outlive it.
  class Lease {
   public:
    Lease(HttpPool& pool, std::unique_ptr<http::CurlClient> client)
        : pool_(&pool), client_(std::move(client)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (client_) pool_->give_back(std::move(client_));
    }
    http::CurlClient& operator*() { return *client_; }
    http::CurlClient* operator->() { return client_.get(); }
    void discard() { client_.reset(); }

   private:
    HttpPool* pool_;
    std::unique_ptr<http::CurlClient> client_;
  };

  explicit HttpPool(http::ClientOptions options) : options_(std::move(options)) {}

  [[nodiscard]] Lease lease() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto client = std::move(idle_.back());
        idle_.pop_back();
        return {*this, std::move(client)};
      }
    }
    return {*this, std::make_unique<http::CurlClient>(options_)};
  }

 private:
  static constexpr std::size_t kIdleMax = 16;

  void give_back(std::unique_ptr<http::CurlClient> client) noexcept {
    try {
      const std::lock_guard lock(mutex_);
      if (idle_.size() < kIdleMax) idle_.push_back(std::move(client));
    } catch (...) {
      client.reset();
    }
  }

  const http::ClientOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<http::CurlClient>> idle_;
};

}  // namespace mx2::device
