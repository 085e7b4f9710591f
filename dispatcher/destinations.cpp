#include "dispatcher/destinations.h"

#include <algorithm>
#include <set>

#include "api/base/ip.h"
#include "api/base/text.h"
#include "api/base/units.h"

namespace mx2::dispatcher {
namespace {

constexpr std::string_view kHttp = "http://";
constexpr std::string_view kHttps = "https://";
constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::size_t kHostBytesMax = 253;
constexpr std::size_t kComparedMax = 1000;

bool is_plain(std::string_view text, std::string_view extra) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    const bool alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alphanumeric || extra.find(c) != std::string_view::npos;
  });
}

Result<std::uint16_t> parse_port(std::string_view text, std::uint16_t standard) {
  if (text.empty()) return standard;
  const auto port = text.size() > 5 ? std::nullopt : parse_uint(text);
  if (!port || *port == 0 || *port > kPortMax) return invalid_argument("a port that is none");
  return static_cast<std::uint16_t>(*port);
}

Result<ReferenceUri> parse_authority(std::string_view authority, bool tls) {
  ReferenceUri uri;
  uri.tls = tls;
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return invalid_argument("a host that is none");
    uri.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    if (!IpAddress::parse(uri.host)) return invalid_argument("a host that is none");
    if (!port.empty() && port.front() != ':') return invalid_argument("a port that is none");
    port.remove_prefix(port.empty() ? 0 : 1);
  } else {
    const auto colon = authority.find(':');
    uri.host = to_lower(authority.substr(0, colon));
    if (colon != std::string_view::npos) port = authority.substr(colon + 1);
    if (uri.host.empty() || uri.host.size() > kHostBytesMax || !is_plain(uri.host, "-._")) {
      return invalid_argument("a host that is none");
    }
  }
  if (tls && IpAddress::parse(uri.host)) {
    return invalid_argument("https needs the name of a host, which its certificate has");
  }
  auto number = parse_port(port, tls ? kHttpsPort : kHttpPort);
  if (!number) return number.error();
  uri.port = *number;
  return uri;
}

// Nothing for a host without an address that can be called.
std::optional<std::string> address_of(const World& world, const std::string& host) {
  const auto it = world.addresses.find(host);
  const auto& address = it == world.addresses.end() ? host : it->second;
  return is_callable(address) ? std::optional(address) : std::nullopt;
}

std::string join(const std::string& address, std::uint16_t port, bool brackets) {
  return brackets ? authority(address, port) : address + ":" + std::to_string(port);
}

// Of the data plane's server. Of one address, different names may be asked for.
std::string name_of(const ReferenceUri& uri, const std::string& address) {
  return join(address, uri.port, false) + (uri.tls ? ":tls:" + uri.host : "");
}

bool has_label(const Host& host, const std::string& label) {
  const auto at = label.find('=');
  const auto it = host.labels.find(label.substr(0, at));
  if (label.empty() || it == host.labels.end()) return false;
  return at == std::string::npos || it->second == label.substr(at + 1);
}

Admin admin_of(const Host& host) {
  if (host.is_down()) return Admin::kDown;
  return host.state == HostState::kDraining ? Admin::kDraining : Admin::kReady;
}

class Finder {
 public:
  Finder(const World& world, const DispatcherOptions& options) : world_(world), options_(options) {
    zone_ = options.place.zone;
    const auto own = world.hosts.find(options.place.host_id);
    if (zone_.empty() && own != world.hosts.end()) zone_ = own->second.zone;
    find_dispatchers();
  }

  Lambdas find() {
    for (const auto& app : served()) lambdas_[app].app_d_id = app;
    // In order of the hosts' distance, so that the nearest decide the path.
    std::vector<const Host*> hosts;
    for (const auto& [id, host] : world_.hosts) hosts.push_back(&host);
    std::stable_sort(hosts.begin(), hosts.end(), [this](const Host* a, const Host* b) {
      return std::pair(tier_of(*a), latency_of(*a)) < std::pair(tier_of(*b), latency_of(*b));
    });
    for (const auto* host : hosts) {
      for (const auto& instance : host->instances) add(*host, instance);
    }
    return std::move(lambdas_);
  }

 private:
  std::vector<std::string> served() const {
    std::vector<std::string> apps;
    const auto& only = options_.apps;
    for (const auto& [app, enabled] : world_.apps) {
      const bool wanted = only.empty() || std::find(only.begin(), only.end(), app) != only.end();
      if (enabled && wanted && app != options_.app_d_id) apps.push_back(app);
    }
    return apps;
  }

  void find_dispatchers() {
    for (const auto& [id, host] : world_.hosts) {
      for (const auto& instance : host.instances) {
        if (instance.app_d_id != options_.app_d_id) continue;
        const auto uri = parse_reference_uri(instance.reference_uri);
        if (!uri) continue;
        const auto address = address_of(world_, uri->host);
        if (address) dispatchers_[name_of(*uri, *address)] = id;
      }
    }
  }

  Tier tier_of(const Host& host) const {
    const auto& place = options_.place;
    if (!place.host_id.empty() && host.id == place.host_id) return Tier::kLocal;
    if (has_label(host, place.cloud_label)) return Tier::kCloud;
    const bool anywhere = place.host_id.empty() && zone_.empty();
    return anywhere || (!zone_.empty() && host.zone == zone_) ? Tier::kLocal : Tier::kNeighbour;
  }

  int latency_of(const Host& host) const {
    const auto it = options_.place.latency_ms.find(host.id);
    return it == options_.place.latency_ms.end() ? 0 : it->second;
  }

  void add(const Host& host, const AppInstance& instance) {
    const auto found = lambdas_.find(instance.app_d_id);
    if (found == lambdas_.end() || instance.reference_uri.empty()) return;
    auto& lambda = found->second;
    const auto problem = [&](const std::string& text) {
      lambda.problems.push_back(host.id + ": " + instance.reference_uri + ": " + text);
    };
    const auto uri = parse_reference_uri(instance.reference_uri);
    if (!uri) return problem(uri.error().detail);
    const auto address = address_of(world_, uri->host);
    if (!address) {
      const bool known = IpAddress::parse(uri->host) || world_.addresses.contains(uri->host);
      return problem(known ? "it has no address that can be called"
                           : "its name is not resolved yet");
    }
    if (uri->tls && options_.ca_file.empty()) return problem("there is no tls.ca_file");
    if (lambda.destinations.empty()) lambda.path = uri->path;
    if (uri->path != lambda.path) return problem("its path is not " + lambda.path + "/");
    Destination destination;
    destination.name = name_of(*uri, *address);
    if (uri->tls) destination.tls_host = uri->host;
    destination.address = join(*address, uri->port, true);
    const auto other = dispatchers_.find(destination.name);
    destination.final = other == dispatchers_.end();
    if (!destination.final && other->second == options_.place.host_id) {
      return problem("it is this dispatcher");
    }
    destination.host_id = host.id;
    destination.reference_uri = instance.reference_uri;
    destination.tier = tier_of(host);
    destination.admin = admin_of(host);
    destination.latency_ms = latency_of(host);
    const auto same = [&](const Destination& d) { return d.name == destination.name; };
    auto& all = lambda.destinations;
    if (std::none_of(all.begin(), all.end(), same)) all.push_back(std::move(destination));
  }

  const World& world_;
  const DispatcherOptions& options_;
  std::string zone_;
  std::map<std::string, std::string> dispatchers_;  // host, by address and port
  Lambdas lambdas_;
};

}  // namespace

std::string_view to_text(Tier tier) { return enum_text(tier, kTierTexts); }

std::string_view to_text(Admin admin) {
  static constexpr EnumTexts<3> kTexts{"ready", "draining", "down"};
  return enum_text(admin, kTexts);
}

bool is_callable(const std::string& address) {
  const auto ip = IpAddress::parse(address);
  return ip && ip != IpAddress::parse("0.0.0.0") && ip != IpAddress::parse("::");
}

bool Lambda::has_other_dispatchers() const {
  return std::any_of(destinations.begin(), destinations.end(),
                     [](const Destination& d) { return !d.final; });
}

Result<ReferenceUri> parse_reference_uri(std::string_view uri) {
  const auto scheme = to_lower(uri.substr(0, kHttps.size()));
  const bool tls = scheme.starts_with(kHttps);
  if (!tls && !scheme.starts_with(kHttp)) {
    return invalid_argument("only http:// and https:// can be dispatched to");
  }
  uri.remove_prefix(tls ? kHttps.size() : kHttp.size());
  const auto slash = std::min(uri.find('/'), uri.size());
  auto result = parse_authority(uri.substr(0, slash), tls);
  if (!result) return result;
  auto path = uri.substr(slash);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (!is_plain(path, "/-._~%:@+,="))
    return invalid_argument("a path that cannot be dispatched to");
  result->path = path;
  return result;
}

std::vector<std::string> unknown_names(const World& world, const DispatcherOptions& options) {
  std::vector<std::string> unknown;
  const auto look = [&](const std::string& key, const std::string& name, const auto& known) {
    if (known.contains(name)) return;
    std::vector<std::string> names;
    if (known.size() <= kComparedMax) {
      for (const auto& [id, entry] : known) names.push_back(id);
    }
    unknown.push_back(key + " names '" + name + "', which there is not" +
                      did_you_mean(name, names));
  };
  for (const auto& app : options.apps) look("dispatcher.apps", app, world.apps);
  for (const auto& [host, ms] : options.place.latency_ms) {
    look("host.latency_ms", host, world.hosts);
  }
  return unknown;
}

std::vector<std::string> names_to_resolve(const World& world) {
  std::set<std::string> names;
  for (const auto& [id, host] : world.hosts) {
    for (const auto& instance : host.instances) {
      const auto uri = parse_reference_uri(instance.reference_uri);
      if (uri && !IpAddress::parse(uri->host)) names.insert(uri->host);
    }
  }
  return {names.begin(), names.end()};
}

Lambdas find_lambdas(const World& world, const DispatcherOptions& options) {
  return Finder(world, options).find();
}

}  // namespace mx2::dispatcher
