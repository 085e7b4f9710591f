// Whatever sequence of changes is accepted: after a restart everything is as it was.
#include <random>

#include "api/mec/codec_app_package.h"
#include "api/operator/codec.h"
#include "orchestrator/packages/package_changes.h"
#include "tests/support/program.h"

namespace mx2 {
namespace {

using json::Value;
using test::Program;

// Documents and orders as operators, MEPMs and device applications may send them, also at the
// bounds of what is allowed and beyond.
class Sender {
 public:
  Sender(Program& program, unsigned seed) : program_(program), random_(seed) {}

  // One request; whether it was accepted.
  bool send() {
    switch (below(13)) {
      case 0:
      case 1: return put_a_host();
      case 2:
        return change<Changed>([&](auto a) { delete_host(core(), host(), {}, std::move(a)); });
      case 3: return put_an_app();
      case 4: return change<Changed>([&](auto a) { delete_app(core(), app(), {}, std::move(a)); });
      case 5: return registers();
      case 6: return publishes();
      case 7:
        return change<Changed>([&](auto a) {
          const auto state = static_cast<HostState>(below(4));
          set_host_state(core(), host(), state, {}, std::move(a));
        });
      case 8: return patches();
      case 9: return plans();
      case 10: return rolls_back();
      case 11: return onboards();
      default: return contexts();
    }
  }

 private:
  Core& core() { return program_.running->core; }
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  std::string host() { return "h" + std::to_string(below(3)); }
  std::string app() { return below(3) == 0 ? "b\xc3\xa4 \"1" : "a"; }
  std::string uri() { return "http://i" + std::to_string(below(4)) + "/"; }
  std::string text() {
    const std::vector<std::string> texts{"",
                                         "plain",
                                         "two\nlines\tand \"quotes\"",
                                         "\xc3\xa9\xf0\x9f\x9a\x97",
                                         std::string(256, 'x'),
                                         "\x01\x7f"};
    return texts[static_cast<std::size_t>(below(static_cast<int>(texts.size())))];
  }

  template <typename T, typename F>
  bool change(F&& procedure) {
    return program_.wait<T>(std::forward<F>(procedure)).ok();
  }

  Value labels(int most) {
    auto labels = Value::object();
    for (int i = below(most); i > 0; --i) labels["l" + std::to_string(below(80))] = text();
    return labels;
  }

  Value instances(const char* managed) {
    auto list = Value::array();
    for (int i = below(4); i > 0; --i) {
      Value item{{"appDId", app()}, {"referenceURI", uri()}};
      if (below(2) == 0) item["appInstanceId"] = text();
      if (below(4) == 0) item[managed] = true;
      list.push_back(item);
    }
    return list;
  }

  bool put_a_host() {
    Value document{{"id", host()}, {"instances", instances("managed")}, {"labels", labels(70)}};
    if (below(2) == 0) document["name"] = text();
    if (below(2) == 0) document["leaseMs"] = below(300);
    if (below(3) == 0) document["mepmUri"] = "http://m";
    if (below(3) == 0) document["status"] = {{"reachable", false}, {"unable", {"a"}}};
    if (below(3) == 0) {
      document["serviceArea"] = {
          {{"countryCode", "AU"}},
          codec::to_json(test::in_area(test::square(0.1, -0.2, 1e-7 * below(9))))};
    }
    const auto decoded = codec::decode_host(document);
    return decoded.ok() &&
           change<Changed>([&](auto a) { put_host(core(), *decoded, {}, std::move(a)); });
  }

  bool put_an_app() {
    auto document = codec::to_json(test::sample_app(app(), below(2) == 0 ? "alpha" : "beta"));
    document["appDescription"] = text();
    document["enabled"] = below(2) == 0;
    if (below(2) == 0) document["subjects"] = {text(), "s"};
    if (below(2) == 0) document["strategy"] = to_text(static_cast<Strategy>(below(4)));
    if (below(2) == 0)
      document["vendorSpecificExt"] = {{"vendorId", "v"}, {"x", {1.5, text(), nullptr}}};
    const auto decoded = codec::decode_app(document);
    return decoded.ok() &&
           change<Changed>([&](auto a) { put_app(core(), *decoded, {}, std::move(a)); });
  }

  bool registers() {
    const auto decoded = codec::decode_host_registration({{"id", host()},
                                                          {"mepmUri", "http://m"},
                                                          {"leaseMs", 100 + below(9)},
                                                          {"zone", text()},
                                                          {"labels", labels(8)}});
    return decoded.ok() && change<Changed>([&](auto a) {
             register_host(
                 core(), *decoded, [](const HostRegistration&) { return Result<void>(); },
                 std::move(a));
           });
  }

  bool publishes() {
    std::vector<AppInstance> ready;
    for (int i = below(4); i > 0; --i)
      ready.push_back({app(), "m" + std::to_string(i), uri(), true});
    return change<Changed>(
        [&](auto a) { set_managed_instances(core(), host(), ready, {app()}, std::move(a)); });
  }

  std::vector<TableChange> rows() {
    std::vector<TableChange> rows;
    const std::vector<std::string> ues{"*", "dev:u\xc3\xa9 1", "ip:10.0.0.0/8",
                                       "ip:::ffff:10.1.0.0/112", "ip:2001:db8::1"};
    for (const auto& ue : ues) {
      if (below(2) == 0) continue;
      auto row =
          test::sample_row(ue, app(), {"host:" + host(), "endpoint:e:" + std::to_string(below(9))});
      row.remove = below(4) == 0;
      row.row.reason = text();
      row.row.writer = static_cast<Writer>(below(2));
      rows.push_back(row);
    }
    return rows;
  }

  bool patches() {
    const auto decoded = codec::decode_table_patch(codec::encode_table_patch(rows()), 100);
    return decoded.ok() && program_.rewrite(*decoded).ok();
  }

  bool plans() {
    RewriteOrder order;
    order.changes = rows();
    order.on_version = program_.running->model.unlocked().table_version();
    return change<Rewritten>(
        [&](auto a) { program_.running->rewriter.submit(order, std::move(a)); });
  }

  bool rolls_back() {
    const auto now = program_.running->model.unlocked().table_version();
    const auto to = static_cast<std::uint64_t>(below(static_cast<int>(now) + 1));
    return change<Rewritten>(
        [&](auto a) { program_.running->rewriter.roll_back(to, std::move(a)); });
  }

  bool onboards() {
    const auto made = program_.wait<PackageCreated>([&](auto a) {
      create_package(core(), {text(), "1", text(), "", "", R"({"k":"\n"})"}, false, 10,
                     std::move(a));
    });
    if (!made || below(2) == 0) return made.ok();
    AppDescriptor descriptor;
    descriptor.app_d_id = app();
    descriptor.app_name = descriptor.app_provider = descriptor.app_soft_version = "n";
    descriptor.app_d_version = descriptor.app_description = "d";
    return change<Package>(
        [&](auto a) { finish_onboarding(core(), made->package.id, descriptor, std::move(a)); });
  }

  bool contexts() {
    auto body = test::minimal_context("ue-" + std::to_string(below(3)));
    body["appInfo"]["appName"] = below(2) == 0 ? "alpha" : "beta";
    if (below(2) == 0) body["callbackReference"] = "http://ue.example/";
    const auto made = program_.wait<StoredContext>([&](auto a) {
      create_app_context(program_.running->contexts,
                         codec::decode_create_request(json::dump(body)).value(), {}, false,
                         std::move(a));
    });
    if (!made || below(3) > 0) return made.ok();
    return change<void>([&](auto a) {
      delete_app_context(core(), program_.running->ledger, made->context_id, Caller{}, {},
                         EndedBy::kSystem, std::move(a));
    });
  }

  Program& program_;
  std::mt19937 random_;
};

// Everything that operators can list.
std::string state_of(Program& program) {
  const auto& model = program.running->model.unlocked();
  Value all{{"tableVersion", model.table_version()}, {"contexts", program.running->ledger.total()}};
  for (const auto& [id, entry] : model.hosts()) {
    all["hosts"].push_back(codec::to_json(entry.host));
    all["etags"].push_back(etag_of(json::dump(codec::operators_part(entry.host))));
  }
  for (const auto& [id, entry] : model.apps()) all["apps"].push_back(codec::to_json(entry.app));
  for (const auto& [id, package] : model.packages()) {
    all["packages"].push_back(codec::to_json(package));
  }
  auto& store = program.running->store;
  all["rows"] = codec::to_json(store.rows("", "", "", 1000).value());
  all["rowsInMemory"] = model.table().rows();
  all["listed"] = codec::to_json(store.contexts({}, "", 1000).value());
  all["outbox"] = codec::to_json(store.outbox(false, "", 1000).value());
  return json::dump(all, 1);
}

// Contexts follow in the background.
void settle(Program& program) {
  const auto lagging = [&] {
    return program.running->store
        .load({[](App&&) { return Result<void>(); }, [](Host&&) { return Result<void>(); },
               [](TableChange&&) { return Result<void>(); }, [](auto&&...) {}})
        ->relocating;
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (lagging()) REQUIRE(std::chrono::steady_clock::now() < deadline);
}

TEST_CASE("restart: after any accepted changes everything is as it was", "[store][property]") {
  std::size_t accepted = 0;
  for (unsigned seed = 1; seed <= 8; ++seed) {
    Program program(2);
    Sender sender(program, seed);
    for (int i = 0; i < 40; ++i) {
      accepted += sender.send() ? 1 : 0;
      if (i % 10 < 9) continue;
      CAPTURE(seed, i);
      settle(program);
      const auto before = state_of(program);
      program.stop();
      program.start();  // requires that it loads
      CHECK(program.running->store.set_aside().size() == 0);
      REQUIRE(state_of(program) == before);
    }
  }
  CHECK(accepted > 130);  // of 320: the requests are worth something
}

}  // namespace
}  // namespace mx2
