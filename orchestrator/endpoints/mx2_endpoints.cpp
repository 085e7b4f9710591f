#include <algorithm>

#include "api/base/text.h"
#include "api/http/query.h"
#include "api/mx2/codec.h"
#include "api/openapi/openapi.h"
#include "orchestrator/endpoints/endpoints.h"

namespace mx2 {
namespace {

using http::PathValues;
using http::Request;
using http::Responder;

constexpr const char* kRoot = "/dev_app/v1";
constexpr std::size_t kFilterValuesMax = 100;

// Adds one parameter to the filter. Lower-case names are aliases that generated clients use.
Result<void> add_filter(AppListFilter& filter, http::QueryParameter parameter) {
  for (const auto& value : parameter.values) {
    if (value.empty() || code_points(value) > 32) {
      return invalid_argument("query parameter '" + parameter.name +
                              "' needs values of 1 to 32 characters");
    }
  }
  const auto name = to_lower(parameter.name);
  const bool known_spelling = parameter.name == name || parameter.name == "appName" ||
                              parameter.name == "appProvider" ||
                              parameter.name == "appSoftVersion" || parameter.name == "vendorId" ||
                              parameter.name == "serviceCont";
  std::vector<std::string>* list = nullptr;
  if (name == "appname") list = &filter.app_name;
  if (name == "appprovider") list = &filter.app_provider;
  if (name == "appsoftversion") list = &filter.app_soft_version;
  if (name == "vendorid") list = &filter.vendor_id;
  if (known_spelling && list != nullptr) {
    std::move(parameter.values.begin(), parameter.values.end(), std::back_inserter(*list));
    if (list->size() > kFilterValuesMax) return invalid_argument("too many filter values");
    return {};
  }
  if (!known_spelling || name != "servicecont") {
    return invalid_argument("unknown query parameter '" + parameter.name + "'");
  }
  const auto& value = parameter.values.front();
  if (parameter.values.size() != 1 || filter.service_cont || (value != "0" && value != "1")) {
    return invalid_argument("query parameter 'serviceCont' must be 0 or 1, once");
  }
  filter.service_cont = value == "1" ? 1 : 0;
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

bool is_authority(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-._:[]").find(c) != std::string_view::npos;
  });
}

// The five resources of MEC 016 clause 7, and reading a context back.
class Mx2Endpoints {
 public:
  Mx2Endpoints(Mx2Service& service, const Authenticator& auth, Mx2EndpointOptions options)
      : service_(service), auth_(auth), options_(std::move(options)) {}

  void app_list_get(const Request& request, Responder responder) {
    const auto caller = identify(request, responder);
    if (!caller) return;
    const auto filter = parse_filter(request.query);
    if (!filter) return responder.reply(refusal(filter.error(), request.id));
    responder.reply(http::json_reply(200, service_.model.read([&](const Model& model) {
      return codec::encode_application_list(get_app_list(model, *filter, *caller));
    })));
  }

  void app_contexts_post(const Request& request, Responder responder) {
    const auto caller = identify(request, responder, kBody);
    if (!caller) return;
    auto context = codec::decode_create_request(request.body);
    if (!context) return responder.reply(refusal(context.error(), request.id));
    create_app_context(service_, std::move(*context), *caller, false,
                       [base = resource_base(request), id = request.id,
                        responder = std::move(responder)](Result<StoredContext> made) mutable {
                         if (!made) return responder.reply(refusal(made.error(), id));
                         auto reply = http::json_reply(201, std::move(made->document));
                         reply.headers.emplace_back("Location", base + made->context_id);
                         reply.headers.emplace_back("ETag", etag(made->revision));
                         responder.reply(std::move(reply));
                       });
  }

  void app_context_put(const Request& request, const std::string& context_id, Responder responder) {
    const auto caller = identify(request, responder, kBody);
    if (!caller) return;
    auto context = codec::decode_update_request(request.body);
    const auto revision = if_match_revision(request);
    if (!context) return responder.reply(refusal(context.error(), request.id));
    if (!revision) return responder.reply(refusal(revision.error(), request.id));
    update_app_context(service_, context_id, std::move(*context), *caller, *revision,
                       answer_no_content(request, std::move(responder)));
  }

  void app_context_delete(const Request& request, const std::string& context_id,
                          Responder responder) {
    const auto caller = identify(request, responder, kNoQuery);
    if (!caller) return;
    const auto revision = if_match_revision(request);
    if (!revision) return responder.reply(refusal(revision.error(), request.id));
    delete_app_context(service_, context_id, *caller, *revision,
                       answer_no_content(request, std::move(responder)));
  }

  void app_context_get(const Request& request, const std::string& context_id, Responder responder) {
    const auto caller = identify(request, responder, kNoQuery);
    if (!caller) return;
    get_app_context(
        service_, context_id, *caller,
        [id = request.id, responder = std::move(responder)](Result<StoredContext> found) mutable {
          if (!found) return responder.reply(refusal(found.error(), id));
          auto reply = http::json_reply(200, std::move(found->document));
          reply.headers.emplace_back("ETag", etag(found->revision));
          responder.reply(std::move(reply));
        });
  }

  void obtain_app_loc_availability_post(const Request& request, Responder responder) {
    const auto caller = identify(request, responder, kBody);
    if (!caller) return;
    auto asked = codec::decode_location_availability(request.body);
    if (!asked) return responder.reply(refusal(asked.error(), request.id));
    const auto available = service_.model.read([&](const Model& model) {
      return obtain_app_loc_availability(model, std::move(*asked), *caller);
    });
    responder.reply(http::json_reply(200, codec::encode(available)));
  }

 private:
  enum Checks { kNone, kNoQuery, kBody };

  // Who calls; answers and gives nothing when the request is refused before its meaning matters.
  std::optional<Caller> identify(const Request& request, Responder& responder,
                                 Checks checks = kNone) const {
    auto caller = auth_.identify(request);
    Result<void> fine;
    if (caller.ok() && checks != kNone) fine = refuse_query(request);
    if (caller.ok() && fine.ok() && checks == kBody) fine = check_content_type(request);
    if (caller.ok() && fine.ok()) return std::move(*caller);
    responder.reply(refusal(caller.ok() ? fine.error() : caller.error(), request.id));
    return std::nullopt;
  }

  static Callback<Result<void>> answer_no_content(const Request& request, Responder responder) {
    return [id = request.id, responder = std::move(responder)](Result<void> outcome) mutable {
      responder.reply(outcome ? http::no_content() : refusal(outcome.error(), id));
    };
  }

  static std::string etag(std::uint64_t revision) { return "\"" + std::to_string(revision) + "\""; }

  // Absolute, as the standard's examples are; path-absolute when nobody said our name.
  [[nodiscard]] std::string resource_base(const Request& request) const {
    std::string base = options_.public_url;
    const auto host = request.header("Host");
    if (base.empty() && host && is_authority(*host)) {
      base = "http://" + std::string(*host);
    }
    return base + options_.path_prefix + kRoot + "/app_contexts/";
  }

  Mx2Service& service_;
  const Authenticator& auth_;
  const Mx2EndpointOptions options_;
};

}  // namespace

void add_mx2_endpoints(http::Router& router, Mx2Service& service, const Authenticator& auth,
                       Mx2EndpointOptions options) {
  const auto root = options.path_prefix + kRoot;
  const auto api = std::make_shared<Mx2Endpoints>(service, auth, std::move(options));
  router.add("GET", root + "/app_list", [api](Request& q, const PathValues&, Responder r) {
    api->app_list_get(q, std::move(r));
  });
  router.add("POST", root + "/app_contexts", [api](Request& q, const PathValues&, Responder r) {
    api->app_contexts_post(q, std::move(r));
  });
  const auto one = root + "/app_contexts/{contextId}";
  router.add("GET", one, [api](Request& q, const PathValues& v, Responder r) {
    api->app_context_get(q, v[0], std::move(r));
  });
  router.add("PUT", one, [api](Request& q, const PathValues& v, Responder r) {
    api->app_context_put(q, v[0], std::move(r));
  });
  router.add("DELETE", one, [api](Request& q, const PathValues& v, Responder r) {
    api->app_context_delete(q, v[0], std::move(r));
  });
  router.add("POST", root + "/obtain_app_loc_availability",
             [api](Request& q, const PathValues&, Responder r) {
               api->obtain_app_loc_availability_post(q, std::move(r));
             });
  add_document(router, "/openapi.yaml", "application/yaml", openapi::mx2());
}

}  // namespace mx2
