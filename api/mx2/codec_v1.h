// JSON of ETSI GS MEC 016 V1.1.1 as its deployed clients (etsimec, ServerlessOnEdge) speak it:
// associateUeAppId, one appInfo.referenceURI, ApplicationList.appInfo[]. The same domain types as
// V2.2.1, so both dialects share one store. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.h"
#include "api/mx2/types.h"

namespace mx2::codec_v1 {

// A body with contextId or referenceURI is a response, not a request: invalid_argument (the
// reference implementation echoes it back as if it had been created).
[[nodiscard]] Result<AppContext> decode_create_request(std::string_view body);
// Here both may be present, and are ignored.
[[nodiscard]] Result<AppContext> decode_update_request(std::string_view body);

// The request echoed, with contextId and appInfo.referenceURI; never appCharcs, which its clients
// refuse here.
[[nodiscard]] std::string encode(const AppContext& context);

// Entries carry appCharcs, with zero for what is not known: its clients classify by it.
[[nodiscard]] std::string encode_application_list(const std::vector<const AppInfo*>& apps);

}  // namespace mx2::codec_v1
