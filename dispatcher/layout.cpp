#include "dispatcher/layout.h"

#include <algorithm>

#include "api/base/text.h"

namespace mx2::dispatcher {
namespace {

// What is unreserved in a URL but not allowed in a name.
std::string name_of(const std::string& app_d_id) {
  std::string name;
  for (const char c : percent_encode(app_d_id)) {
    if (c == '%') {
      name += ':';
    } else if (c == '~') {
      name += ":7E";
    } else {
      name += c;
    }
  }
  return name;
}

void add_backend(Layout& layout, const std::string& name, const Lambda& lambda,
                 const std::vector<int>& weights, bool final) {
  auto& backend = layout.backends[name];
  backend.path = lambda.path;
  for (std::size_t i = 0; i < lambda.destinations.size(); ++i) {
    const auto& destination = lambda.destinations[i];
    if (final && !destination.final) continue;
    backend.servers[destination.name] = Server{
        destination.address, weights[i], destination.admin != Admin::kDown, destination.tls_host};
  }
  if (!final) return;
  // Whoever is left must take the calls.
  bool any = false;
  for (const auto& [server, state] : backend.servers) any = any || state.weight > 0;
  for (auto& [server, state] : backend.servers) state.weight = any ? state.weight : 1;
}

class Comparison {
 public:
  Comparison(const std::string& arguments, const std::string& ca_file, Difference& out)
      : arguments_(arguments), ca_file_(ca_file), out_(out) {}

  void backend(const std::string& name, const Backend* running, const Backend* wanted) {
    static const Backend kNone;
    if (running == nullptr || (wanted != nullptr && running->path != wanted->path)) {
      out_.reload = true;
      return;
    }
    const auto& now = running->servers;
    const auto& then = (wanted == nullptr ? kNone : *wanted).servers;
    for (const auto& [server, state] : now) {
      if (!then.contains(server)) remove(name + "/" + server, state);
    }
    for (const auto& [server, state] : then) {
      const auto it = now.find(server);
      if (it == now.end()) {
        add(name + "/" + server, state);
      } else {
        change(name + "/" + server, it->second, state);
      }
    }
  }

  void routes(const std::map<std::string, std::string>& running,
              const std::map<std::string, std::string>& wanted, const std::string& file) {
    for (const auto& [key, backend] : running) {
      if (!wanted.contains(key)) command("del map " + file + " " + key);
    }
    for (const auto& [key, backend] : wanted) {
      const auto it = running.find(key);
      if (it == running.end()) {
        command("add map " + file + " " + key + " " + backend);
      } else if (it->second != backend) {
        command("set map " + file + " " + key + " " + backend);
      }
    }
  }

 private:
  void command(std::string text) { out_.commands.push_back(std::move(text)); }

  void remove(const std::string& server, const Server& state) {
    if (state.enabled) command("disable server " + server);
    out_.leaving.push_back(server);
  }

  // Dynamic servers begin disabled, and their checks apart.
  void add(const std::string& server, const Server& state) {
    command("add server " + server + " " + state.address + " weight " +
            std::to_string(state.weight) + arguments_ + tls_arguments(state, ca_file_));
    if (!state.enabled) return;
    command("enable server " + server);
    command("enable health " + server);
  }

  void change(const std::string& server, const Server& now, const Server& then) {
    if (now.weight != then.weight) {
      command("set server " + server + " weight " + std::to_string(then.weight));
    }
    if (now.enabled && !then.enabled) command("disable server " + server);
    if (now.enabled || !then.enabled) return;
    command("enable server " + server);
    command("enable health " + server);
  }

  const std::string& arguments_;
  const std::string& ca_file_;
  Difference& out_;
};

}  // namespace

std::string backend_name(const std::string& app_d_id, bool final) {
  return (final ? "f." : "l.") + name_of(app_d_id);
}

std::string route_key(const std::string& app_d_id) { return percent_encode(app_d_id); }

void add_lambda(Layout& layout, const Lambda& lambda, const std::vector<int>& weights) {
  const auto all = backend_name(lambda.app_d_id, false);
  add_backend(layout, all, lambda, weights, false);
  auto final = all;
  if (lambda.has_other_dispatchers()) {
    final = backend_name(lambda.app_d_id, true);
    add_backend(layout, final, lambda, weights, true);
  }
  layout.routes[route_key(lambda.app_d_id)] = all;
  layout.final_routes[route_key(lambda.app_d_id)] = final;
}

void add_set_aside(Layout& layout, const std::string& app_d_id) {
  layout.routes[route_key(app_d_id)] = kSetAsideBackend;
  layout.final_routes[route_key(app_d_id)] = kSetAsideBackend;
}

Layout part(const Layout& of, std::span<const std::string> app_d_ids) {
  Layout out;
  out.ca_file = of.ca_file;
  const auto copy = [](const auto& from, auto& to, const std::string& key) {
    if (const auto it = from.find(key); it != from.end()) to.insert(*it);
  };
  for (const auto& app : app_d_ids) {
    for (const bool final : {false, true})
      copy(of.backends, out.backends, backend_name(app, final));
    copy(of.routes, out.routes, route_key(app));
    copy(of.final_routes, out.final_routes, route_key(app));
  }
  return out;
}

std::vector<std::string> in_turn(const std::set<std::string>& all, const std::string& last,
                                 std::size_t count) {
  std::vector<std::string> out;
  auto it = all.upper_bound(last);
  for (std::size_t i = 0; i < std::min(count, all.size()); ++i, ++it) {
    if (it == all.end()) it = all.begin();
    out.push_back(*it);
  }
  return out;
}

std::string tls_arguments(const Server& server, const std::string& ca_file) {
  const auto& host = server.tls_host;
  if (host.empty()) return {};
  return " ssl verify required ca-file " + ca_file + " sni str(" + host + ") verifyhost " + host +
         " check-ssl check-sni " + host;
}

Difference difference(const Layout& running, const Layout& wanted,
                      const std::string& server_arguments, const std::string& directory) {
  Difference out;
  Comparison comparison(server_arguments, wanted.ca_file, out);
  for (const auto& [name, backend] : wanted.backends) {
    const auto it = running.backends.find(name);
    comparison.backend(name, it == running.backends.end() ? nullptr : &it->second, &backend);
  }
  for (const auto& [name, backend] : running.backends) {
    if (!wanted.backends.contains(name)) comparison.backend(name, &backend, nullptr);
  }
  if (out.reload) return out;
  comparison.routes(running.routes, wanted.routes, directory + "/routes.map");
  comparison.routes(running.final_routes, wanted.final_routes, directory + "/final.map");
  return out;
}

}  // namespace mx2::dispatcher
