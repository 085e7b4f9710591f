// An orchestrator of a few lines, as an HTTP client: lists, feed, plans, leases.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "api/http/http_client.h"
#include "api/operator/codec.h"
#include "tests/catch.h"

namespace mx2::optimizer::test {

inline Host host(const std::string& id, HostState state = HostState::kUp) {
  Host value;
  value.id = id;
  value.state = state;
  value.instances = {{"app", "i-" + id, "http://" + id}};
  return value;
}

inline mx2::json::Value context(const std::string& device, const std::string& at,
                                const std::string& ip) {
  return {{"contextId", "c-" + device},
          {"app", "app"},
          {"associateDevAppId", device},
          {"clientIp", ip},
          {"host", at},
          {"referenceURI", "http://" + at},
          {"created", "2026-01-01T00:00:00.000Z"},
          {"callback", false}};
}

class FakeOrchestrator final : public http::Client {
 public:
  FakeOrchestrator() {
    App app;
    app.info.app_d_id = app.info.app_name = "app";
    app.info.app_provider = "p";
    app.info.app_soft_version = app.info.app_d_version = "1";
    app.info.app_description = "d";
    app.info.app_charcs = AppCharcs{};
    lists["apps"].push_back(codec::to_json(app));
  }

  Result<http::Reply> send(const std::string& method, const std::string& url,
                           const http::Headers& headers, const std::string& body) override {
    if (down) return unavailable("no connection");
    const auto path = url.substr(url.find("/operator/v1/") + 13);
    if (path.starts_with("optimizer/lease")) return take_lease(method, body);
    if (path == "optimizer") return take_pause(body);
    if (method == "POST") return take_plan(headers, body);
    if (path == "snapshot") {
      return json({{"position", position},
                   {"tableVersion", table_version},
                   {"strategy", {{"standard", standard}, {"dispatcher", "dispatcher-1"}}}});
    }
    if (path.starts_with("changes")) {
      longest_wait_ms = std::max(longest_wait_ms, std::stoi(path.substr(path.rfind('=') + 1)));
      return told();
    }
    ++lists_read;
    return json({{"items", lists[path.substr(0, path.find('?'))]}});
  }

  // An app "dispatcher-1" that runs on every host. Nothing is dispatched yet.
  void add_dispatchers() {
    auto dispatcher = lists["apps"][0];
    dispatcher["appDId"] = dispatcher["appName"] = "dispatcher-1";
    lists["apps"].push_back(dispatcher);
    for (auto& document : lists["hosts"]) {
      const std::string id = document["id"];
      document["instances"].push_back({{"appDId", "dispatcher-1"},
                                       {"appInstanceId", "d-" + id},
                                       {"referenceURI", "http://" + id + ":8070"}});
    }
  }

  void change(const std::string& kind, mx2::json::Value value) {
    value["kind"] = kind;
    feed.push_back(std::move(value));
    ++position;
  }

  std::map<std::string, mx2::json::Value> lists = {{"hosts", mx2::json::Value::array()},
                                                   {"apps", mx2::json::Value::array()},
                                                   {"table", mx2::json::Value::array()},
                                                   {"contexts", mx2::json::Value::array()}};
  mx2::json::Value feed = mx2::json::Value::array();
  std::vector<std::string> plans;
  std::string standard = "notification";  // strategy of apps that name none
  std::uint64_t position = 1;
  std::uint64_t table_version = 7;
  int stale_plans = 0;
  int plans_in_the_way = 0;  // so many times: another plan is being applied
  bool paused = false;
  std::string holder;  // of the lease
  std::string holder_of_plan;
  int leases_asked = 0;
  int lists_read = 0;
  int longest_wait_ms = 0;     // that was asked of the feed
  std::size_t page_items = 0;  // of the feed, at once; 0: all
  bool stuck = false;          // the feed tells nothing, though there is something
  bool gone = false;
  bool down = false;

 private:
  static http::Reply json(const mx2::json::Value& value) {
    return http::json_reply(200, mx2::json::dump(value));
  }
  Result<http::Reply> told() {
    if (std::exchange(gone, false)) return http::json_reply(410, "{}");
    if (page_items > 0 && feed.size() > page_items) {
      auto page = mx2::json::Value::array();
      for (std::size_t i = 0; i < page_items; ++i) page.push_back(feed[i]);
      feed.erase(feed.begin(), feed.begin() + static_cast<std::ptrdiff_t>(page_items));
      return json({{"position", position - feed.size()}, {"changes", page}});
    }
    if (stuck) return json({{"position", 0}, {"changes", mx2::json::Value::array()}});
    return json(
        {{"position", position}, {"changes", std::exchange(feed, mx2::json::Value::array())}});
  }
  Result<http::Reply> take_lease(const std::string& method, const std::string& body) {
    if (method == "DELETE") {
      holder.clear();
      return http::no_content();
    }
    ++leases_asked;
    const auto asked = mx2::json::parse(body).value();
    if (holder.empty()) holder = asked["holder"];
    return json({{"granted", holder == asked["holder"]},
                 {"holder", holder},
                 {"url", "http://" + holder},
                 {"remainingMs", 600},
                 {"paused", paused}});
  }
  Result<http::Reply> take_pause(const std::string& body) {
    paused = mx2::json::parse(body).value()["paused"];
    return http::no_content();
  }
  Result<http::Reply> take_plan(const http::Headers& headers, const std::string& body) {
    CHECK(headers.back().second == "\"" + std::to_string(table_version) + "\"");
    holder_of_plan = headers.at(1).second;
    if (plans_in_the_way-- > 0) {
      return http::json_reply(409, R"({"detail":"another plan is being applied"})");
    }
    if (stale_plans-- > 0) {
      ++table_version;
      return http::json_reply(412, R"({"detail":"stale"})");
    }
    CHECK(codec::decode_table_patch(body, 1000).ok());
    plans.push_back(body);
    return json({{"tableVersion", ++table_version}});
  }
};

}  // namespace mx2::optimizer::test
