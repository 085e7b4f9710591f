#include "tests/support/samples.h"

namespace mx2::test {

App sample_app(const std::string& app_d_id, const std::string& name) {
  App app;
  app.info.app_d_id = app_d_id;
  app.info.app_name = name;
  app.info.app_provider = "Example";
  app.info.app_soft_version = "1.0";
  app.info.app_d_version = "1.0";
  app.info.app_description = "An application of the tests";
  return app;
}

Host sample_host(const std::string& id, const std::vector<std::string>& apps) {
  Host host;
  host.id = id;
  for (const auto& app : apps) {
    host.instances.push_back({app, id + "." + app, "http://" + id + ".example/" + app});
  }
  return host;
}

TableChange sample_row(const std::string& ue, const std::string& app,
                       const std::vector<std::string>& targets) {
  TableChange change;
  change.row.ue = UeSelector::parse(ue).value();
  change.row.app_d_id = app;
  for (const auto& target : targets) change.row.targets.push_back(Target::parse(target).value());
  return change;
}

Polygon square(double longitude, double latitude, double side) {
  return {{{{longitude, latitude, {}},
            {longitude + side, latitude, {}},
            {longitude + side, latitude + side, {}},
            {longitude, latitude + side, {}},
            {longitude, latitude, {}}}}};
}

LocationConstraints in_country(const std::string& code) {
  LocationConstraints location;
  location.country_code = code;
  return location;
}

LocationConstraints in_area(const Polygon& area, const std::string& code) {
  LocationConstraints location;
  if (!code.empty()) location.country_code = code;
  location.area = area;
  return location;
}

json::Value minimal_context(const std::string& dev_app_id) {
  return {{"associateDevAppId", dev_app_id},
          {"appInfo",
           {{"appName", "facedetect"},
            {"appProvider", "Example"},
            {"appDVersion", "1.0"},
            {"userAppInstanceInfo", json::Value::array({json::Value::object()})}}}};
}

json::Value minimal_legacy_context(const std::string& ue_app_id) {
  return {{"associateUeAppId", ue_app_id},
          {"appInfo", {{"appName", "facedetect"}, {"appProvider", "Example"}}}};
}

}  // namespace mx2::test
