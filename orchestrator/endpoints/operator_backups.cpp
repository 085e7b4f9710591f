// /operator/v1/backups: snapshots of the store, made and read while it is used.
#include "api/operator/backup.h"
#include "orchestrator/endpoints/operator_support.h"
#include "orchestrator/operator/backups.h"

namespace mx2 {
namespace {

constexpr std::uint64_t kOffsetMax = std::uint64_t{1} << 62U;

std::chrono::steady_clock::time_point steady_now() { return std::chrono::steady_clock::now(); }

void backups_post(OperatorApi& api, Request& request, const PathValues&, Responder responder) {
  const auto begun = api.backups.begin(steady_now());
  if (!begun) return responder.reply(refusal(begun.error(), request.id));
  auto reply = http::json_reply(202, json::dump(codec::to_json(*begun)));
  reply.headers.emplace_back("Location", std::string(kOperatorRoot) + "/backups/" + begun->id);
  responder.reply(std::move(reply));
}

void backup_get(OperatorApi& api, Request& request, const PathValues& path, Responder responder) {
  const auto backup = api.backups.find(path[0]);
  if (!backup) return responder.reply(refusal(backup.error(), request.id));
  responder.reply(http::json_reply(200, json::dump(codec::to_json(*backup))));
}

void backup_delete(OperatorApi& api, Request& request, const PathValues& path,
                   Responder responder) {
  const auto removed = api.backups.remove(path[0]);
  responder.reply(removed ? http::no_content() : refusal(removed.error(), request.id));
}

void backup_content_get(OperatorApi& api, Request& request, const PathValues& path,
                        Responder responder) {
  auto piece = [&]() -> Result<std::string> {
    const auto query = http::SingleValued::parse(request.query, {"file", "offset"});
    if (!query) return query.error();
    const auto offset = query->number("offset", 0, 0, kOffsetMax);
    if (!offset) return offset.error();
    return api.backups.read(path[0], query->text("file"), *offset, steady_now());
  }();
  if (!piece) return responder.reply(refusal(piece.error(), request.id));
  responder.reply({200, "application/octet-stream", std::move(*piece), {}, false});
}

}  // namespace

void add_backup_endpoints(http::Router& router, const OperatorApiPtr& api) {
  const std::string backups = std::string(kOperatorRoot) + "/backups";
  router.add("POST", backups, changing(api, backups_post));
  router.add("GET", backups + "/{backupId}", answering(api, backup_get));
  router.add("DELETE", backups + "/{backupId}", changing(api, backup_delete));
  router.add("GET", backups + "/{backupId}/content", answering(api, backup_content_get));
}

}  // namespace mx2
