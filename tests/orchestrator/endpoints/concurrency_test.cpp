// Many clients at once, and clients that leave: etsimec hangs for good at 64 concurrent POSTs.
#include <atomic>
#include <set>
#include <thread>

#include "tests/catch.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

// All contextIds that the operator API lists.
std::set<std::string> listed_contexts(const TestServer& server) {
  std::set<std::string> ids;
  auto ops = server.ops();
  const auto page = ops.get(kOperator + "/contexts?limit=10000").json();
  for (const auto& item : page["items"]) ids.insert(item["contextId"].get<std::string>());
  return ids;
}

void check_concurrent_posts(std::size_t clients) {
  const TestServer server;
  std::vector<Socket> sockets;
  for (std::size_t i = 0; i < clients; ++i) sockets.emplace_back(server.mx2_port());
  std::vector<Response> responses(clients);
  std::atomic<bool> go{false};
  std::vector<std::thread> threads;
  constexpr std::size_t kThreads = 16;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      while (!go) std::this_thread::yield();
      for (auto i = t; i < clients; i += kThreads) {
        sockets[i].send(create_text("ue-" + std::to_string(i)));
      }
      for (auto i = t; i < clients; i += kThreads) responses[i] = sockets[i].receive();
    });
  }
  go = true;
  for (auto& thread : threads) thread.join();
  std::set<std::string> made;
  for (const auto& response : responses) {
    if (response.status == 201) made.insert(response.json()["contextId"].get<std::string>());
  }
  CHECK(made.size() == clients);
  CHECK(listed_contexts(server) == made);
}

TEST_CASE("64 concurrent POSTs: all 201, all different, all stored", "[http][concurrency]") {
  check_concurrent_posts(64);
}

TEST_CASE("1000 concurrent POSTs: all 201, all different, all stored", "[http][concurrency]") {
  check_concurrent_posts(1000);
}

TEST_CASE("a burst of connections is taken at once", "[http][concurrency]") {
  const TestServer server;
  std::vector<Socket> sockets;
  int sent_again = 0;
  for (int i = 0; i < 1000; ++i) {
    sockets.emplace_back(server.mx2_port());
    sent_again += sockets.back().retransmitted();
  }
  CHECK(sent_again == 0);  // a full backlog drops SYNs, and the next comes a second later
  for (auto& socket : sockets) socket.send(request_text("GET", kAppList));
  std::size_t answered = 0;
  for (auto& socket : sockets) answered += socket.receive().status == 200 ? 1 : 0;
  CHECK(answered == sockets.size());
}

TEST_CASE("item 78: of two concurrent DELETEs one is 204 and one is 404", "[http][concurrency]") {
  const TestServer server;
  auto client = server.mx2();
  Socket a(server.mx2_port());
  Socket b(server.mx2_port());
  for (int round = 0; round < 20; ++round) {
    const auto text = request_text("DELETE", kContexts + "/" + create_context(client));
    a.send(text);
    b.send(text);
    const std::multiset<int> statuses{a.receive().status, b.receive().status};
    CHECK(statuses == std::multiset<int>{204, 404});
  }
}

TEST_CASE("contexts see either the old table or the new one", "[http][concurrency]") {
  const TestServer server;
  std::atomic<bool> stop{false};
  std::thread rewriter([&] {
    auto ops = server.ops();
    for (int i = 0; !stop; ++i) {
      const std::string host = i % 2 == 0 ? "north" : "south";
      ops.request("PATCH", kOperator + "/table",
                  R"({"ue":"*","app":"facedetect-1","targets":["host:)" + host + "\"]}");
    }
  });
  std::set<std::string> addresses;
  std::size_t made = 0;
  auto client = server.mx2();
  for (int i = 0; i < 300; ++i) {
    const auto response = client.post(kContexts, minimal_context());
    if (response.status != 201) continue;
    ++made;
    addresses.insert(response.json()["appInfo"]["userAppInstanceInfo"][0]["referenceURI"]);
  }
  stop = true;
  rewriter.join();
  CHECK(made == 300);
  addresses.erase("http://cloud.example/facedetect");  // the first may come before any rewrite
  for (const auto& address : addresses) {
    CHECK((address == "http://north.example/facedetect" ||
           address == "http://south.example/facedetect"));
  }
}

TEST_CASE("clients that leave before their answer disturb nobody", "[http][concurrency][hostile]") {
  const TestServer server;
  std::vector<std::thread> rude;
  for (int t = 0; t < 4; ++t) {
    rude.emplace_back([&server, t] {
      for (int i = 0; i < 100; ++i) {
        Socket socket(server.mx2_port());
        const auto text = create_text("rude");
        socket.send(i % 3 == 0 ? text.substr(0, text.size() / 2) : text);
        if ((i + t) % 2 == 0) socket.reset();
      }
    });
  }
  auto client = server.mx2();
  std::set<std::string> polite;
  for (int i = 0; i < 200; ++i)
    polite.insert(create_context(client, "polite-" + std::to_string(i)));
  for (auto& thread : rude) thread.join();
  CHECK(polite.size() == 200);
  const auto listed = listed_contexts(server);
  CHECK(std::includes(listed.begin(), listed.end(), polite.begin(), polite.end()));
  CHECK(server.still_serves());
}

TEST_CASE("a store that cannot keep up refuses with 503 and Retry-After, and recovers",
          "[http][concurrency]") {
  const TestServer server([](OrchestratorOptions& options) {
    options.store.queue_max = 4;
    options.store.batch_max = 1;
  });
  std::vector<Socket> sockets;
  for (int i = 0; i < 200; ++i) sockets.emplace_back(server.mx2_port());
  for (auto& socket : sockets) socket.send(create_text("ue"));
  std::size_t made = 0;
  std::size_t refused = 0;
  for (auto& socket : sockets) {
    const auto response = socket.receive();
    made += response.status == 201 ? 1 : 0;
    refused += response.status == 503 && response.header("Retry-After") ? 1 : 0;
  }
  CHECK(made > 0);
  CHECK(made + refused == sockets.size());
  CHECK(listed_contexts(server).size() == made);
  CHECK(server.mx2().post(kContexts, minimal_context()).status == 201);
}

TEST_CASE("full storage is 503, reads and what was acknowledged go on", "[http][operator]") {
  TestServer server([](OrchestratorOptions& options) {
    options.store.size_bytes_max = 300UL * 1024;
    options.contexts_per_device_max = 100000;
  });
  auto client = server.mx2();
  std::set<std::string> made;
  Response response;
  auto body = minimal_context();
  body["callbackReference"] = "http://ue.example/" + std::string(1500, 'x');
  for (int i = 0; i < 2000; ++i) {
    response = client.post(kContexts, body);
    if (response.status != 201) break;
    made.insert(response.json()["contextId"].get<std::string>());
  }
  CHECK(response.status == 503);
  CHECK(response.detail() == "the storage is full");
  CHECK(response.header("Retry-After"));
  CHECK(client.get(kContexts + "/" + *made.begin()).status == 200);
  CHECK(listed_contexts(server) == made);
  server.restart();
  CHECK(listed_contexts(server) == made);
}

}  // namespace
}  // namespace mx2::test
