// JSON of the operator API. Unlike MEC 016's types, unknown members are refused: these are our own
// resources, and a misspelt member would silently do nothing. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.h"
#include "api/json/json.h"
#include "api/operator/types.h"

namespace mx2::codec {

inline constexpr std::size_t kTargetsMax = 16;
inline constexpr std::size_t kLabelsMax = 64;  // of a host

[[nodiscard]] Result<Host> decode_host(const json::Value& document);
[[nodiscard]] Result<HostRegistration> decode_host_registration(const json::Value& document);
[[nodiscard]] Result<HostLoad> decode_host_load(const json::Value& document);
[[nodiscard]] Result<HostReport> decode_host_report(const json::Value& document);
[[nodiscard]] Result<App> decode_app(const json::Value& document);
[[nodiscard]] Result<TableChange> decode_table_change(const json::Value& document);
// The same for who wants to mend a document in one go: `more` gets the errors after the first.
[[nodiscard]] Result<Host> decode_host(const json::Value& document, std::vector<Error>& more);
[[nodiscard]] Result<App> decode_app(const json::Value& document, std::vector<Error>& more);
[[nodiscard]] Result<TableChange> decode_table_change(const json::Value& document,
                                                      std::vector<Error>& more);

// As they are stored, and as the orchestrator answers them: what was accepted once, or put together
// by the orchestrator, can always be read. Without bounds; members that are not known are passed
// over, and so is the form in which they were written, unless it is a newer one.
[[nodiscard]] Result<Host> decode_stored_host(const json::Value& document);
[[nodiscard]] Result<App> decode_stored_app(const json::Value& document);
[[nodiscard]] Result<TableChange> decode_stored_change(const json::Value& document);

// Of a list of contexts or of the change feed: members that a plan does not need are passed over.
[[nodiscard]] Result<ContextPlace> decode_context_place(const json::Value& document);

// NDJSON, one change a line, empty lines skipped, or a JSON array of changes. Errors name the line
// or the item. A row that appears twice is an error: the order must not matter.
[[nodiscard]] Result<std::vector<TableChange>> decode_table_patch(std::string_view body,
                                                                  std::size_t rows_max);
// The same the other way round: without what is the server's to give. The first two are one line,
// as a document and as text.
[[nodiscard]] json::Value change_line(const TableChange& change);
[[nodiscard]] std::string encode_table_change(const TableChange& change);
// What encode_table_patch() made, when it comes from the store.
[[nodiscard]] Result<std::vector<TableChange>> decode_stored_patch(std::string_view lines);
[[nodiscard]] std::string encode_table_patch(const std::vector<TableChange>& changes);

// What is stored: without status.
[[nodiscard]] json::Value to_json(const Host& host);
// What a MEPM sends: its host's id is in the path, what it is as of is the orchestrator's to say.
[[nodiscard]] json::Value to_json(const HostRegistration& registration);
[[nodiscard]] json::Value to_json(const HostReport& report);
// A host without what life-cycle management adds: what an operator's ETag is of.
[[nodiscard]] json::Value operators_part(const Host& host);
// What they are answered: "ageMs" of the load is counted from `now_ms`, of the steady clock.
[[nodiscard]] json::Value to_json_with_status(const Host& host, std::int64_t now_ms);
[[nodiscard]] json::Value to_json(const HostLoad& load, std::int64_t now_ms);
[[nodiscard]] json::Value to_json(const App& app);
[[nodiscard]] json::Value to_json(const Association& row);
[[nodiscard]] json::Value to_json(const TableVersion& version);
[[nodiscard]] json::Value to_json(const TableDifference& difference);
[[nodiscard]] json::Value to_json(const Explanation& explanation);
[[nodiscard]] json::Value to_json(const ContextSummary& context);
[[nodiscard]] json::Value to_json(const ContextPlace& context);
[[nodiscard]] json::Value to_json(const OutboxItem& item);

// {"items":[…],"next":"…"}
template <typename T>
[[nodiscard]] json::Value to_json(const Page<T>& page) {
  auto items = json::Value::array();
  for (const auto& item : page.items) items.push_back(to_json(item));
  json::Value out{{"items", std::move(items)}};
  if (!page.next.empty()) out["next"] = page.next;
  return out;
}

// A page with "pending", "dead", "oldest" and "lastError" of the whole outbox.
[[nodiscard]] json::Value to_json(const OutboxPage& outbox);

}  // namespace mx2::codec
