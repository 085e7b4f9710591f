// ETSI GS MEC 010-2 V2.1.1 clause 7.3, app_pkgm/v1: packages, their descriptors and contents.
#include "api/base/text.h"
#include "api/http/media.h"
#include "api/mec/codec_app_package.h"
#include "api/mec/list_query.h"
#include "api/openapi/openapi.h"
#include "orchestrator/endpoints/package_support.h"
#include "orchestrator/packages/packages.h"

namespace mx2 {
namespace {

using Find = Result<Package> (*)(const OperatorApi&, const std::string&);

Result<Package> by_id(const OperatorApi& api, const std::string& id) {
  return api.core.model.read([&](const Model& model) -> Result<Package> {
    const auto* package = model.package(id);
    if (package == nullptr) return not_found("no application package '" + id + "'");
    return *package;
  });
}

Result<Package> by_app(const OperatorApi& api, const std::string& app_d_id) {
  return api.core.model.read([&](const Model& model) -> Result<Package> {
    const auto* package = model.package_of(app_d_id);
    if (package == nullptr) return not_found("no on-boarded package of app '" + app_d_id + "'");
    return *package;
  });
}

json::Value info_of(const OperatorApi& api, const Request& request, const Package& package) {
  const bool used = api.core.model.read([&](const Model& model) { return in_use(model, package); });
  return codec::app_pkg_info(package, used, packages_root(request));
}

Result<ListQuery> list_query(const Request& request) {
  static const std::vector<std::string> kOptional{"userDefinedData", "onboardingFailureDetails",
                                                  "mx2"};
  return ListQuery::parse(request.query, kOptional, kOptional);
}

Result<json::Value> list(const OperatorApi& api, const Request& request, bool onboarded_only) {
  const auto query = list_query(request);
  if (!query) return query.error();
  const auto root = packages_root(request);
  return api.core.model.read([&](const Model& model) {
    auto items = json::Value::array();
    for (const auto& [id, package] : model.packages()) {
      if (onboarded_only && package.state != OnboardingState::kOnboarded) continue;
      query->add(codec::app_pkg_info(package, in_use(model, package), root), items);
    }
    return items;
  });
}

Result<json::Value> packages_get(OperatorApi& api, const Request& request, const PathValues&) {
  return list(api, request, false);
}

Result<json::Value> onboarded_get(OperatorApi& api, const Request& request, const PathValues&) {
  return list(api, request, true);
}

template <Find find>
Result<json::Value> package_get(OperatorApi& api, const Request& request, const PathValues& path) {
  const auto package = find(api, path[0]);
  if (!package) return package.error();
  return info_of(api, request, *package);
}

// One object, as clause 7.3.1.3.1 and ETSI's conformance suite have it; the OpenAPI document has a
// list.
void package_post(OperatorApi& api, Request& request, const PathValues&, Responder responder) {
  auto wanted = decode_body(request, codec::decode_create_app_pkg);
  if (!wanted) return responder.reply(refusal(wanted.error(), request.id));
  const auto format = [root = packages_root(request)](const Package& made) {
    auto reply = http::json_reply(201, json::dump(codec::app_pkg_info(made, false, root)));
    reply.headers.emplace_back("Location", root + "/app_packages/" + made.id);
    return reply;
  };
  api.packages.create(std::move(*wanted),
                      answer_with<Package>(request, std::move(responder), format));
}

void package_patch(OperatorApi& api, Request& request, const PathValues& path,
                   Responder responder) {
  const auto enabled = [&]() -> Result<bool> {
    if (const auto package = by_id(api, path[0]); !package) return package.error();
    return decode_body(request, codec::decode_app_pkg_modifications);
  }();
  if (!enabled) return responder.reply(refusal(enabled.error(), request.id));
  const auto format = [](const Package& changed) {
    return http::json_reply(200, json::dump(codec::app_pkg_modifications(changed)));
  };
  api.packages.set_enabled(path[0], *enabled,
                           answer_with<Package>(request, std::move(responder), format));
}

void package_delete(OperatorApi& api, Request& request, const PathValues& path,
                    Responder responder) {
  api.packages.remove(path[0], no_content_to(request, std::move(responder)));
}

Result<Package> with_content(const Result<Package>& package) {
  if (!package || package->state == OnboardingState::kOnboarded) return package;
  return conflict("the package is not on-boarded");
}

// The file as it is in the package, as text/plain: there is one.
template <Find find>
void appd_get(OperatorApi& api, Request& request, const PathValues& path, Responder responder) {
  const auto text = [&]() -> Result<std::string> {
    if (auto query = list_query(request); !query) return query.error();
    const auto package = with_content(find(api, path[0]));
    if (!package) return package.error();
    return api.packages.descriptor(*package);
  }();
  if (!text) return responder.reply(refusal(text.error(), request.id));
  responder.reply({200, "text/plain", *text, {}, false});
}

Result<http::Reply> content_reply(const OperatorApi& api, const Request& request,
                                  const Package& package) {
  const auto tag = "\"" + package.checksum + "\"";
  const auto wanted = wanted_range(request, package.size, tag);
  const auto size = std::to_string(package.size);
  if (!wanted.satisfiable) {
    auto reply =
        refusal(refused_as(ErrorCode::kRangeNotSatisfiable, "the content has " + size + " bytes"),
                request.id);
    reply.headers.emplace_back("Content-Range", "bytes */" + size);
    return reply;
  }
  const auto part = wanted.part.value_or(ByteRange{0, package.size});
  auto bytes = api.packages.content(package, part.first, part.length);
  if (!bytes) return bytes.error();
  http::Reply reply{wanted.part ? 206 : 200, "application/zip", std::move(*bytes), {}, false};
  reply.headers.emplace_back("ETag", tag);
  reply.headers.emplace_back("Accept-Ranges", "bytes");
  if (wanted.part) {
    reply.headers.emplace_back("Content-Range", "bytes " + std::to_string(part.first) + "-" +
                                                    std::to_string(part.first + part.length - 1) +
                                                    "/" + size);
  }
  return reply;
}

template <Find find>
void content_get(OperatorApi& api, Request& request, const PathValues& path, Responder responder) {
  const auto package = with_content(find(api, path[0]));
  if (!package) return responder.reply(refusal(package.error(), request.id));
  auto reply = content_reply(api, request, *package);
  responder.reply(reply ? std::move(*reply) : refusal(reply.error(), request.id));
}

// ETSI has zip; what else archives can be is told apart by their content.
Result<void> check_archive_type(const Request& request) {
  const auto header = request.header("Content-Type");
  if (!header) return {};
  const auto type = to_lower(trim(header->substr(0, header->find(';'))));
  static const std::vector<std::string> kKnown{"application/zip",   "application/x-zip-compressed",
                                               "application/gzip",  "application/x-gzip",
                                               "application/x-tar", "application/octet-stream"};
  if (std::find(kKnown.begin(), kKnown.end(), type) != kKnown.end()) return {};
  return refused_as(ErrorCode::kUnsupportedMediaType, "send application/zip, not " + type);
}

template <Find find>
void content_put(OperatorApi& api, Request& request, const PathValues& path, Responder responder) {
  const auto package = find(api, path[0]);
  if (!package) return responder.reply(refusal(package.error(), request.id));
  if (auto type = check_archive_type(request); !type) {
    return responder.reply(refusal(type.error(), request.id));
  }
  api.packages.upload(
      package->id, std::move(request.body),
      [id = request.id, responder = std::move(responder)](const Result<void>& taken) mutable {
        responder.reply(taken ? http::Reply{202, "", "", {}, false} : refusal(taken.error(), id));
      });
}

}  // namespace

void add_package_endpoints(http::Router& router, const OperatorApiPtr& api) {
  // What MEC 010-2 has as media types of its answers; who asks for JSON gets the one there is, too.
  const auto add = [&](const char* method, const std::string& path, http::Endpoint endpoint) {
    router.add(method, path, http::offering({"application/json"}, std::move(endpoint)));
  };
  const auto add_file = [&](const std::string& path, const char* type, Answer answer) {
    router.add("GET", path, http::offering({type, "application/json"}, answering(api, answer)));
  };
  const std::string all = std::string(kPackagesRoot) + "/app_packages";
  add("GET", all, reading(api, packages_get));
  add("POST", all, changing(api, package_post));
  add("GET", all + "/{appPkgId}", reading(api, package_get<by_id>));
  add("PATCH", all + "/{appPkgId}", changing(api, package_patch));
  add("DELETE", all + "/{appPkgId}", changing(api, package_delete));
  add_file(all + "/{appPkgId}/appd", "text/plain", appd_get<by_id>);
  add_file(all + "/{appPkgId}/package_content", "application/zip", content_get<by_id>);
  add("PUT", all + "/{appPkgId}/package_content", changing(api, content_put<by_id>));

  const std::string onboarded = std::string(kPackagesRoot) + "/onboarded_app_packages";
  add("GET", onboarded, reading(api, onboarded_get));
  add("GET", onboarded + "/{appDId}", reading(api, package_get<by_app>));
  add_file(onboarded + "/{appDId}/appd", "text/plain", appd_get<by_app>);
  add_file(onboarded + "/{appDId}/package_content", "application/zip", content_get<by_app>);
  add("PUT", onboarded + "/{appDId}/package_content", changing(api, content_put<by_app>));

  add_package_subscription_endpoints(router, api);
  openapi::serve(router, kPackagesRoot, openapi::app_pkgm_yaml());
}

}  // namespace mx2
