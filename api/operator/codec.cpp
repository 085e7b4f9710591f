#include "api/operator/codec.h"

#include <unordered_map>

#include "api/base/clock.h"
#include "api/base/text.h"
#include "api/mx2/codec.h"

namespace mx2::codec {
namespace {

using json::ObjectReader;
using json::Value;

constexpr std::size_t kSubjectsMax = 10000;

// What an app has besides its AppInfo.
constexpr auto kCatalogueEntry = [](auto& io, auto& app, Strictness strictness) {
  io.optional("enabled", app.enabled);
  io.optional("subjects", app.subjects, chars(json::kIdentifier, strictness),
              at_most(kSubjectsMax, strictness));
  io.optional("strategy", app.strategy, kStrategies);
};

void read_targets(ObjectReader& reader, Association& row, Strictness strictness) {
  std::vector<std::string> texts;
  reader.optional("targets", texts, chars({1, 2048}, strictness), at_most(kTargetsMax, strictness));
  for (const auto& text : texts) {
    auto target = Target::parse(text);
    if (!target) reader.fail(target.error().detail, "targets");
    if (target) row.targets.push_back(std::move(*target));
  }
}

void read_app(ObjectReader& reader, App& app, Strictness strictness) {
  read_app_info(reader, app.info, strictness);
  kCatalogueEntry(reader, app, strictness);
}

void read_change(ObjectReader& reader, TableChange& change, Strictness strictness) {
  std::string ue;
  reader.required("ue", ue, chars({1, 512}, strictness));
  reader.required_line("app", change.row.app_d_id, chars(json::kIdentifier, strictness));
  reader.optional("remove", change.remove);
  reader.optional("writer", change.row.writer, kWriters);
  reader.optional("reason", change.row.reason, chars({0, 256}, strictness));
  read_targets(reader, change.row, strictness);
  const bool absent = reader.find("targets") == nullptr;
  if (!change.remove && change.row.targets.empty() && (absent || reader.ok())) {
    reader.fail("must name at least one target", "targets");
  }
  if (!reader.ok() && ue.empty()) return;
  auto selector = UeSelector::parse(ue);
  if (!selector) return reader.fail(selector.error().detail, "ue");
  change.row.ue = std::move(*selector);
}

void read_whole_app(ObjectReader& reader, App& app) {
  read_app(reader, app, Strictness::kFull);
  reader.check_line("appDId", app.info.app_d_id);
  reader.refuse_unknown({"appDId", "appName", "appProvider", "appSoftVersion", "appDVersion",
                         "appDescription", "appLocation", "appCharcs", "vendorSpecificExt",
                         "enabled", "subjects", "strategy"});
}

// "version" and "updated" come with exported rows and are the server's to give.
void read_whole_change(ObjectReader& reader, TableChange& change) {
  reader.refuse_unknown(
      {"ue", "app", "targets", "writer", "reason", "remove", "version", "updated"});
  read_change(reader, change, Strictness::kFull);
}

// The changes of a patch, one after the other. `kind` says what is counted: lines or items.
class PatchReader {
 public:
  PatchReader(const char* kind, std::size_t rows_max) : kind_(kind), rows_max_(rows_max) {}

  [[nodiscard]] std::string place(std::size_t number) const {
    return kind_ + std::to_string(number);
  }

  [[nodiscard]] Result<void> add(const Value& document, std::size_t number) {
    if (changes_.size() == rows_max_) return too_many(number);
    auto change = decode_table_change(document);
    if (!change) {
      return invalid_argument(change.error().detail, place(number) + " " + change.error().pointer);
    }
    const auto key = change->row.app_d_id + "\n" + change->row.ue.text();
    const auto [it, fresh] = number_of_.emplace(key, number);
    if (!fresh) return invalid_argument("the same row is on " + place(it->second), place(number));
    changes_.push_back(std::move(*change));
    return {};
  }

  [[nodiscard]] std::vector<TableChange> take() { return std::move(changes_); }

 private:
  [[nodiscard]] Error too_many(std::size_t number) const {
    auto error = refused_as(ErrorCode::kTooLarge,
                            "more than " + std::to_string(rows_max_) + " rows in one patch");
    error.pointer = place(number);
    return error;
  }

  std::string kind_;
  std::size_t rows_max_;
  std::vector<TableChange> changes_;
  std::unordered_map<std::string, std::size_t> number_of_;
};

Result<std::vector<TableChange>> decode_patch_lines(std::string_view body, std::size_t rows_max) {
  PatchReader patch("line ", rows_max);
  std::size_t number = 0;
  for (const auto line : split(body, '\n')) {
    ++number;
    if (trim(line).empty() || line == "\r") continue;
    const auto document = json::parse(line);
    if (!document) return invalid_argument(document.error().detail, patch.place(number));
    if (auto added = patch.add(*document, number); !added) return added.error();
  }
  return patch.take();
}

Result<std::vector<TableChange>> decode_patch_array(std::string_view body, std::size_t rows_max) {
  const auto document = json::parse(body);
  if (!document) return document.error();
  PatchReader patch("item ", rows_max);
  std::size_t number = 0;
  for (const auto& item : *document) {
    if (auto added = patch.add(item, ++number); !added) return added.error();
  }
  return patch.take();
}

}  // namespace

Result<App> decode_app(const Value& document) {
  return json::decode_object<App>(document, read_whole_app);
}

Result<App> decode_app(const Value& document, std::vector<Error>& more) {
  return json::decode_object<App>(document, read_whole_app, &more);
}

Result<TableChange> decode_table_change(const Value& document) {
  return json::decode_object<TableChange>(document, read_whole_change);
}

Result<TableChange> decode_table_change(const Value& document, std::vector<Error>& more) {
  return json::decode_object<TableChange>(document, read_whole_change, &more);
}

Result<App> decode_stored_app(const Value& document) {
  return json::decode_stored<App>(
      document, [](ObjectReader& reader, App& app) { read_app(reader, app, Strictness::kStored); });
}

Result<TableChange> decode_stored_change(const Value& document) {
  return json::decode_object<TableChange>(document, [](ObjectReader& reader, TableChange& change) {
    read_change(reader, change, Strictness::kStored);
  });
}

Result<ContextPlace> decode_context_place(const Value& document) {
  return json::decode_object<ContextPlace>(document, [](ObjectReader& reader, auto& context) {
    reader.required("contextId", context.context_id, json::kIdentifier);
    reader.required("app", context.app_d_id, json::kIdentifier);
    reader.optional("associateDevAppId", context.dev_app_id, json::kAnyText);
    reader.optional("clientIp", context.client_ip, json::kAnyText);
    reader.optional("host", context.host_id, json::kAnyText);
    reader.optional_object("appLocation", [&](ObjectReader& members) {
      auto location = std::make_shared<LocationConstraints>();
      // Updates are checked by MEC 016's schema alone.
      location_members(members, *location, Strictness::kSchemaOnly);
      context.app_location = std::move(location);
    });
  });
}

Result<std::vector<TableChange>> decode_table_patch(std::string_view body, std::size_t rows_max) {
  const auto first = body.find_first_not_of(" \t\r\n");
  const bool is_array = first != std::string_view::npos && body[first] == '[';
  return is_array ? decode_patch_array(body, rows_max) : decode_patch_lines(body, rows_max);
}

Value change_line(const TableChange& change) {
  auto line = to_json(change.row);
  line.erase("version");
  line.erase("updated");
  if (change.remove) line["remove"] = true;
  return line;
}

std::string encode_table_change(const TableChange& change) {
  return json::dump(change_line(change)) + "\n";
}

Result<std::vector<TableChange>> decode_stored_patch(std::string_view lines) {
  std::vector<TableChange> changes;
  for (const auto line : split(lines, '\n')) {
    if (line.empty()) continue;
    const auto document = json::parse(line);
    if (!document) return document.error();
    auto change = decode_stored_change(*document);
    if (!change) return change.error();
    changes.push_back(std::move(*change));
  }
  return changes;
}

std::string encode_table_patch(const std::vector<TableChange>& changes) {
  std::string lines;
  for (const auto& change : changes) lines += encode_table_change(change);
  return lines;
}

Value to_json(const App& app) {
  auto out = to_json(app.info);
  if (!app.info.vendor_specific_ext.empty()) {
    out["vendorSpecificExt"] = Value::parse(app.info.vendor_specific_ext);
  }
  json::ObjectWriter writer(out);
  kCatalogueEntry(writer, app, Strictness::kStored);
  return out;
}

Value to_json(const Association& row) {
  auto targets = Value::array();
  for (const auto& target : row.targets) targets.push_back(target.text());
  Value out{{"ue", row.ue.text()},    {"app", row.app_d_id},
            {"targets", targets},     {"writer", to_text(row.writer)},
            {"version", row.version}, {"updated", format_utc(row.updated_ms)}};
  if (!row.reason.empty()) out["reason"] = row.reason;
  return out;
}

Value to_json(const TableVersion& version) {
  Value out{{"version", version.version},
            {"kind", to_text(version.kind)},
            {"rows", version.rows},
            {"created", format_utc(version.created_ms)},
            {"state", version.finished ? "done" : "applying"}};
  if (!version.summary.empty()) out["summary"] = version.summary;
  if (!version.by.empty()) out["by"] = version.by;
  return out;
}

Value to_json(const TableDifference& difference) {
  Value out{{"ue", difference.ue.text()}, {"app", difference.app_d_id}};
  const auto add = [&](const char* name, const std::optional<Association>& row) {
    if (!row) return;
    auto& member = out[name] = to_json(*row);
    member.erase("ue");
    member.erase("app");
  };
  add("before", difference.before);
  add("after", difference.after);
  return out;
}

Value to_json(const Explanation& explanation) {
  auto steps = Value::array();
  for (const auto& step : explanation.steps) {
    steps.push_back({{"ue", step.ue}, {"target", step.target}, {"verdict", step.verdict}});
  }
  Value out{{"app", explanation.app_d_id},
            {"tableVersion", explanation.table_version},
            {"found", explanation.found},
            {"steps", std::move(steps)}};
  if (!explanation.dev_app_id.empty()) out["associateDevAppId"] = explanation.dev_app_id;
  if (!explanation.ip.empty()) out["ip"] = explanation.ip;
  if (!explanation.host_id.empty()) out["host"] = explanation.host_id;
  if (explanation.found) {
    out["appInstanceId"] = explanation.app_instance_id;
    out["referenceURI"] = explanation.reference_uri;
  }
  return out;
}

Value to_json(const ContextSummary& context) {
  Value out{{"contextId", context.context_id},
            {"app", context.app_d_id},
            {"associateDevAppId", context.dev_app_id},
            {"clientIp", context.client_ip},
            {"host", context.host_id},
            {"referenceURI", context.reference_uri},
            {"ue", context.ue},
            {"created", format_utc(context.created_ms)},
            {"callback", context.has_callback}};
  if (context.app_location) out["appLocation"] = to_json(*context.app_location);
  return out;
}

Value to_json(const ContextPlace& context) {
  Value out{{"contextId", context.context_id},
            {"app", context.app_d_id},
            {"associateDevAppId", context.dev_app_id},
            {"clientIp", context.client_ip},
            {"host", context.host_id}};
  if (context.app_location) out["appLocation"] = to_json(*context.app_location);
  return out;
}

Value to_json(const OutboxItem& item) {
  Value out{{"contextId", item.context_id},
            {"notificationType", item.type},
            {"callbackReference", item.callback_reference},
            {"state", item.dead ? "dead" : "pending"},
            {"attempts", item.attempts},
            {"written", format_utc(item.written_ms)}};
  if (!item.dead) out["due"] = format_utc(item.due_ms);
  if (!item.last_error.empty()) out["lastError"] = item.last_error;
  return out;
}

Value to_json(const OutboxPage& outbox) {
  auto out = to_json(outbox.page);
  out["pending"] = outbox.pending;
  out["dead"] = outbox.dead;
  if (outbox.oldest_ms) out["oldest"] = format_utc(*outbox.oldest_ms);
  if (!outbox.last_error.empty()) out["lastError"] = outbox.last_error;
  return out;
}

}  // namespace mx2::codec
