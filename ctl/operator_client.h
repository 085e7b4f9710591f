// The operator API as function calls. A refusal of the server is an Error with the problem's
// detail; a server that cannot be reached is one whose cause is http::kUnreachable.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "api/base/result.h"
#include "api/http/http_client.h"
#include "api/json/json.h"

namespace mx2::ctl {

using Query = std::vector<std::pair<std::string, std::string>>;

class OperatorClient {
 public:
  // `url`: scheme and authority, perhaps a path; `http` must outlive this.
  OperatorClient(http::Client& http, const std::string& url);

  // The name that changes are made under, for the history of the table. Nothing proves it.
  void introduce(std::string name) { name_ = std::move(name); }

  // Another server of ours, reached the same way with the same token, e.g. the optimizer; its paths
  // begin at `url`.
  [[nodiscard]] OperatorClient peer(const std::string& url) const;

  // Another API of the same server, e.g. "/app_pkgm/v1"; its paths begin there.
  [[nodiscard]] OperatorClient api(const std::string& root) const;
  // Any exchange; what is not 2xx is an error.
  [[nodiscard]] Result<http::Reply> exchange(const std::string& method, const std::string& path,
                                             const std::string& body = {},
                                             const std::string& content_type = {},
                                             const std::string& if_match = {});

  // `path` is below /operator/v1, already encoded; see encoded(). Empty query values are left out.
  [[nodiscard]] Result<json::Value> get(const std::string& path, const Query& query = {});
  [[nodiscard]] Result<std::string> get_text(const std::string& path);
  // The reply, for its status: 201 made it, 200 changed it.
  [[nodiscard]] Result<http::Reply> put(const std::string& path, const json::Value& document);
  [[nodiscard]] Result<http::Reply> post(const std::string& path, const Query& query = {});
  // The document of the reply. `document`: null for no body.
  [[nodiscard]] Result<json::Value> post_for(const std::string& path,
                                             const json::Value& document = nullptr);
  [[nodiscard]] Result<http::Reply> remove(const std::string& path);
  // One line a change, as codec::decode_table_patch reads them.
  // `if_match`: the table version, as the ETag of what they were made of.
  [[nodiscard]] Result<http::Reply> patch_table(const std::string& ndjson,
                                                const std::string& if_match = {});

  // Every item of a list, page after page, at most `limit` (0: all), until `visit` says false.
  using Visit = std::function<bool(const json::Value& item)>;
  [[nodiscard]] Result<void> list(const std::string& path, Query query, std::size_t limit,
                                  const Visit& visit);

 private:
  [[nodiscard]] Result<json::Value> document_of(const Result<http::Reply>& reply) const;

  http::Client& http_;
  std::string root_;
  std::string name_;
};

// "hosts", "mec 1" -> "/hosts/mec%201"
[[nodiscard]] std::string encoded(const std::string& collection, const std::string& id);

}  // namespace mx2::ctl
