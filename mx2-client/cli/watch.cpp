// mx2 watch: tells what happens to a context, without calling anything.
#include "api/base/text.h"
#include "mx2-client/cli/commands.h"
#include "mx2-client/cli/printer.h"

namespace mx2::cli {
namespace {

constexpr std::chrono::milliseconds kLook{100};

// What is not a move: the channel, other endpoints, another context.
class Observer {
 public:
  Observer(client::Context& context, Printer& printer)
      : context_(context), printer_(printer), endpoints_(context.endpoints()), id_(context.id()) {}

  void look() {
    const auto now = context_.statistics();
    std::string channel = client::name_of(now.channel);
    if (!now.connected) channel = now.last_error.empty() ? "" : "interrupted: " + now.last_error;
    if (channel != channel_ && !channel.empty()) printer_.note("channel", channel);
    channel_ = channel;
    const auto id = context_.id();
    if (id != id_) printer_.note("context", "made again, because the orchestrator lost it: " + id);
    id_ = id;
    auto endpoints = context_.endpoints();
    const bool more = endpoints.size() > 1 || endpoints_.size() > 1;
    if (endpoints != endpoints_ && more) {
      printer_.note("all", "at " + (endpoints.empty() ? "nowhere" : join(endpoints, ", ")));
    }
    endpoints_ = std::move(endpoints);
  }

 private:
  client::Context& context_;
  Printer& printer_;
  std::vector<std::string> endpoints_;
  std::string id_;
  std::string channel_;
};

int watch(Session& session, const ContextOptions& options) {
  auto context = open_context(session, options);
  if (!context) return report(session.err, context.error());
  Printer printer(session.out, session.json);
  printer.opened(*context, options.request.app_name);
  context->on_move([&](const client::Move& move) { printer.move(move); });
  Observer observer(*context, printer);
  while (!session.stop.wait_until(std::chrono::steady_clock::now() + kLook) && session.out.good()) {
    observer.look();
  }
  context->on_move({});
  const auto closed = context->close();
  return closed ? 0 : report(session.err, closed.error());
}

}  // namespace

void add_watch_command(const Menu& program) {
  const auto [command, options] = program.add<ContextOptions>(
      "watch", "Create a context for an application and tell where it is, until Ctrl-C", watch);
  add_context_options(command, options);
}

}  // namespace mx2::cli
