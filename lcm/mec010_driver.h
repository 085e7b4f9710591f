// The client of a MEPM: MEC 010-2 `app_lcm/v1` over HTTP.
//
// Asks for nothing but what the standard has, so that it drives other MEPMs, too. What ours adds
// (`mx2` of an AppInstanceInfo: phases, restarts, the last error, the key) is taken if it is there.
// An instance is created with its key as Idempotency-Key, and as name for those MEPMs, ours of
// earlier versions among them, that know no such header.
#pragma once

#include <memory>
#include <string>

#include "api/http/async_client.h"
#include "lcm/driver.h"

namespace mx2::lcm {

class Mec010Driver final : public LcmDriver {
 public:
  // `token`: bearer token that the MEPMs ask for; empty: none.
  Mec010Driver(std::unique_ptr<http::AsyncClient> client, std::string token)
      : client_(std::move(client)), token_(std::move(token)) {}

  void list(const std::string& mepm, Callback<Result<std::vector<Instance>>> answer) override;
  void create(const std::string& mepm, const std::string& app_d_id, const std::string& key,
              Callback<Result<Instance>> answer) override;
  void instantiate(const std::string& mepm, const std::string& app_instance_id,
                   const std::string& host_id, Callback<Result<std::string>> answer) override;
  void terminate(const std::string& mepm, const std::string& app_instance_id, int grace_s,
                 Callback<Result<std::string>> answer) override;
  void operation(const std::string& mepm, const std::string& id,
                 Callback<Result<Operation>> answer) override;
  void cancel(const std::string& mepm, const std::string& operation_id,
              Callback<Result<void>> answer) override;
  void fail(const std::string& mepm, const std::string& operation_id,
            Callback<Result<void>> answer) override;
  void remove(const std::string& mepm, const std::string& app_instance_id,
              Callback<Result<void>> answer) override;
  void poll(int timeout_ms) override { client_->poll(timeout_ms); }
  void wake() override { client_->wake(); }

 private:
  template <typename T>
  using Read = Result<T> (*)(const Result<http::Reply>&);
  template <typename T>
  void ask(http::OutgoingRequest&& request, Read<T> read, Callback<Result<T>> answer);
  [[nodiscard]] http::OutgoingRequest request(std::string method, const std::string& mepm,
                                              const std::string& path, std::string body = {}) const;

  const std::unique_ptr<http::AsyncClient> client_;
  const std::string token_;
};

}  // namespace mx2::lcm
