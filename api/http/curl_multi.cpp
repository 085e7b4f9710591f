#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <unordered_map>

#include "api/base/clock.h"
#include "api/base/fd.h"
#include "api/http/async_client.h"
#include "api/http/curl_support.h"
#include "api/http/exchanges.h"

namespace mx2::http {
namespace {

// Each request brings the addresses of its host; libcurl has to keep them until it has begun.
constexpr long kKeptByLibcurlS = 5;

// A host that has to be looked up, with its port.
struct HostName {
  std::string name;
  std::string port;
};

// A part of a URL, as libcurl will have it.
std::string part_of(CURLU* url, CURLUPart part, unsigned flags) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

// As libcurl will understand the URL. Nothing when there is no name in it, or no URL: libcurl has
// an answer to that, and need not wait.
std::optional<HostName> name_in(const std::string& text) {
#if LIBCURL_VERSION_NUM >= 0x075800
  constexpr unsigned kAscii = CURLU_PUNYCODE;
#else
  constexpr unsigned kAscii = 0;
#endif
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), &curl_url_cleanup);
  if (!url ||
      curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_GUESS_SCHEME) != CURLUE_OK) {
    return std::nullopt;
  }
  HostName host{part_of(url.get(), CURLUPART_HOST, kAscii),
                part_of(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT)};
  const bool address = host.name.empty() || host.name[0] == '[' || IpAddress::parse(host.name);
  if (address || part_of(url.get(), CURLUPART_SCHEME, 0).compare(0, 4, "http") != 0) return {};
  return host;
}

// The entry of CURLOPT_RESOLVE that makes libcurl connect to these. It forgets it again ("+").
std::string resolve_entry(const HostName& host, const Resolver::Addresses& addresses) {
  std::string entry = "+" + host.name + ":" + host.port + ":";
  for (const auto& address : addresses) {
    if (&address != &addresses.front()) entry += ",";
    entry += address.text();
  }
  return entry;
}

ResolverOptions resolver_options(const AsyncClientOptions& options) {
  auto names = options.names;
  names.timeout_ms = options.connect_timeout_ms;
  return names;
}

}  // namespace

struct CurlMulti::Impl {
  explicit Impl(const AsyncClientOptions& options);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // Before `exchanges`, whose end still tells of sockets and timers.
  const Fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  const Fd wakeup{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::optional<curl::Time> timer;  // when libcurl wants to be called
  curl::Exchanges exchanges;
  // Whose name is being looked up.
  std::unordered_map<curl::Transfer*, std::unique_ptr<curl::Transfer>> looked_up;
  const SteadyClock clock;
  Resolver resolver;

  static int on_socket(CURL* /*handle*/, curl_socket_t socket, int what, void* user,
                       void* registered);
  static int on_timer(CURLM* /*multi*/, long timeout_ms, void* user);
  void watch(int fd) const;
  void look_up(std::unique_ptr<curl::Transfer> transfer, HostName host);
  void act(curl_socket_t socket, int events);
  void take(const epoll_event& event);
  [[nodiscard]] int wait_ms(int timeout_ms) const;
};

CurlMulti::Impl::Impl(const AsyncClientOptions& options)
    : exchanges(options), resolver(resolver_options(options), clock) {
  if (!epoll.is_open() || !wakeup.is_open()) {
    throw std::runtime_error("libcurl cannot be initialised");
  }
  watch(wakeup.get());
  watch(resolver.fd());
  auto* multi = exchanges.multi();
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
}

void CurlMulti::Impl::watch(int fd) const {
  epoll_event event{};
  event.data.fd = fd;
  event.events = EPOLLIN;
  ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event);
}

int CurlMulti::Impl::on_socket(CURL* /*handle*/, curl_socket_t socket, int what, void* user,
                               void* registered) {
  auto& self = *static_cast<Impl*>(user);
  const int into = self.epoll.get();
  if (what == CURL_POLL_REMOVE) {
    ::epoll_ctl(into, EPOLL_CTL_DEL, socket, nullptr);
    return 0;
  }
  epoll_event event{};
  event.data.fd = socket;
  event.events =
      ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
  const int operation = registered == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (::epoll_ctl(into, operation, socket, &event) != 0 && errno == ENOENT) {
    ::epoll_ctl(into, EPOLL_CTL_ADD, socket, &event);  // closed and opened again meanwhile
  }
  curl_multi_assign(self.exchanges.multi(), socket, &self);
  return 0;
}

int CurlMulti::Impl::on_timer(CURLM* /*multi*/, long timeout_ms, void* user) {
  auto& self = *static_cast<Impl*>(user);
  if (timeout_ms < 0) {
    self.timer.reset();
  } else {
    self.timer = curl::Steady::now() + std::chrono::milliseconds(timeout_ms);
  }
  return 0;
}

void CurlMulti::Impl::look_up(std::unique_ptr<curl::Transfer> transfer, HostName host) {
  auto* key = transfer.get();
  const auto name = host.name;
  looked_up[key] = std::move(transfer);
  resolver.look_up(
      name, [this, key, host = std::move(host)](const Result<Resolver::Addresses>& addresses) {
        auto node = looked_up.extract(key);
        auto owned = std::move(node.mapped());
        if (!addresses) return exchanges.refuse(std::move(owned), addresses.error());
        curl::add(owned->resolved, resolve_entry(host, *addresses));
        curl_easy_setopt(owned->handle.get(), CURLOPT_DNS_CACHE_TIMEOUT, kKeptByLibcurlS);
        exchanges.start(std::move(owned));
      });
}

void CurlMulti::Impl::act(curl_socket_t socket, int events) {
  int running = 0;
  curl_multi_socket_action(exchanges.multi(), socket, events, &running);
}

void CurlMulti::Impl::take(const epoll_event& event) {
  const int fd = event.data.fd;
  if (fd == wakeup.get()) {
    std::uint64_t count = 0;
    static_cast<void>(!::read(fd, &count, sizeof(count)));
    return;
  }
  if (fd == resolver.fd()) return;  // the next poll() looks at it
  const bool in = (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
  const bool out = (event.events & EPOLLOUT) != 0;
  act(fd, (in ? CURL_CSELECT_IN : 0) | (out ? CURL_CSELECT_OUT : 0));
}

int CurlMulti::Impl::wait_ms(int timeout_ms) const {
  if (exchanges.has_refused()) return 0;
  timeout_ms = resolver.wait_ms(timeout_ms);
  if (!timer) return timeout_ms;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*timer - curl::Steady::now());
  return std::clamp(static_cast<int>(left.count()), 0, timeout_ms);
}

CurlMulti::CurlMulti(const AsyncClientOptions& options) : impl_(std::make_unique<Impl>(options)) {}

CurlMulti::~CurlMulti() = default;

void CurlMulti::begin(OutgoingRequest request, Callback<Result<Reply>> done) {
  auto& exchanges = impl_->exchanges;
  auto transfer = exchanges.prepare(std::move(request), std::move(done));
  if (!transfer) return;
  auto host = name_in(transfer->request.url);
  if (host && exchanges.options().unix_socket.empty()) {
    return impl_->look_up(std::move(transfer), std::move(*host));
  }
  exchanges.start(std::move(transfer));
}

void CurlMulti::poll(int timeout_ms) {
  impl_->resolver.step();
  std::array<epoll_event, 256> events{};
  const int ready = ::epoll_wait(impl_->epoll.get(), events.data(), static_cast<int>(events.size()),
                                 impl_->wait_ms(timeout_ms));
  for (int i = 0; i < ready; ++i) impl_->take(events.at(static_cast<std::size_t>(i)));
  if (impl_->timer && *impl_->timer <= curl::Steady::now()) {
    impl_->timer.reset();
    impl_->act(CURL_SOCKET_TIMEOUT, 0);
  }
  impl_->exchanges.answer();
}

void CurlMulti::wake() {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(impl_->wakeup.get(), &one, sizeof(one)));
}

}  // namespace mx2::http
