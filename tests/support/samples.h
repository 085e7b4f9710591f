// Small values that many tests start from.
#pragma once

#include <string>
#include <vector>

#include "api/json/json.h"
#include "api/mx2/types.h"
#include "api/operator/types.h"
#include "orchestrator/domain/model.h"

namespace mx2::test {

// "facedetect" of "Example", soft and descriptor version 1.0, unless told otherwise.
[[nodiscard]] App sample_app(const std::string& app_d_id = "facedetect-1",
                             const std::string& name = "facedetect");
// Up, without service area, with one instance of each app at http://<id>.example/<app>.
[[nodiscard]] Host sample_host(const std::string& id, const std::vector<std::string>& apps);
[[nodiscard]] TableChange sample_row(const std::string& ue, const std::string& app,
                                     const std::vector<std::string>& targets);

// A square of `side` degrees with its south-west corner at (longitude, latitude).
[[nodiscard]] Polygon square(double longitude, double latitude, double side);
[[nodiscard]] LocationConstraints in_country(const std::string& code);
[[nodiscard]] LocationConstraints in_area(const Polygon& area, const std::string& code = {});

// The smallest legal create request (checklist item 39) for sample_app().
[[nodiscard]] json::Value minimal_context(const std::string& dev_app_id = "ue-1");
// The same in the V1.1.1 dialect.
[[nodiscard]] json::Value minimal_legacy_context(const std::string& ue_app_id = "ue-1");

}  // namespace mx2::test
