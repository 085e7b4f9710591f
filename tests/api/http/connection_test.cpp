// Connections: keep-alive, pipelining, slow, half-closed and too many clients.
#include <thread>

#include "tests/catch.h"
#include "tests/support/contract_log.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

TEST_CASE("connection: HTTP/1.1 stays open unless it says close, HTTP/1.0 the other way round",
          "[http][connection]") {
  const TestServer server;
  Socket stays(server.mx2_port());
  for (int i = 0; i < 3; ++i) {
    stays.send(request_text("GET", kAppList));
    const auto response = stays.receive();
    CHECK(response.status == 200);
    CHECK(response.header("Connection") == "keep-alive");
  }
  stays.send(request_text("GET", kAppList, "", {{"Connection", "close"}}));
  CHECK(stays.receive().header("Connection") == "close");
  CHECK(stays.at_end());
  Socket old(server.mx2_port());
  old.send("GET " + kAppList + " HTTP/1.0\r\n\r\n");
  CHECK(old.receive().status == 200);
  CHECK(old.at_end());
  Socket old_stays(server.mx2_port());
  old_stays.send("GET " + kAppList + " HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(old_stays.receive().status == 200);
  old_stays.send(request_text("GET", kAppList));
  CHECK(old_stays.receive().status == 200);
}

TEST_CASE("pipelining: answers in order, slow and fast requests mixed", "[http][connection]") {
  const TestServer server;
  Socket socket(server.mx2_port());
  std::string all;
  for (int i = 0; i < 50; ++i) {
    all += create_text("p" + std::to_string(i));
    all += request_text("GET", kAppList);
    all += request_text("DELETE", kContexts + "/unknown");
    all += request_text("GET", kAppList + "?app=" + std::to_string(i));
  }
  std::thread writer([&] { socket.send(all); });
  for (int i = 0; i < 50; ++i) {
    CAPTURE(i);
    const auto made = socket.receive();
    REQUIRE(made.status == 201);
    CHECK(made.json()["associateDevAppId"] == "p" + std::to_string(i));
    CHECK(socket.receive().json().contains("appList"));
    CHECK(socket.receive().status == 404);
    CHECK(socket.receive().status == 400);
  }
  writer.join();
  CHECK(socket.unread().empty());
}

TEST_CASE("pipelining: more than the server reads ahead ends in answers or a close, never a hang",
          "[http][connection][hostile]") {
  const TestServer server;
  Socket socket(server.mx2_port());
  constexpr int kRequests = 4000;
  std::thread writer([&] {
    std::string all;
    for (int i = 0; i < kRequests; ++i) all += create_text();
    socket.send(all);
  });
  int answered = 0;
  while (answered < kRequests) {
    const auto response = socket.receive();
    if (response.status != 201) break;
    ++answered;
    if (response.header("Connection") == "close") break;
  }
  if (answered < kRequests) CHECK(socket.at_end());
  socket.half_close();
  writer.join();
  CAPTURE(answered);
  CHECK(answered > 0);
  CHECK(server.still_serves());
}

TEST_CASE("a half-closed client still gets its answer", "[http][connection]") {
  const TestServer server;
  for (int i = 0; i < 20; ++i) {
    Socket socket(server.mx2_port());
    socket.send(create_text());
    socket.half_close();
    CHECK(socket.receive().status == 201);
    CHECK(socket.at_end());
  }
  CHECK(server.still_serves());
}

TEST_CASE("a half-closed client gets all its pipelined answers", "[http][connection]") {
  const TestServer server;
  Socket socket(server.mx2_port());
  socket.send(create_text("a") + create_text("b") + request_text("GET", kAppList));
  socket.half_close();
  CHECK(socket.receive().json()["associateDevAppId"] == "a");
  const auto second = socket.receive();
  REQUIRE(second.status == 201);
  CHECK(second.json()["associateDevAppId"] == "b");
  CHECK(socket.receive().status == 200);
  CHECK(socket.at_end());
}

// A reply of some megabytes, more than a slow reader's socket takes at once.
std::string large_list(const TestServer& server) {
  auto ops = server.ops();
  std::string rows;
  for (int i = 0; i < 3000; ++i) {
    rows += R"({"ue":"dev:)" + std::to_string(i) +
            R"(","app":"facedetect-1","targets":["endpoint:)" + std::string(1000, 'e') + "\"]}\n";
  }
  if (ops.request("PATCH", kOperator + "/table", rows).status != 200) {
    throw std::runtime_error("rows not taken");
  }
  return kOperator + "/table?limit=3000&app=facedetect-1";
}

TEST_CASE("a large answer reaches a slow reader whole", "[http][connection]") {
  const TestServer server;
  const auto text = request_text("GET", large_list(server));
  Socket socket(server.operator_port(), 4096);
  socket.send(text + text);
  CHECK(server.still_serves());
  for (int i = 0; i < 2; ++i) {
    const auto response = socket.receive();
    REQUIRE(response.status == 200);
    CHECK(response.json()["items"].size() == 3000);
  }
}

TEST_CASE("a half-closed slow reader never gets a large answer with repeated bytes",
          "[http][connection]") {
  const TestServer server;
  const auto target = large_list(server);
  const auto whole = server.ops().get(target).body;
  Socket socket(server.operator_port(), 4096);
  socket.send(request_text("GET", target));
  socket.half_close();
  CHECK(server.ops().get(kOperator + "/health").status == 200);
  const auto response = socket.receive();
  if (response.status == 0) {  // cut short, which Content-Length tells
    CHECK(whole.find(socket.unread().substr(socket.unread().find("\r\n\r\n") + 4)) == 0);
  } else {
    CHECK(response.body == whole);
    CHECK(socket.at_end());
  }
}

TEST_CASE("a slow client, byte by byte", "[http][connection]") {
  const TestServer server;
  Socket socket(server.mx2_port());
  for (const char byte : create_text("slow") + request_text("GET", kAppList)) {
    REQUIRE(socket.send({&byte, 1}));
  }
  CHECK(socket.receive().json()["associateDevAppId"] == "slow");
  CHECK(socket.receive().status == 200);
}

TEST_CASE("a body cut at every place arrives whole", "[http][connection]") {
  const TestServer server;
  Socket socket(server.mx2_port());
  const auto text = create_text("cut");
  for (std::size_t at = 1; at < text.size(); at += 7) {
    REQUIRE(socket.send(text.substr(0, at)));
    REQUIRE(socket.send(text.substr(at)));
    CHECK(socket.receive().status == 201);
  }
}

TEST_CASE("chunked bodies, also byte by byte, with extensions and trailers", "[http][connection]") {
  const TestServer server;
  const auto body = json::dump(minimal_context("chunked"));
  const auto hex = [](std::size_t n) {
    std::array<char, 20> text{};
    std::snprintf(text.data(), text.size(), "%zx", n);
    return std::string(text.data());
  };
  const std::string head =
      "POST " + kContexts + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto half = body.size() / 2;
  const auto chunks = hex(half) + "\r\n" + body.substr(0, half) + "\r\n" + hex(body.size() - half) +
                      "\r\n" + body.substr(half) + "\r\n0\r\n";
  Socket socket(server.mx2_port());
  socket.send(head + chunks + "\r\n");
  CHECK(socket.receive().json()["associateDevAppId"] == "chunked");
  socket.send(head + chunks + "X-Trailer: 1\r\n\r\n");
  CHECK(socket.receive().status == 201);
  const auto extended =
      hex(body.size()) + " ; name=value;quoted=\"a;b\";flag\r\n" + body + "\r\n0;last\r\n\r\n";
  socket.send(head + extended);
  CHECK(socket.receive().json()["associateDevAppId"] == "chunked");
  for (const char byte : head + extended) REQUIRE(socket.send({&byte, 1}));
  CHECK(socket.receive().status == 201);
  for (const char byte : head + chunks + "\r\n") REQUIRE(socket.send({&byte, 1}));
  CHECK(socket.receive().status == 201);
  socket.send(request_text("GET", kAppList));
  CHECK(socket.receive().status == 200);
}

TEST_CASE("Expect: 100-continue", "[http][connection]") {
  const TestServer server;
  const auto body = json::dump(minimal_context());
  Socket socket(server.mx2_port());
  socket.send("POST " + kContexts +
              " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n");
  CHECK(socket.receive().status == 100);
  socket.send(body);
  CHECK(socket.receive().status == 201);
  socket.send("POST " + kContexts +
              " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
              "Content-Length: 100000000\r\n\r\n");
  CHECK(socket.receive().status == 413);
}

TEST_CASE("HEAD is answered without a body", "[http][connection]") {
  const TestServer server;
  Socket socket(server.mx2_port());
  socket.send(request_text("HEAD", kAppList));
  const auto head = socket.receive(true);
  CHECK(head.status == 200);
  socket.send(request_text("HEAD", kContexts));
  CHECK(socket.receive(true).status == 405);
  socket.send(request_text("GET", kAppList));
  const auto get = socket.receive();
  CHECK(get.status == 200);
  CHECK(head.header("Content-Length") == get.header("Content-Length"));
}

TEST_CASE("over the connection limit: 503 and close, then there is room again",
          "[http][connection]") {
  const TestServer server(
      [](OrchestratorOptions& options) { options.mx2_server.connections_max = 3; });
  {
    std::vector<Socket> sockets;
    for (int i = 0; i < 3; ++i) {
      sockets.emplace_back(server.mx2_port());
      sockets.back().send(request_text("GET", kAppList));
      CHECK(sockets.back().receive().status == 200);
    }
    Socket fourth(server.mx2_port());
    fourth.send(request_text("GET", kAppList));
    const auto refused = fourth.receive();
    CHECK(refused.status == 503);
    CHECK(refused.header("Connection") == "close");
    record({"", "", refused.status, refused.header("Content-Type").value_or(""), refused.body});
    sockets[0].send(request_text("GET", kAppList));
    CHECK(sockets[0].receive().status == 200);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
  while (!server.still_serves() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  CHECK(server.still_serves());
}

TEST_CASE("idle connections are closed, and told so when they have begun a request",
          "[http][connection]") {
  const TestServer server(
      [](OrchestratorOptions& options) { options.mx2_server.idle_timeout_ms = 300; });
  Socket fresh(server.mx2_port());
  Socket used(server.mx2_port());
  Socket begun(server.mx2_port());
  Socket half(server.mx2_port());
  used.send(request_text("GET", kAppList));
  CHECK(used.receive().status == 200);
  begun.send("POST " + kContexts + " HTTP/1.1\r\nHost: x\r\n");
  half.send("POST " + kContexts + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{");
  for (auto* late : {&begun, &half}) {
    const auto response = late->receive();
    CHECK(response.status == 408);
    CHECK(response.json()["status"] == 408);
    CHECK(response.header("Connection") == "close");
    CHECK(late->at_end());
  }
  CHECK(fresh.unread().empty());
  CHECK(fresh.at_end());
  CHECK(used.at_end());
  CHECK(server.still_serves());
}

}  // namespace
}  // namespace mx2::test
