#include "tests/mx2-client/support.h"

#include "api/http/http_client.h"

namespace mx2::test {

FunctionServer::FunctionServer(const Function& function)
    : FunctionServer([function](const http::Request& request, http::Responder responder) {
        responder.reply(function(request));
      }) {}

FunctionServer::FunctionServer(Detached function) : function_(std::move(function)) {
  http::ServerOptions options;
  options.threads = 2;
  server_ = std::make_unique<http::PistacheServer>(options);
  server_->start(*this);
  url_ = "http://127.0.0.1:" + std::to_string(server_->port());
}

void FunctionServer::handle(http::Request request, http::Responder responder) {
  ++calls_;
  function_(request, std::move(responder));
}

ForeignOrchestrator::ForeignOrchestrator(Abilities abilities, std::vector<std::string> endpoints)
    : abilities_(abilities),
      endpoints_(std::move(endpoints)),
      server_([this](const http::Request& request, http::Responder responder) {
        const auto reply = answer(request);
        if (reply.content_type != "text/event-stream") return responder.reply(reply);
        stream(reply.body, std::move(responder));
      }) {}

std::size_t ForeignOrchestrator::contexts() const {
  const std::lock_guard lock(mutex_);
  return contexts_.size();
}

std::string ForeignOrchestrator::callback() const {
  const std::lock_guard lock(mutex_);
  const auto found = contexts_.find(last_id_);
  return found == contexts_.end() ? "" : found->second.value("callbackReference", "");
}

void ForeignOrchestrator::move_to(std::vector<std::string> endpoints) {
  const std::lock_guard lock(mutex_);
  endpoints_ = std::move(endpoints);
  ++revision_;
  for (const auto& [id, open] : streams_) open->send(event(id));
}

void ForeignOrchestrator::forget() {
  {
    const std::lock_guard lock(mutex_);
    contexts_.clear();
  }
  end_streams();
}

void ForeignOrchestrator::break_down(bool broken) {
  broken_ = broken;
  if (broken) end_streams();
}

void ForeignOrchestrator::end_streams() {
  const std::lock_guard lock(mutex_);
  streams_.clear();
}

void ForeignOrchestrator::stream(const std::string& id, http::Responder responder) {
  const std::lock_guard lock(mutex_);
  http::Reply head{200, "text/event-stream", ": hello\n\n" + event(id), {}, false};
  auto body = responder.stream(std::move(head), [] {});
  if (body) streams_.emplace(id, std::move(body));
}

void ForeignOrchestrator::ask_before_answering(
    std::function<void(const std::string& callback)> hook) {
  const std::lock_guard lock(mutex_);
  hook_ = std::move(hook);
}

json::Value ForeignOrchestrator::instances() const {
  auto out = json::Value::array();
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    out.push_back({{"appInstanceId", "i" + std::to_string(i)}, {"referenceURI", endpoints_[i]}});
  }
  return out;
}

http::Reply ForeignOrchestrator::create(const http::Request& request) {
  std::function<void(const std::string&)> hook;
  std::string callback;
  http::Reply reply;
  {
    const std::lock_guard lock(mutex_);
    auto context = *json::parse(request.body);
    last_id_ = "c" + std::to_string(++created_);
    context["contextId"] = last_id_;
    context["appInfo"]["userAppInstanceInfo"] = instances();
    contexts_[last_id_] = context;
    hook = hook_;
    callback = context.value("callbackReference", "");
    reply = http::json_reply(201, json::dump(context));
    if (abilities_.tags)
      reply.headers.emplace_back("ETag", "\"" + std::to_string(revision_) + "\"");
  }
  if (hook) hook(callback);
  return reply;
}

std::string ForeignOrchestrator::event(const std::string& id) const {
  const json::Value update{{"notificationType", "ApplicationContextUpdateNotification"},
                           {"contextId", id},
                           {"userAppInstanceInfo", instances()}};
  return "id: " + std::to_string(revision_) +
         "\nevent: ApplicationContextUpdateNotification\ndata: " + json::dump(update) + "\n\n";
}

http::Reply ForeignOrchestrator::answer(const http::Request& request) {
  const std::string root = "/dev_app/v1/app_contexts";
  if (broken_) return http::json_reply(500, R"({"status":500,"detail":"status 500, on fire"})");
  if (request.path == "/dev_app/v1/app_list") {
    return http::json_reply(200, R"({"appList":[{"appInfo":{"appName":"facedetect","appProvider":
      "Example","appDVersion":"1.0","appDescription":"Finds faces","appSoftVersion":"1.0",
      "appDId":"facedetect-1"}}]})");
  }
  if (request.method == "POST" && request.path == root) {
    if (refuse_) return http::json_reply(403, R"({"status":403,"detail":"no host"})");
    return create(request);
  }
  const std::lock_guard lock(mutex_);
  auto id = request.path.size() > root.size() ? request.path.substr(root.size() + 1) : "";
  const auto suffix = id.find("/events");
  const bool wants_events = suffix != std::string::npos;
  if (wants_events) id.resize(suffix);
  const auto found = contexts_.find(id);
  if (found == contexts_.end() || (wants_events && !abilities_.events)) {
    return http::json_reply(404, R"({"status":404,"detail":"no such context"})");
  }
  if (wants_events) return {200, "text/event-stream", id, {}, false};
  if (request.method == "DELETE") {
    contexts_.erase(found);
    return http::no_content();
  }
  if (request.method == "PUT" && abilities_.callbacks) {
    found->second["callbackReference"] =
        (*json::parse(request.body)).value("callbackReference", "");
    return http::no_content();
  }
  if (request.method != "GET" || !abilities_.reads) {
    return http::json_reply(405, R"({"status":405,"detail":"not here"})");
  }
  auto context = found->second;
  context["appInfo"]["userAppInstanceInfo"] = instances();
  auto reply = http::json_reply(200, json::dump(context));
  if (abilities_.tags) reply.headers.emplace_back("ETag", "\"" + std::to_string(revision_) + "\"");
  return reply;
}

int request(const std::string& method, const std::string& url, const std::string& body) {
  http::CurlClient http({});
  const auto reply = http.send(method, url, {{"Content-Type", "application/json"}}, body);
  return reply.ok() ? reply->status : 0;
}

int notify(const std::string& url, const std::string& body, const std::string& sequence) {
  http::CurlClient http({});
  http::Headers headers{{"Content-Type", "application/json"}};
  if (!sequence.empty()) headers.emplace_back("Mx2-Sequence", sequence);
  const auto reply = http.send("POST", url, headers, body);
  return reply.ok() ? reply->status : 0;
}

client::ContextRequest facedetect(client::Channel channel) {
  client::ContextRequest request;
  request.app_name = "facedetect";
  request.channel = channel;
  return request;
}

client::ClientOptions options_for(const std::string& url) {
  client::ClientOptions options;
  options.url = url;
  options.poll_interval = milliseconds(20);
  options.move_wait = milliseconds(2000);
  return options;
}

}  // namespace mx2::test
