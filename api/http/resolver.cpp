#include "api/http/resolver.h"

#include <ares.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

#include "api/base/log.h"
#include "api/base/text.h"
#include "api/http/http_client.h"

namespace mx2::http {
namespace {

constexpr const char* kResolvConf = "/etc/resolv.conf";
constexpr std::int64_t kLookMs = 1000;  // between two looks at it
constexpr int kTryMs = 1000;            // of a server; doubles
constexpr int kTries = 3;               // of each
constexpr std::int64_t kTtlMinS = 1;
constexpr std::int64_t kTtlMaxS = 60;
constexpr std::int64_t kStaleMs = 3'600'000;
constexpr std::int64_t kAbsentMs = 10'000;  // so long a name that does not exist is not asked again
constexpr std::int64_t kBrokenMs = 1000;    // likewise one that could not be looked up
constexpr std::int64_t kStaleAgainMs = 5000;

std::int64_t written_ns(const char* path) {
  struct stat status {};
  if (::stat(path, &status) != 0) return 0;
  return status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
}

bool is_below_invalid(std::string_view name) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  constexpr std::string_view kInvalid = ".invalid";
  return name == kInvalid.substr(1) ||
         (name.size() > kInvalid.size() && name.substr(name.size() - kInvalid.size()) == kInvalid);
}

Error failure(ErrorCode code, const std::string& name, const std::string& why, const char* cause) {
  return refused_as(code, "the name '" + name + "' " + why, cause);
}

}  // namespace

// One life of c-ares, with the configuration as it was then. Its sockets are in `epoll`.
struct Resolver::Channel {
  Channel(int epoll, const std::string& servers);
  ~Channel() { ares_destroy(handle); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  static void on_socket(void* user, ares_socket_t socket, int readable, int writable);

  const int epoll;
  ares_channel handle = nullptr;
};

struct Resolver::Query {
  Resolver& resolver;
  std::string name;

  static void on_end(void* user, int status, int timeouts, ares_addrinfo* result);
};

Resolver::Channel::Channel(int poll, const std::string& servers) : epoll(poll) {
  static const int kReady = ares_library_init(ARES_LIB_INIT_ALL);
  if (kReady != ARES_SUCCESS) throw std::runtime_error("c-ares cannot be initialised");
  std::array<char, 3> lookups{"fb"};  // files, then DNS
  ares_options options{};
  options.timeout = kTryMs;
  options.tries = kTries;
  options.lookups = lookups.data();
  options.sock_state_cb = on_socket;
  options.sock_state_cb_data = this;
  const int status = ares_init_options(
      &handle, &options,
      ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
  if (status != ARES_SUCCESS) throw std::runtime_error(ares_strerror(status));
  if (!servers.empty()) ares_set_servers_ports_csv(handle, servers.c_str());
}

void Resolver::Channel::on_socket(void* user, ares_socket_t socket, int readable, int writable) {
  const auto& self = *static_cast<Channel*>(user);
  epoll_event event{};
  event.data.fd = socket;
  event.events = (readable != 0 ? EPOLLIN : 0U) | (writable != 0 ? EPOLLOUT : 0U);
  if (event.events == 0) {
    ::epoll_ctl(self.epoll, EPOLL_CTL_DEL, socket, nullptr);
  } else if (::epoll_ctl(self.epoll, EPOLL_CTL_MOD, socket, &event) != 0) {
    ::epoll_ctl(self.epoll, EPOLL_CTL_ADD, socket, &event);
  }
}

void Resolver::Query::on_end(void* user, int status, int /*timeouts*/, ares_addrinfo* result) {
  const std::unique_ptr<Query> query(static_cast<Query*>(user));
  const std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> owned(result,
                                                                           &ares_freeaddrinfo);
  Addresses addresses;
  std::int64_t ttl_s = std::numeric_limits<int>::max();
  for (const auto* node = result == nullptr ? nullptr : result->nodes; node != nullptr;
       node = node->ai_next) {
    const auto address = IpAddress::of(*node->ai_addr);
    if (!address) continue;
    ttl_s = std::min<std::int64_t>(ttl_s, node->ai_ttl);
    if (std::find(addresses.begin(), addresses.end(), *address) == addresses.end()) {
      addresses.push_back(*address);
    }
  }
  query->resolver.ended(query->name, status, std::move(addresses), ttl_s);
}

Resolver::Resolver(ResolverOptions options, const SteadyClock& clock)
    : options_(std::move(options)),
      clock_(clock),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      looked_ms_(clock.now_ms()),
      read_ns_(written_ns(kResolvConf)) {
  if (!epoll_.is_open()) throw std::runtime_error("no descriptor for c-ares");
  channel_ = std::make_unique<Channel>(epoll_.get(), options_.servers);
}

Resolver::~Resolver() {
  names_.clear();  // nobody waits any more
  channel_.reset();
}

void Resolver::look_up(const std::string& name, Done done) {
  const auto text = to_lower(name);
  if (names_.size() >= options_.known_max && names_.count(text) == 0) forget_idle();
  auto& entry = names_[text];
  entry.askers.push_back(std::move(done));
  if (entry.askers.size() > 1) return;
  if (known(entry)) return answered_.push_back(text);
  ask(text, entry);
}

std::optional<Result<Resolver::Addresses>> Resolver::known(const Name& name) const {
  const auto now_ms = clock_.now_ms();
  if (now_ms < name.good_until_ms) return name.addresses;
  if (name.failure && now_ms < name.failed_until_ms) return *name.failure;
  return std::nullopt;
}

void Resolver::ask(const std::string& text, Name& name) {
  name.deadline_ms = clock_.now_ms() + options_.timeout_ms;
  deadlines_.emplace_back(name.deadline_ms, text);
  if (name.asked || name.queued) return;
  name.queued = true;
  queue_.push_back(text);
}

void Resolver::ask_queued() {
  if (!queue_.empty()) follow_resolv_conf();
  while (!queue_.empty() && asked_ < options_.at_once_max) {
    const auto text = std::move(queue_.front());
    queue_.pop_front();
    begin(text);
  }
}

void Resolver::begin(const std::string& text) {
  auto& name = names_[text];
  name.queued = false;
  name.asked = true;
  ++asked_;
  if (is_below_invalid(text)) return ended(text, ARES_EBADNAME, {}, 0);
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  auto query = std::make_unique<Query>(Query{*this, text});
  ares_getaddrinfo(channel_->handle, text.c_str(), nullptr, &hints, Query::on_end, query.release());
}

// Also called from within ares_destroy(), when the look-up is to be begun again or nobody wants it.
void Resolver::ended(const std::string& text, int status, Addresses addresses, std::int64_t ttl_s) {
  const auto it = names_.find(text);
  if (it == names_.end()) return;
  auto& name = it->second;
  name.asked = false;
  --asked_;
  if (status == ARES_EDESTRUCTION) {
    name.queued = true;
    return queue_.push_back(text);
  }
  if (!addresses.empty()) {
    found(name, std::move(addresses), ttl_s);
  } else if (status == ARES_ENOTFOUND || status == ARES_EBADNAME) {
    name.stale_until_ms = 0;
    const auto* cause = status == ARES_EBADNAME ? kImpossibleName : kNoSuchName;
    failed(name, failure(ErrorCode::kUnavailable, text, "does not exist", cause), kAbsentMs);
  } else {
    const std::string why = status == ARES_SUCCESS ? "no address" : ares_strerror(status);
    failed(name,
           failure(ErrorCode::kUnavailable, text, "could not be resolved: " + why, kUnreachable),
           kBrokenMs);
  }
  if (!name.askers.empty()) answered_.push_back(text);
}

void Resolver::found(Name& name, Addresses addresses, std::int64_t ttl_s) {
  const auto now_ms = clock_.now_ms();
  name.addresses = std::move(addresses);
  name.good_until_ms = now_ms + 1000 * std::clamp(ttl_s, kTtlMinS, kTtlMaxS);
  name.stale_until_ms = now_ms + kStaleMs;
  name.failure.reset();
}

void Resolver::failed(Name& name, Error error, std::int64_t for_ms) {
  const auto now_ms = clock_.now_ms();
  name.failure = std::move(error);
  name.failed_until_ms = now_ms + for_ms;
  if (now_ms < name.stale_until_ms) name.good_until_ms = now_ms + kStaleAgainMs;
}

void Resolver::expire() {
  const auto now_ms = clock_.now_ms();
  while (!deadlines_.empty() && deadlines_.front().first <= now_ms) {
    const auto [deadline_ms, text] = std::move(deadlines_.front());
    deadlines_.pop_front();
    const auto it = names_.find(text);
    if (it == names_.end() || it->second.askers.empty() || it->second.deadline_ms != deadline_ms) {
      continue;
    }
    if (known(it->second)) continue;  // and is to be told
    failed(it->second,
           failure(ErrorCode::kDeadlineExceeded, text, "was not resolved in time", kUnreachable),
           kBrokenMs);
    answered_.push_back(text);
  }
}

void Resolver::answer() {
  for (const auto& text : std::exchange(answered_, {})) {
    const auto it = names_.find(text);
    if (it == names_.end() || it->second.askers.empty()) continue;  // told already
    const auto result = known(it->second);
    if (!result) {  // too old meanwhile
      ask(text, it->second);
      continue;
    }
    for (auto& asker : std::exchange(it->second.askers, {})) asker(*result);
  }
}

void Resolver::forget_idle() {
  for (auto it = names_.begin(); it != names_.end();) {
    const auto& name = it->second;
    const bool idle = name.askers.empty() && !name.asked && !name.queued;
    it = idle ? names_.erase(it) : std::next(it);
  }
}

void Resolver::follow_resolv_conf() {
  const auto now_ms = clock_.now_ms();
  if (!options_.servers.empty() || now_ms - looked_ms_ < kLookMs) return;
  looked_ms_ = now_ms;
  const auto written = written_ns(kResolvConf);
  if (written == std::exchange(read_ns_, written)) return;
  try {
    channel_ = std::make_unique<Channel>(epoll_.get(), options_.servers);
  } catch (const std::runtime_error& e) {
    log::warn("names are looked up as before", {{"file", kResolvConf}, {"reason", e.what()}});
  }
}

int Resolver::wait_ms(int timeout_ms) const {
  if (!answered_.empty() || (!queue_.empty() && asked_ < options_.at_once_max)) return 0;
  if (deadlines_.empty() && asked_ == 0) return timeout_ms;
  std::int64_t wait_ms = timeout_ms;
  if (!deadlines_.empty()) wait_ms = std::min(wait_ms, deadlines_.front().first - clock_.now_ms());
  timeval next{};
  if (asked_ > 0 && ares_timeout(channel_->handle, nullptr, &next) != nullptr) {
    wait_ms = std::min<std::int64_t>(wait_ms, next.tv_sec * 1000 + next.tv_usec / 1000 + 1);
  }
  return static_cast<int>(std::max<std::int64_t>(wait_ms, 0));
}

void Resolver::step() {
  if (names_.empty()) return;
  std::array<epoll_event, 16> events{};
  const int ready = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < ready; ++i) {
    const auto& event = events.at(static_cast<std::size_t>(i));
    const bool in = (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
    const bool out = (event.events & EPOLLOUT) != 0;
    ares_process_fd(channel_->handle, in ? event.data.fd : ARES_SOCKET_BAD,
                    out ? event.data.fd : ARES_SOCKET_BAD);
  }
  if (asked_ > 0) ares_process_fd(channel_->handle, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  ask_queued();
  expire();
  answer();
}

}  // namespace mx2::http
