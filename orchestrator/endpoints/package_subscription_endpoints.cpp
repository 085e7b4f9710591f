// app_pkgm/v1/subscriptions, and what the endpoints of packages share.
#include "api/base/text.h"
#include "api/http/media.h"
#include "api/mec/codec_app_package.h"
#include "orchestrator/endpoints/package_support.h"
#include "orchestrator/packages/package_subscriptions.h"
#include "orchestrator/packages/packages.h"

namespace mx2 {
namespace {

Result<json::Value> subscriptions_get(OperatorApi& api, const Request& request, const PathValues&) {
  if (const auto query = http::SingleValued::parse(request.query, {}); !query) {
    return query.error();
  }
  return api.core.model.read([&](const Model& model) {
    return codec::app_pkg_subscription_links(model.package_subscriptions(), packages_root(request));
  });
}

Result<json::Value> subscription_get(OperatorApi& api, const Request&, const PathValues& path) {
  return api.core.model.read([&](const Model& model) -> Result<json::Value> {
    const auto it = model.package_subscriptions().find(path[0]);
    if (it == model.package_subscriptions().end()) {
      return not_found("no subscription '" + path[0] + "'");
    }
    return codec::app_pkg_subscription_info(it->second);
  });
}

void subscription_post(OperatorApi& api, Request& request, const PathValues&, Responder responder) {
  auto wanted = decode_body(request, codec::decode_app_pkg_subscription);
  if (!wanted) return responder.reply(refusal(wanted.error(), request.id));
  wanted->root = packages_root(request);
  subscribe_to_packages(
      api.core, std::move(*wanted), api.packages.options().subscriptions_max,
      answer_with<PackageSubscription>(
          request, std::move(responder), [](const PackageSubscription& made) {
            auto reply = http::json_reply(201, json::dump(codec::app_pkg_subscription_info(made)));
            reply.headers.emplace_back("Location", made.root + "/subscriptions/" + made.id);
            return reply;
          }));
}

void subscription_delete(OperatorApi& api, Request& request, const PathValues& path,
                         Responder responder) {
  unsubscribe_from_packages(api.core, path[0], no_content_to(request, std::move(responder)));
}

}  // namespace

std::string packages_root(const Request& request) {
  const auto host = request.header("Host");
  return "http://" + std::string(host ? *host : "localhost") + kPackagesRoot;
}

RangeWanted wanted_range(const Request& request, std::uint64_t size, const std::string& etag) {
  static constexpr std::string_view kUnit = "bytes=";
  const auto header = request.header("Range");
  const auto condition = request.header("If-Range");
  if (!header || (condition && trim(*condition) != etag)) return {};
  const auto text = trim(*header);
  const auto dash = text.find('-');
  if (text.substr(0, kUnit.size()) != kUnit || dash == std::string_view::npos ||
      text.find(',') != std::string_view::npos) {
    return {};
  }
  const auto from = text.substr(kUnit.size(), dash - kUnit.size());
  const auto to = text.substr(dash + 1);
  const auto first = parse_uint(from);
  const auto last = parse_uint(to);
  if ((!from.empty() && !first) || (!to.empty() && !last) || (!first && !last)) return {};
  if (!first) {  // the last bytes
    const auto length = std::min(*last, size);
    if (length == 0) return {false, {}};
    return {true, ByteRange{size - length, length}};
  }
  if (last && *last < *first) return {};
  if (*first >= size) return {false, {}};
  const auto end = last ? std::min(*last, size - 1) : size - 1;
  return {true, ByteRange{*first, end - *first + 1}};
}

void add_package_subscription_endpoints(http::Router& router, const OperatorApiPtr& api) {
  const std::string all = std::string(kPackagesRoot) + "/subscriptions";
  const auto add = [&](const char* method, const std::string& path, http::Endpoint endpoint) {
    router.add(method, path, http::offering({"application/json"}, std::move(endpoint)));
  };
  add("GET", all, reading(api, subscriptions_get));
  add("POST", all, changing(api, subscription_post));
  add("GET", all + "/{subscriptionId}", reading(api, subscription_get));
  add("DELETE", all + "/{subscriptionId}", changing(api, subscription_delete));
}

}  // namespace mx2
