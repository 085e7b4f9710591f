// On-boarding with the n-th write to the store failing, for every n: the package ends as if nothing
// had happened, or, when the request itself was refused, is not there; memory and disk agree. And
// what device applications may cause.
#include <filesystem>

#include "orchestrator/packages/packages.h"
#include "tests/catch.h"
#include "tests/orchestrator/endpoints/packages.h"
#include "tests/support/failing_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/sequential_ids.h"
#include "tests/support/units.h"

namespace mx2 {
namespace {

using test::eventually;

class Onboarding {
 public:
  explicit Onboarding(const PackageOptions& options = {}) {
    packages = std::make_unique<Packages>(
        core, options, PackageFiles::open(files.directory.file("packages")).value(),
        files.registry);
    packages->start();
  }
  ~Onboarding() {
    packages->stop();
    relocation.stop();
    store->close();
  }
  Onboarding(const Onboarding&) = delete;
  Onboarding& operator=(const Onboarding&) = delete;

  Result<Package> create(const std::string& digest, const std::string& uri = {}) {
    std::promise<Result<Package>> done;
    packages->create({"hello", "1", "", digest, uri, ""},
                     [&](Result<Package> out) { done.set_value(std::move(out)); });
    return done.get_future().get();
  }
  Result<void> upload(const std::string& id, const std::string& content) {
    std::promise<Result<void>> done;
    packages->upload(id, content, [&](Result<void> out) { done.set_value(std::move(out)); });
    return done.get_future().get();
  }
  std::future<Result<std::string>> for_device(const std::string& uri) {
    const auto done = std::make_shared<std::promise<Result<std::string>>>();
    packages->onboard(uri, [done](Result<std::string> out) { done->set_value(std::move(out)); });
    return done->get_future();
  }
  [[nodiscard]] std::map<std::string, Package> in_memory() const {
    return model.read([](const Model& m) { return m.packages(); });
  }
  // Idle: what is stored is what is in memory, and every content belongs to a package.
  void check_agreement() {
    std::map<std::string, Package> stored;
    Store::Loader loader{[](App&&) { return Result<void>(); },
                         [](Host&&) { return Result<void>(); },
                         [](TableChange&&) { return Result<void>(); },
                         [](const ContextRecord&) {},
                         [&](Package&& package) { stored[package.id] = package; },
                         {}};
    REQUIRE(store->load(loader).ok());
    CHECK(stored == in_memory());
    std::size_t contents = 0;
    for (const auto& [id, package] : stored) {
      contents += package.state == OnboardingState::kOnboarded ? 1 : 0;
    }
    const std::filesystem::directory_iterator found(files.directory.file("packages"));
    CHECK(static_cast<std::size_t>(std::distance(begin(found), end(found))) == contents);
  }
  bool is_onboarded(const std::string& app_d_id) {
    return model.read([&](const Model& m) { return m.package_of(app_d_id) != nullptr; });
  }

  test::StoreInDir files;
  std::unique_ptr<test::FailingStore> store =
      std::make_unique<test::FailingStore>(files.open().value());
  LiveModel model;
  ManualClock clock;
  SequentialIds ids;
  StrategyOptions strategy{Strategy::kBaseline, 3};
  ContextEvents events{{}, files.registry.gauge("listeners", "test")};
  ChangeFeed feed{{}, 1};
  ContextLedger ledger{100, 100, events, feed, files.registry};
  Relocation relocation{model, *store, clock, ledger, strategy, files.registry};
  Core core{model, *store, clock, ids, feed, relocation};
  std::unique_ptr<Packages> packages;
};

TEST_CASE("packages: any write that fails while one is uploaded", "[packages][fault]") {
  const auto zip = test::package_zip();
  const auto digest = test::digest_of(zip);
  for (int n = 1;; ++n) {
    CAPTURE(n);
    Onboarding run;
    run.store->fail_at(n);
    auto made = run.create(digest);
    if (!made) made = run.create(digest);
    REQUIRE(made.ok());
    if (!run.upload(made->id, zip)) {
      const auto again = run.upload(made->id, zip);
      INFO((again.ok() ? "" : again.error().detail));
      REQUIRE(again.ok());
    }
    REQUIRE(eventually([&] { return run.is_onboarded("hello-1"); }));
    run.check_agreement();
    if (!run.store->has_failed()) {
      CHECK(n > 4);
      break;
    }
  }
}

TEST_CASE("packages: any write that fails while one is fetched", "[packages][fault]") {
  const auto zip = test::package_zip();
  test::Receiver source([&](const test::Heard&, std::size_t) {
    return http::Reply{200, "application/zip", zip, {}, false};
  });
  for (int n = 2;; ++n) {
    CAPTURE(n);
    Onboarding run;
    run.store->fail_at(n);
    REQUIRE(run.create(test::digest_of(zip), source.url("/x")).ok());
    REQUIRE(eventually([&] { return run.is_onboarded("hello-1"); }));
    run.check_agreement();
    if (!run.store->has_failed()) {
      CHECK(n > 5);
      break;
    }
  }
}

TEST_CASE("packages: a device application's source is fetched once for many", "[packages]") {
  const auto zip = test::package_zip();
  test::Receiver source([&](const test::Heard&, std::size_t) {
    return http::Reply{200, "application/zip", zip, {}, false};
  });
  PackageOptions options;
  options.device_sources = {source.url("/apps/")};
  Onboarding run(options);
  std::vector<std::future<Result<std::string>>> answers;
  answers.reserve(10);
  for (int i = 0; i < 10; ++i) answers.push_back(run.for_device(source.url("/apps/x.zip")));
  for (auto& answer : answers) CHECK(answer.get().value() == "hello-1");
  CHECK(source.heard().size() == 1);
  CHECK(run.for_device(source.url("/apps/x.zip")).get().value() == "hello-1");
  CHECK(source.heard().size() == 1);
  // The same bytes from elsewhere are the same app; nothing more is kept.
  CHECK(run.for_device(source.url("/apps/y.zip")).get().value() == "hello-1");
  CHECK(run.in_memory().size() == 1);
  run.check_agreement();
  const auto refused = run.for_device(source.url("/other/x.zip")).get();
  CHECK(refused.error().code == ErrorCode::kForbidden);
  CHECK(refused.error().cause == "source-not-allowed");
}

TEST_CASE("packages: a device application's bad source leaves nothing, and is remembered",
          "[packages]") {
  test::Receiver source([](const test::Heard&, std::size_t) {
    return http::Reply{200, "application/zip", "nonsense", {}, false};
  });
  PackageOptions options;
  options.device_sources = {source.url("/")};
  Onboarding run(options);
  for (int i = 0; i < 3; ++i) {
    const auto refused = run.for_device(source.url("/x.zip")).get();
    CHECK(refused.error().code == ErrorCode::kForbidden);
    CHECK(refused.error().cause == "bad-archive");
  }
  CHECK(source.heard().size() == 1);
  CHECK(run.in_memory().empty());
  run.check_agreement();
}

TEST_CASE("packages: who waits is answered when it stops", "[packages]") {
  const test::BadReceiver silent(test::BadReceiver::Manner::kSilent);
  PackageOptions options;
  options.device_sources = {silent.url("/")};
  Onboarding run(options);
  auto answer = run.for_device(silent.url("/x"));
  REQUIRE(eventually([&] { return silent.requests() == 1; }));
  run.packages->stop();
  CHECK(answer.get().error().code == ErrorCode::kUnavailable);
  CHECK(run.in_memory().begin()->second.state == OnboardingState::kUploading);
}

}  // namespace
}  // namespace mx2
