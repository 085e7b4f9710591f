#include <algorithm>

#include "api/base/text.h"
#include "api/http/media.h"
#include "api/http/query.h"
#include "api/mx2/codec.h"
#include "api/openapi/openapi.h"
#include "orchestrator/endpoints/context_watch.h"
#include "orchestrator/endpoints/endpoints.h"

namespace mx2 {
namespace {

using http::PathValues;
using http::Request;
using http::Responder;

constexpr const char* kRoot = "/dev_app/v1";
constexpr std::size_t kFilterValuesMax = 100;

// The list that a parameter adds to. Lower-case names are aliases that generated clients use.
std::vector<std::string>* list_named(AppListFilter& filter, const std::string& name) {
  if (name == "appName" || name == "appname") return &filter.app_name;
  if (name == "appProvider" || name == "appprovider") return &filter.app_provider;
  if (name == "appSoftVersion" || name == "appsoftversion") return &filter.app_soft_version;
  if (name == "vendorId" || name == "vendorid") return &filter.vendor_id;
  return nullptr;
}

Result<void> add_service_cont(AppListFilter& filter, const http::QueryParameter& parameter) {
  const auto& value = parameter.values.front();
  if (parameter.values.size() != 1 || filter.service_cont || (value != "0" && value != "1")) {
    return invalid_argument("query parameter 'serviceCont' must be 0 or 1, once");
  }
  filter.service_cont = value == "1" ? 1 : 0;
  return {};
}

// Clients of the ETSI MEC Sandbox put each value in double quotes.
void unquote(std::string& value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return;
  value = value.substr(1, value.size() - 2);
}

Result<void> add_filter(AppListFilter& filter, http::QueryParameter parameter) {
  for (auto& value : parameter.values) unquote(value);
  if (parameter.name == "serviceCont" || parameter.name == "servicecont") {
    return add_service_cont(filter, parameter);
  }
  auto* list = list_named(filter, parameter.name);
  if (list == nullptr) {
    return invalid_argument("unknown query parameter '" + parameter.name + "'");
  }
  for (auto& value : parameter.values) {
    if (value.empty() || code_points(value) > 32) {
      return invalid_argument("query parameter '" + parameter.name +
                              "' needs values of 1 to 32 characters");
    }
    list->push_back(std::move(value));
  }
  if (list->size() > kFilterValuesMax) return invalid_argument("too many filter values");
  return {};
}

Result<AppListFilter> parse_filter(const std::string& query) {
  auto parameters = http::parse_query(query);
  if (!parameters) return parameters.error();
  AppListFilter filter;
  for (auto& parameter : *parameters) {
    if (auto added = add_filter(filter, std::move(parameter)); !added) return added.error();
  }
  return filter;
}

Result<void> refuse_query(const Request& request) {
  if (request.query.empty()) return {};
  return invalid_argument("this resource takes no query parameters");
}

// The five resources of MEC 016 clause 7, and reading and watching a context.
class Mx2Endpoints {
 public:
  Mx2Endpoints(Contexts& contexts, const Live<Authenticator>& auth, Mx2EndpointOptions options)
      : contexts_(contexts), auth_(auth), options_(std::move(options)) {}

  void app_list_get(const Request& request, const PathValues&, Responder responder) {
    const auto caller = identify(request, responder);
    if (!caller) return;
    const auto filter = parse_filter(request.query);
    if (!filter) return responder.reply(refusal(filter.error(), request.id));
    responder.reply(http::json_reply(200, contexts_.core.model.read([&](const Model& model) {
      return codec::encode_application_list(get_app_list(model, *filter, *caller));
    })));
  }

  void app_contexts_post(const Request& request, const PathValues&, Responder responder) {
    const auto caller = identify(request, responder, kBody);
    if (!caller) return;
    auto context = codec::decode_create_request(request.body);
    if (!context) return responder.reply(refusal(context.error(), request.id));
    auto warnings = warnings_of(options_, *context);
    create_app_context(
        contexts_, std::move(*context), *caller, false,
        [base = resource_base(request), id = request.id, warnings = std::move(warnings),
         responder = std::move(responder)](Result<StoredContext> made) mutable {
          if (!made) return responder.reply(refusal(made.error(), id));
          auto reply = http::json_reply(201, std::move(made->document));
          reply.headers = std::move(warnings);
          reply.headers.emplace_back("Location", base + made->context_id);
          reply.headers.emplace_back("ETag", etag(made->revision));
          responder.reply(std::move(reply));
        });
  }

  void app_context_put(const Request& request, const PathValues& path, Responder responder) {
    const auto caller = identify(request, responder, kBody);
    if (!caller) return;
    auto context = codec::decode_update_request(request.body);
    if (!context) return responder.reply(refusal(context.error(), request.id));
    auto warnings = warnings_of(options_, *context);
    update_app_context(
        contexts_, path[0], std::move(*context), *caller, if_match_of(request),
        [id = request.id, warnings = std::move(warnings),
         responder = std::move(responder)](const Result<std::uint64_t>& updated) mutable {
          if (!updated) return responder.reply(refusal(updated.error(), id));
          auto reply = http::no_content();
          reply.headers = std::move(warnings);
          reply.headers.emplace_back("ETag", etag(*updated));
          responder.reply(std::move(reply));
        });
  }

  void app_context_delete(const Request& request, const PathValues& path, Responder responder) {
    const auto caller = identify(request, responder, kNoQuery);
    if (!caller) return;
    delete_app_context(contexts_.core, contexts_.ledger, path[0], *caller, if_match_of(request),
                       EndedBy::kDeviceApp, no_content_to(request, std::move(responder)));
  }

  void app_context_get(const Request& request, const PathValues& path, Responder responder) {
    const auto caller = identify(request, responder, kNoQuery);
    if (!caller) return;
    read_context(contexts_, request, path[0], *caller, std::move(responder));
  }

  void app_context_events_get(const Request& request, const PathValues& path, Responder responder) {
    const auto caller = identify(request, responder, kNoQuery);
    if (!caller) return;
    stream_events(contexts_, request, path[0], *caller, std::move(responder));
  }

  void obtain_app_loc_availability_post(const Request& request, const PathValues&,
                                        Responder responder) {
    const auto caller = identify(request, responder, kBody);
    if (!caller) return;
    auto asked = codec::decode_location_availability(request.body);
    if (!asked) return responder.reply(refusal(asked.error(), request.id));
    const auto available =
        obtain_app_loc_availability(contexts_.core.model, std::move(*asked), *caller);
    responder.reply(http::json_reply(200, codec::encode(available)));
  }

 private:
  enum Checks { kNone, kNoQuery, kBody };

  // Who calls; answers and gives nothing when the request is refused before its meaning matters.
  std::optional<Caller> identify(const Request& request, Responder& responder,
                                 Checks checks = kNone) const {
    auto caller = auth_.get()->identify(request);
    Result<void> fine;
    if (caller.ok() && checks != kNone) fine = refuse_query(request);
    if (caller.ok() && fine.ok() && checks == kBody) fine = check_content_type(request);
    if (caller.ok() && fine.ok()) return std::move(*caller);
    responder.reply(refusal(caller.ok() ? fine.error() : caller.error(), request.id));
    return std::nullopt;
  }

  // Absolute, as the standard's examples are; path-absolute when nobody said our name.
  [[nodiscard]] std::string resource_base(const Request& request) const {
    std::string base = options_.public_url;
    const auto host = request.header("Host");
    if (base.empty() && host && codec::is_authority(*host)) {
      base = "http://" + std::string(*host);
    }
    return base + options_.path_prefix + kRoot + "/app_contexts/";
  }

  Contexts& contexts_;
  const Live<Authenticator>& auth_;
  const Mx2EndpointOptions options_;
};

void add_below(http::Router& router, const std::shared_ptr<Mx2Endpoints>& api,
               const std::string& root) {
  const auto one = root + "/app_contexts/{contextId}";
  router.add("GET", root + "/app_list", endpoint_of(api, &Mx2Endpoints::app_list_get));
  router.add("POST", root + "/app_contexts", endpoint_of(api, &Mx2Endpoints::app_contexts_post));
  router.add("GET", one, endpoint_of(api, &Mx2Endpoints::app_context_get));
  router.add("PUT", one, endpoint_of(api, &Mx2Endpoints::app_context_put));
  router.add("DELETE", one, endpoint_of(api, &Mx2Endpoints::app_context_delete));
  router.add("GET", one + "/events", endpoint_of(api, &Mx2Endpoints::app_context_events_get));
  router.add("POST", root + "/obtain_app_loc_availability",
             endpoint_of(api, &Mx2Endpoints::obtain_app_loc_availability_post));
}

}  // namespace

void add_mx2_endpoints(http::Router& router, Contexts& contexts, const Live<Authenticator>& auth,
                       const Mx2EndpointOptions& options) {
  std::vector<std::string> prefixes{options.path_prefix};
  for (const auto& prefix : options.path_prefixes) prefixes.push_back("/" + prefix);
  for (const auto& prefix : prefixes) {
    auto below = options;
    below.path_prefix = prefix;
    add_below(router, std::make_shared<Mx2Endpoints>(contexts, auth, std::move(below)),
              prefix + kRoot);
  }
  prefixes.emplace_back();
  std::sort(prefixes.begin(), prefixes.end());
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
  for (const auto& prefix : prefixes) {
    openapi::serve(router, prefix, openapi::mx2_yaml());
  }
}

}  // namespace mx2
