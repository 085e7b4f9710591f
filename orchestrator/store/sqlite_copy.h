// A copy of the database while it is written. Private to orchestrator/store.
#pragma once

#include <functional>
#include <string>

#include "api/base/result.h"

namespace mx2::sqlite {

// As Store::copy_to(). The copy is of the moment in which it begins: a read transaction holds that.
[[nodiscard]] Result<void> copy_database(const std::string& from, const std::string& to,
                                         const std::function<bool()>& go_on);

}  // namespace mx2::sqlite
