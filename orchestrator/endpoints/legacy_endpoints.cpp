#include "api/http/problem.h"
#include "api/mx2/codec_v1.h"
#include "orchestrator/endpoints/endpoints.h"

namespace mx2 {
namespace {

using http::PathValues;
using http::Request;
using http::Responder;

constexpr const char* kLegacyRoot = "/mx2/v1";

// Its clients read the text of a problem only when it is bare and application/json; for them an
// application that cannot be had is 403, whatever the reason.
http::Reply legacy_refusal(Error error, const std::string& request_id) {
  if (error.cause == "unknown-app") error.code = ErrorCode::kForbidden;
  auto reply = refusal(error, request_id);
  reply.content_type = "application/json";
  return reply;
}

class LegacyEndpoints {
 public:
  LegacyEndpoints(Contexts& contexts, const Live<Authenticator>& auth, Mx2EndpointOptions options)
      : contexts_(contexts), auth_(auth), options_(std::move(options)) {}

  // Query strings are ignored in this dialect.
  void app_list_get(const Request& request, const PathValues&, Responder responder) {
    const auto caller = auth_.get()->identify(request);
    if (!caller) return responder.reply(legacy_refusal(caller.error(), request.id));
    responder.reply(http::json_reply(200, contexts_.core.model.read([&](const Model& model) {
      return codec_v1::encode_application_list(get_app_list(model, {}, *caller));
    })));
  }

  void app_contexts_post(const Request& request, const PathValues&, Responder responder) {
    auto caller = auth_.get()->identify(request);
    if (!caller) return responder.reply(legacy_refusal(caller.error(), request.id));
    auto context = codec_v1::decode_create_request(request.body);
    if (!context) return responder.reply(legacy_refusal(context.error(), request.id));
    const AppContext echo = *context;
    drop_empty(*context);
    auto warnings = warnings_of(options_, *context);
    create_app_context(contexts_, std::move(*context), std::move(*caller), true,
                       [echo, id = request.id, warnings = std::move(warnings),
                        responder = std::move(responder)](Result<StoredContext> made) mutable {
                         if (!made) return responder.reply(legacy_refusal(made.error(), id));
                         auto reply = http::json_reply(201, in_this_dialect(*made, echo));
                         reply.headers = std::move(warnings);
                         responder.reply(std::move(reply));
                       });
  }

  void app_context_put(const Request& request, const PathValues& path, Responder responder) {
    auto caller = auth_.get()->identify(request);
    if (!caller) return responder.reply(legacy_refusal(caller.error(), request.id));
    auto context = codec_v1::decode_update_request(request.body);
    if (!context) return responder.reply(legacy_refusal(context.error(), request.id));
    drop_empty(*context);
    auto warnings = warnings_of(options_, *context);
    update_app_context(
        contexts_, path[0], std::move(*context), std::move(*caller), std::nullopt,
        answer_no_content<std::uint64_t>(request, std::move(responder), std::move(warnings)));
  }

  void app_context_delete(const Request& request, const PathValues& path, Responder responder) {
    auto caller = auth_.get()->identify(request);
    if (!caller) return responder.reply(legacy_refusal(caller.error(), request.id));
    delete_app_context(contexts_.core, contexts_.ledger, path[0], std::move(*caller), std::nullopt,
                       EndedBy::kDeviceApp, answer_no_content<void>(request, std::move(responder)));
  }

 private:
  // Its clients send "" where they mean absent; an empty version asks for any.
  static void drop_empty(AppContext& context) {
    auto& info = context.app_info;
    for (auto* text : {&context.callback_reference, &info.app_soft_version, &info.app_description,
                       &info.app_package_source}) {
      if (*text && (*text)->empty()) text->reset();
    }
  }

  static std::string in_this_dialect(const StoredContext& made, AppContext echo) {
    echo.context_id = made.context_id;
    echo.app_info.user_app_instance_info.front().reference_uri = made.reference_uri;
    return codec_v1::encode(echo);
  }

  template <typename T>
  static Callback<Result<T>> answer_no_content(const Request& request, Responder responder,
                                               http::Headers warnings = {}) {
    return [id = request.id, warnings = std::move(warnings),
            responder = std::move(responder)](const Result<T>& outcome) mutable {
      if (!outcome) return responder.reply(legacy_refusal(outcome.error(), id));
      auto reply = http::no_content();
      reply.headers = std::move(warnings);
      responder.reply(std::move(reply));
    };
  }

  Contexts& contexts_;
  const Live<Authenticator>& auth_;
  const Mx2EndpointOptions options_;
};

}  // namespace

void add_legacy_endpoints(http::Router& router, Contexts& contexts, const Live<Authenticator>& auth,
                          const Mx2EndpointOptions& options) {
  const auto root = options.path_prefix + kLegacyRoot;
  const auto api = std::make_shared<LegacyEndpoints>(contexts, auth, options);
  const auto one = root + "/app_contexts/{contextId}";
  router.add("GET", root + "/app_list", endpoint_of(api, &LegacyEndpoints::app_list_get));
  router.add("POST", root + "/app_contexts", endpoint_of(api, &LegacyEndpoints::app_contexts_post));
  router.add("PUT", one, endpoint_of(api, &LegacyEndpoints::app_context_put));
  router.add("DELETE", one, endpoint_of(api, &LegacyEndpoints::app_context_delete));
  router.refuse_below(root, [](const Error& error) { return legacy_refusal(error, {}); });
}

}  // namespace mx2
