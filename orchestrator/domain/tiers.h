// How far MEC hosts are from UEs, and why a context came to be served farther away than it was, or
// was to be: what tells how much of the backhaul the edge saves. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/base/text.h"
#include "orchestrator/domain/model.h"

namespace mx2 {

// Nearest first; the words are the Optimizer's.
enum class HostTier : std::uint8_t { kEdge, kRegional, kCloud };
inline constexpr EnumTexts<3> kHostTiers{"edge", "regional", "cloud"};

// What the host's label "tier" says; edge without it, or with another word.
[[nodiscard]] HostTier tier_of(const Host& host);

// Why a nearer host does not serve a context.
enum class EscalationCause : std::uint8_t {
  kTable,        // nothing keeps it from that; a row leads farther
  kDown,         // as operators say
  kUnreachable,  // its lease has ended, or its probe failed
  kNoInstance,
  kDraining,
  kCordoned,
  kLocation,  // it does not serve the location that is asked for
};
inline constexpr EnumTexts<7> kEscalationCauses{
    "table", "down", "unreachable", "no_instance", "draining", "cordoned", "location"};

// Of a context of this app that was served at host `before` (empty: nowhere) and is at `now`
// (empty: a literal endpoint). `passed_over`: why a nearer target of its row was not taken, as
// Placement has it. Nothing: it has come no farther away.
[[nodiscard]] std::optional<EscalationCause> escalation(
    const Model& model, const std::string& app_d_id, std::string_view dev_app_id,
    const std::string& before, const std::string& now, std::optional<EscalationCause> passed_over);

}  // namespace mx2
