// What the client library believes: endpoints, notifications, and their order.
#include <future>
#include <thread>

#include "api/mx2/codec.h"
#include "mx2-client/src/context_state.h"
#include "mx2-client/src/endpoint.h"
#include "mx2-client/src/mailbox.h"
#include "mx2-client/src/notification.h"
#include "tests/catch.h"

namespace mx2::device {
namespace {

using std::chrono::milliseconds;

UserAppInstance instance(const std::string& id, const std::string& uri) {
  return {id, uri, std::nullopt};
}

TEST_CASE("an endpoint becomes a URL", "[client]") {
  CHECK(call_url("http://a.example:9000/f") == "http://a.example:9000/f");
  CHECK(call_url("https://[2001:db8::1]/f?x=1") == "https://[2001:db8::1]/f?x=1");
  CHECK(call_url("10.0.0.2:6473") == "http://10.0.0.2:6473/");
  CHECK(call_url("lambda.example:80/f") == "http://lambda.example:80/f");
  CHECK(call_url("[2001:db8::1]:6473") == "http://[2001:db8::1]:6473/");
  for (const auto* bad : {"", "ftp://a/", "file:///etc/passwd", "a b:80", "host:99999", "http://",
                          "http://u:p@host/", "host:80\r\nX: y", "unix:/run/x", "host:80@evil"}) {
    INFO(bad);
    CHECK_FALSE(call_url(bad));
  }
  CHECK_FALSE(call_url(std::string(5000, 'a')));
}

TEST_CASE("host and port of a URL, and the way to it", "[client]") {
  CHECK(host_port_of("http://a.example/x")->port == "80");
  CHECK(host_port_of("https://a.example")->port == "443");
  CHECK(host_port_of("http://[::1]:8080/")->host == "::1");
  CHECK(host_port_of("http://[::1]:8080/")->port == "8080");
  CHECK_FALSE(host_port_of("a.example:80"));
  CHECK(local_address_towards("http://127.0.0.1:9/") == "127.0.0.1");
  CHECK_FALSE(local_address_towards("http://no-such-host.invalid/"));
}

TEST_CASE("notifications in every form", "[client]") {
  const auto bare = read_notification(R"({"referenceURI":"10.0.0.2:6473"})");
  REQUIRE(bare.ok());
  CHECK(std::get<AddressChangeNotification>(*bare).reference_uri == "10.0.0.2:6473");
  CHECK(context_id_of(*bare).empty());
  const auto full = read_notification(
      R"({"notificationType":"ApplicationContextDeleteNotification","contextId":"c"})");
  REQUIRE(full.ok());
  CHECK(context_id_of(*full) == "c");
  for (const auto* bad : {"", "[]", "7", "{}", R"({"referenceURI":7})", R"({"referenceURI":""})",
                          R"({"notificationType":"Other","referenceURI":"a:1"})"}) {
    INFO(bad);
    CHECK_FALSE(read_notification(bad).ok());
  }
}

TEST_CASE("numbers of notifications and entity tags", "[client]") {
  CHECK(read_number("17") == 17U);
  CHECK(read_number("\"17\"") == 17U);
  CHECK_FALSE(read_number("W/\"17\""));
  CHECK_FALSE(read_number("\""));
  CHECK_FALSE(read_number("99999999999999999999999"));
  CHECK_FALSE(read_number(std::nullopt));
}

TEST_CASE("what is older than the latest by its number is dropped", "[client]") {
  ContextState state;
  state.begin("c", {instance("i", "http://a/")}, 3);
  CHECK(state.change_address(5, "i", "http://b/"));
  CHECK_FALSE(state.change_address(4, "i", "http://old/"));
  CHECK_FALSE(state.update(4, {instance("i", "http://old/")}));
  CHECK(state.endpoint() == "http://b/");
  CHECK(state.change_address(std::nullopt, "i", "http://c/"));
  CHECK(state.endpoint() == "http://c/");
  CHECK(state.update(5, {instance("i", "http://d/")}));
  CHECK(state.endpoint() == "http://d/");
  CHECK(state.moves() == 3);
}

TEST_CASE("another context begins its numbers anew", "[client]") {
  ContextState state;
  state.begin("c", {instance("i", "http://a/")}, 100);
  CHECK(state.change_address(101, "i", "http://b/"));
  state.begin("d", {instance("j", "http://b/")}, 1);
  CHECK(state.moves() == 1);
  CHECK(state.change_address(2, "j", "http://c/"));
  CHECK(state.context_id() == "d");
}

TEST_CASE("an answer that was overtaken by news is dropped", "[client]") {
  ContextState state;
  state.begin("c", {instance("i", "http://a/")}, std::nullopt);
  const auto asked = state.generation();
  CHECK(state.change_address(1, "i", "http://b/"));
  CHECK_FALSE(state.update(7, {instance("i", "http://a/")}, asked));
  CHECK(state.endpoint() == "http://b/");
  CHECK(state.update(8, {instance("i", "http://b/")}, state.generation()));
}

TEST_CASE("a change of address finds its instance", "[client]") {
  ContextState state;
  state.begin("c", {instance("i", "http://a/"), instance("j", "http://b/")}, 1);
  CHECK(state.change_address(1, "j", "http://z/"));
  CHECK(state.endpoints() == std::vector<std::string>{"http://a/", "http://z/"});
  CHECK(state.moves() == 0);
  CHECK(state.change_address(2, "unknown", "http://y/"));
  CHECK(state.endpoint() == "http://y/");
  CHECK(state.change_address(3, "", "x:1"));
  CHECK(state.endpoints() == std::vector<std::string>{"x:1", "http://z/"});
}

TEST_CASE("the fastest stays primary as long as it is listed", "[client]") {
  ContextState state;
  const auto a = instance("i", "http://a/");
  const auto b = instance("j", "http://b/");
  const auto c = instance("k", "http://c/");
  state.begin("c", {a, b}, 1);
  state.prefer("http://b/");
  state.prefer("http://nowhere/");
  CHECK(state.endpoint() == "http://b/");
  CHECK(state.moves() == 0);
  CHECK(state.update(2, {a, b, c}));
  CHECK(state.endpoint() == "http://b/");
  CHECK(state.update(3, {a, c}));
  CHECK(state.endpoint() == "http://a/");
  CHECK(state.moves() == 1);
}

TEST_CASE("an instance without an address is no endpoint", "[client]") {
  ContextState state;
  state.begin("c", {instance("", "")}, 1);
  CHECK(state.endpoint().empty());
  CHECK_FALSE(state.wait_other("", ContextState::Clock::now() + milliseconds(1)));
  CHECK(state.update(2, {instance("i", "http://a/")}));
  CHECK(state.wait_other("", ContextState::Clock::now()));
  CHECK(state.moves() == 1);
}

TEST_CASE("moves are told in order, also one that is made by the listener", "[client]") {
  ContextState state;
  state.begin("c", {instance("i", "http://a/")}, 1);
  std::vector<std::string> told;
  std::size_t told_meanwhile = 0;
  bool updated = false;
  std::promise<void> both;
  state.on_move([&](const client::Move& move) {
    told.push_back(move.from + ">" + move.to);
    if (told.size() == 1) {
      updated = state.update(3, {instance("i", "http://c/")});
      told_meanwhile = told.size();
    } else {
      both.set_value();
    }
    throw std::runtime_error("a listener's mistake");
  });
  CHECK(state.update(2, {instance("i", "http://b/")}));
  REQUIRE(both.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  state.close();
  CHECK(updated);
  CHECK(told_meanwhile == 1);  // not called again before the first has ended
  CHECK(told == std::vector<std::string>{"http://a/>http://b/", "http://b/>http://c/"});
}

TEST_CASE("closing wakes who waits and silences the listener", "[client]") {
  ContextState state;
  state.begin("c", {instance("i", "http://a/")}, 1);
  int told = 0;
  state.on_move([&](const client::Move&) { ++told; });
  bool moved = true;
  std::thread waiter([&] {
    moved = state.wait_other("http://a/", ContextState::Clock::now() + std::chrono::minutes(1));
  });
  state.close();
  waiter.join();
  CHECK_FALSE(moved);
  CHECK(state.update(2, {instance("i", "http://b/")}));
  CHECK(told == 0);
}

TEST_CASE("a mailbox takes early news, then only its own, and no more than it can hold",
          "[client]") {
  const auto news = [](const std::string& id) {
    return Told{AddressChangeNotification{id, "i", "http://a/"}, std::nullopt};
  };
  Mailbox mailbox;
  CHECK(mailbox.post(news("early")));
  mailbox.belongs_to("mine");
  CHECK_FALSE(mailbox.post(news("other")));
  CHECK(mailbox.post(news("")));
  for (int i = 0; i < 1000; ++i) CHECK(mailbox.post(news("mine")));
  CHECK(mailbox.take(milliseconds(0)).size() == 64);
  CHECK(mailbox.take(milliseconds(0)).empty());
  mailbox.close();
  CHECK_FALSE(mailbox.post(news("mine")));
}

}  // namespace
}  // namespace mx2::device
