// What the MEPM writes down, also as earlier versions did.
#include "lcm/mepm/records.h"

#include "tests/catch.h"

namespace mx2::mepm {
namespace {

InstanceRecord some_record() {
  InstanceRecord record;
  record.info.id = "i1";
  record.info.app_instance_name = "mx2-7";
  record.info.app_d_id = "d1";
  record.info.app_provider = "P";
  record.info.app_name = "N";
  record.info.app_soft_version = "1";
  record.info.app_d_version = "2";
  record.info.app_pkg_id = "pkg";
  record.info.status.idempotency_key = "k";
  record.digest = "d";
  return record;
}

TEST_CASE("An instance's key is written down; of an earlier version the name was the key",
          "[records]") {
  auto document = to_json(some_record());
  CHECK(read_instance_record(document)->info.status.idempotency_key == "k");
  document["info"]["mx2"].erase("idempotencyKey");
  CHECK(read_instance_record(document)->info.status.idempotency_key == "mx2-7");
}

}  // namespace
}  // namespace mx2::mepm
