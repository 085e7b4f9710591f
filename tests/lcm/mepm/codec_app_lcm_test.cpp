// Mm3 and Mp1 on the wire: what is encoded is decoded, and what is wrong is told with its place.
#include "api/mec/codec_app_lcm.h"

#include "api/mec/app_support.h"
#include "tests/catch.h"

namespace mx2 {
namespace {

constexpr const char* kRoot = "http://h:8090/app_lcm/v1";

AppInstanceInfo running_instance() {
  AppInstanceInfo info;
  info.id = "i1";
  info.app_instance_name = "name";
  info.app_d_id = "d1";
  info.app_provider = "P";
  info.app_name = "N";
  info.app_soft_version = "1";
  info.app_d_version = "2";
  info.app_pkg_id = "pkg";
  info.instantiated = true;
  info.operational_state = OperationalState::kStarted;
  info.ip_addresses = {{"10.0.0.1", 9000}};
  info.status = {InstancePhase::kAllocated, 1, 2, 3, 4, 5, "oops", "key"};
  return info;
}

TEST_CASE("An AppInstanceInfo comes back as it was", "[lcm-codec]") {
  const auto document = codec::to_json(running_instance(), kRoot);
  CHECK(document["_links"]["self"]["href"] == "http://h:8090/app_lcm/v1/app_instances/i1");
  CHECK(document["instantiatedAppState"]["operationalState"] == "STARTED");
  const auto list = codec::decode_app_instances("[" + json::dump(document) + "]");
  REQUIRE(list.ok());
  REQUIRE(list->size() == 1);
  CHECK(codec::to_json(list->front(), kRoot) == document);
  CHECK(list->front().ip_addresses.front().port == 9000);
  CHECK(list->front().status.phase == InstancePhase::kAllocated);
}

TEST_CASE("Requests of Mm3 come back as they were", "[lcm-codec]") {
  const auto create = codec::decode_create_app_instance(
      codec::encode(CreateAppInstanceRequest{"d1", "name", "text", {}}));
  REQUIRE(create.ok());
  CHECK(create->app_instance_name == "name");
  const auto instantiate =
      codec::decode_instantiate_app(codec::encode(InstantiateAppRequest::on("north")));
  REQUIRE(instantiate.ok());
  CHECK(instantiate->selected_mec_hosts.front().host_id.at(kMecHostIdKey) == "north");
  const auto terminate = codec::decode_terminate_app(codec::encode(TerminateAppRequest{true, 7}));
  REQUIRE(terminate.ok());
  CHECK(terminate->graceful_timeout_s == 7);
  const auto operate = codec::decode_operate_app(
      codec::encode(OperateAppRequest{OperationalState::kStopped, true, 3}));
  REQUIRE(operate.ok());
  CHECK(operate->graceful);
  CHECK(codec::decode_operate_app(codec::encode(OperateAppRequest{})).ok());
  CHECK(codec::decode_cancel(codec::encode(CancelRequest{false})).ok());
  CHECK(codec::decode_cancel(R"({"CancelMode":"GRACEFUL"})").value().graceful);
}

TEST_CASE("Requests of Mm3 that are wrong say where", "[lcm-codec]") {
  CHECK(codec::decode_create_app_instance("{}").error().pointer == "/appDId");
  CHECK(codec::decode_instantiate_app("{}").error().pointer == "/selectedMECHostInfo");
  CHECK(codec::decode_instantiate_app(R"({"selectedMECHostInfo":[]})").error().pointer ==
        "/selectedMECHostInfo");
  CHECK(codec::decode_instantiate_app(R"({"selectedMECHostInfo":[{"hostId":"x"}]})")
            .error()
            .pointer == "/selectedMECHostInfo/0/hostId");
  CHECK(codec::decode_terminate_app(R"({})").error().pointer == "/terminationType");
  CHECK(codec::decode_terminate_app(
            R"({"terminationType":"FORCEFUL","gracefulTerminationTimeout":-1})")
            .error()
            .pointer == "/gracefulTerminationTimeout");
  CHECK(codec::decode_operate_app(
            R"({"changeStateTo":"STOPPED","stopType":"FORCEFUL","gracefulStopTimeout":1})")
            .error()
            .pointer == "/gracefulStopTimeout");
  CHECK(codec::decode_operate_app(R"({"changeStateTo":"STARTED","stopType":"GRACEFUL"})")
            .error()
            .pointer == "/stopType");
  CHECK(codec::decode_operate_app(R"({"changeStateTo":"STOPPED","stopType":"GRACEFUL"})")
            .error()
            .pointer == "/gracefulStopTimeout");
  CHECK(codec::decode_app_instances(R"([{"id":"x"}])").error().pointer == "/0/appDId");
}

TEST_CASE("An operation occurrence has ETSI's spelling and is read in both", "[lcm-codec]") {
  AppLcmOpOcc operation{
      "o1",        "i1", LcmOperation::kInstantiate, OperationState::kFailedTemp, 2500, 1500,
      "not-ready", "why"};
  auto document = codec::to_json(operation, kRoot);
  CHECK(document["lcmOperation"] == "INSTATIATE");
  CHECK(document["stateEnteredTime"] == json::Value{{"seconds", 2}, {"nanoSeconds", 500000000}});
  for (const auto* spelling : {"INSTATIATE", "INSTANTIATE"}) {
    document["lcmOperation"] = spelling;
    const auto read = codec::decode_app_lcm_op_occ(document);
    REQUIRE(read.ok());
    CHECK(read->operation == LcmOperation::kInstantiate);
    CHECK(read->app_instance_id == "i1");
    CHECK(read->state == OperationState::kFailedTemp);
    CHECK(read->state_entered_ms == 2500);
    CHECK(read->error_cause == "not-ready");
  }
}

TEST_CASE("Subscriptions are read in the words of both versions", "[lcm-codec]") {
  LcmSubscription subscription;
  subscription.kind = LcmSubscription::Kind::kOperations;
  subscription.callback_uri = "http://c/x";
  subscription.operation_states = {OperationState::kCompleted, OperationState::kFailed};
  subscription.operations = {LcmOperation::kTerminate};
  subscription.app_d_ids = {"d1"};
  const auto request = codec::encode_lcm_subscription_request(subscription);
  auto read = codec::decode_lcm_subscription_request(request);
  REQUIRE(read.ok());
  CHECK(read->operation_states.size() == 2);
  CHECK(read->operations == subscription.operations);
  CHECK(read->app_d_ids == subscription.app_d_ids);
  read->id = "s1";
  const auto again = codec::decode_lcm_subscription(codec::to_json(*read, kRoot));
  REQUIRE(again.ok());
  CHECK(again->id == "s1");
  const auto v3 = codec::decode_lcm_subscription_request(
      R"({"subscriptionType":"AppInstanceStateChangeSubscription","callbackUri":"http://c"})");
  REQUIRE(v3.ok());
  CHECK(v3->kind == LcmSubscription::Kind::kInstances);
  CHECK(codec::decode_lcm_subscription_request(
            R"({"subscriptionType":"AppInstanceStateChange","callbackUri":"ftp://c"})")
            .error()
            .pointer == "/callbackUri");
  CHECK(codec::decode_lcm_subscription_request(
            R"({"subscriptionType":"Other","callbackUri":"http://c"})")
            .error()
            .pointer == "/subscriptionType");
}

TEST_CASE("Notifications of Mm3 come back as they were", "[lcm-codec]") {
  const AppInstNotification instance{"n", "s", 1001, "i", "p", "d", AppInstanceState::kStopped};
  const auto first = codec::decode_lcm_notification(codec::encode(instance, kRoot));
  REQUIRE(first.ok());
  CHECK(std::get<AppInstNotification>(*first).state == AppInstanceState::kStopped);
  CHECK(std::get<AppInstNotification>(*first).time_ms == 1001);
  const AppLcmOpOccNotification operation{
      "n", "s", 1001, "o", "i", LcmOperation::kTerminate, OperationState::kFailedTemp};
  const auto second = codec::decode_lcm_notification(codec::encode(operation, kRoot));
  REQUIRE(second.ok());
  CHECK(std::get<AppLcmOpOccNotification>(*second).state == OperationState::kFailedTemp);
  CHECK(std::get<AppLcmOpOccNotification>(*second).operation == LcmOperation::kTerminate);
  CHECK_FALSE(codec::decode_lcm_notification("{}").ok());
}

TEST_CASE("Mp1's bodies come back as they were", "[lcm-codec]") {
  CHECK(codec::decode_app_ready(codec::encode_app_ready()).ok());
  CHECK(codec::decode_app_ready(R"({"indication":"NO"})").error().pointer == "/indication");
  CHECK(codec::decode_termination_confirmation(
            codec::encode_termination_confirmation(OperationAction::kStopping))
            .value() == OperationAction::kStopping);
  const AppTerminationSubscription subscription{"t1", "i1", "http://127.0.0.1:1/x"};
  const auto document = codec::to_json(subscription, "http://h/mec_app_support/v1");
  const auto read = codec::decode_termination_subscription(json::dump(document));
  REQUIRE(read.ok());
  CHECK(read->id == "t1");
  const AppTerminationNotification notification{OperationAction::kTerminating, 3, "http://s",
                                                "http://c"};
  const auto told = codec::decode_termination_notification(codec::encode(notification));
  REQUIRE(told.ok());
  CHECK(told->confirm_href == "http://c");
  CHECK(told->max_graceful_timeout_s == 3);
}

}  // namespace
}  // namespace mx2
