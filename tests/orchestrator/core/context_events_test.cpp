// Listeners of contexts, without HTTP: the timer is moved by hand.
#include "orchestrator/core/context_events.h"

#include "api/mx2/codec.h"
#include "tests/catch.h"

namespace mx2 {
namespace {

using Next = ContextListener::Next;
using std::chrono::hours;
using std::chrono::minutes;

class Probe final : public ContextListener {
 public:
  explicit Probe(Next answer = Next::kStay) : answer_(answer) {}
  Next on_event(const ContextEvent& event) noexcept override {
    events.push_back(event);
    return answer_;
  }
  Next on_quiet() noexcept override {
    ++quiet;
    return answer_;
  }
  std::vector<ContextEvent> events;
  int quiet = 0;

 private:
  const Next answer_;
};

struct Fixture {
  // The timer's own thread has nothing to do for an hour.
  ContextEvents::Id add(const std::string& context_id, std::shared_ptr<Probe> probe,
                        std::chrono::milliseconds period = hours(1)) {
    return events.subscribe(context_id, std::move(probe), period).value();
  }
  [[nodiscard]] bool gauge_is(int value) const {
    return registry.text().find("\nlisteners " + std::to_string(value) + "\n") != std::string::npos;
  }
  metrics::Registry registry;
  ContextEvents events{{4, 2, 15000}, registry.gauge("listeners", "test")};
};

ApplicationContextUpdateNotification update(const std::string& context_id) {
  return {context_id, {{"instance", "http://north.example/", {}}}};
}

TEST_CASE("context events: each listener hears of its own context", "[events]") {
  Fixture f;
  const auto a = std::make_shared<Probe>();
  const auto b = std::make_shared<Probe>();
  f.events.publish("a", 2, update("a"));
  f.add("a", a);
  f.add("b", b);
  CHECK(f.events.has_listeners("a"));
  CHECK_FALSE(f.events.has_listeners("c"));
  f.events.publish("a", 3, update("a"));
  f.events.publish("c", 3, update("c"));
  REQUIRE(a->events.size() == 1);
  CHECK(a->events[0].revision == 3);
  CHECK(a->events[0].type == "ApplicationContextUpdateNotification");
  CHECK(codec::decode_notification(a->events[0].body).ok());
  CHECK_FALSE(a->events[0].ended);
  CHECK(b->events.empty());
  f.events.publish("a", 4, ApplicationContextUpdateNotification{"a", {}});
  CHECK(a->events[1].body.empty());
}

TEST_CASE("context events: one that leaves, and all when the context ends", "[events]") {
  Fixture f;
  const auto once = std::make_shared<Probe>(Next::kLeave);
  const auto stays = std::make_shared<Probe>();
  f.add("a", once);
  f.add("a", stays);
  CHECK(f.gauge_is(2));
  f.events.publish("a", 2, AddressChangeNotification{"a", "i", "http://n/"});
  f.events.publish("a", 3, ApplicationContextDeleteNotification{"a"});
  f.events.publish("a", 4, update("a"));
  CHECK(once->events.size() == 1);
  REQUIRE(stays->events.size() == 2);
  CHECK(stays->events[1].ended);
  CHECK(f.gauge_is(0));
  CHECK(stays.use_count() == 1);
}

TEST_CASE("context events: on_quiet() after each period", "[events]") {
  Fixture f;
  const auto often = std::make_shared<Probe>();
  const auto once = std::make_shared<Probe>(Next::kLeave);
  const auto start = ContextEvents::Clock::now();
  CHECK(f.events.step(start + hours(9)) == ContextEvents::Clock::time_point::max());
  f.add("a", often, hours(1));
  f.add("a", once, hours(3));
  const auto now = ContextEvents::Clock::now();
  CHECK(f.events.step(now + minutes(59)) <= now + hours(1));
  CHECK(often->quiet == 0);
  CHECK(f.events.step(now + minutes(61)) == now + minutes(121));
  f.events.step(now + minutes(120));
  CHECK(often->quiet == 1);
  f.events.step(now + minutes(181));
  CHECK(often->quiet == 2);
  CHECK(once->quiet == 1);
  f.events.step(now + hours(20));
  CHECK(once->quiet == 1);
  CHECK(f.gauge_is(1));
}

TEST_CASE("context events: limits, unsubscribe and close", "[events]") {
  Fixture f;
  const auto probe = std::make_shared<Probe>();
  const auto first = f.add("a", probe);
  f.add("a", probe);
  const auto third = f.events.subscribe("a", probe, hours(1));
  REQUIRE_FALSE(third.ok());
  CHECK(third.error().code == ErrorCode::kTooMany);
  f.events.unsubscribe(first);
  f.events.unsubscribe(first);
  f.add("a", probe);
  f.add("b", probe);
  f.add("c", probe);
  const auto fifth = f.events.subscribe("d", probe, hours(1));
  REQUIRE_FALSE(fifth.ok());
  CHECK(fifth.error().code == ErrorCode::kUnavailable);
  CHECK(fifth.error().retry_after_s > 0);
  CHECK_FALSE(f.events.has_listeners("d"));
  f.events.close();
  f.events.close();
  CHECK(probe.use_count() == 1);
  CHECK(f.gauge_is(0));
  CHECK(f.events.subscribe("a", probe, hours(1)).error().code == ErrorCode::kUnavailable);
  f.events.publish("a", 2, update("a"));
  CHECK(probe->events.empty());
}

}  // namespace
}  // namespace mx2
