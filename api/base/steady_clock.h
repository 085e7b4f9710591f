// Where SteadyClock was; clock.h has both kinds.
#pragma once

#include "api/base/clock.h"
