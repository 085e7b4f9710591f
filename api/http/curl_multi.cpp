#include <arpa/inet.h>
#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "api/base/text.h"
#include "api/http/async_client.h"
#include "api/http/curl_names.h"
#include "api/http/curl_support.h"

namespace mx2::http {
namespace {

using Time = std::chrono::steady_clock::time_point;

// Each request brings the addresses of its host; libcurl has to keep them until it has begun.
constexpr long kKeptByLibcurlS = 5;

// One request on its way. Reused, with its handle, for later ones.
struct Transfer {
  CURL* handle = nullptr;
  const AsyncClientOptions* options = nullptr;
  OutgoingRequest request;
  curl::HeaderList headers{nullptr, &curl_slist_free_all};
  curl::List resolved{nullptr, &curl_slist_free_all};  // what the host's name is, for libcurl
  std::unique_ptr<Callback<Result<Reply>>> done;
  Time begun;
  Reply reply;
  std::size_t header_bytes = 0;
  bool headers_too_large = false;
  bool body_cut = false;
  bool refused_address = false;
  std::array<char, CURL_ERROR_SIZE> error_text{};
};

std::size_t on_body(const char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const auto bytes = size * count;
  const auto room = transfer.options->response_bytes_max - transfer.reply.body.size();
  transfer.reply.body.append(data, std::min(bytes, room));
  transfer.body_cut = bytes > room;
  return transfer.body_cut ? 0 : bytes;
}

std::size_t on_header(const char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const auto bytes = size * count;
  transfer.header_bytes += bytes;
  transfer.headers_too_large = transfer.header_bytes > transfer.options->header_bytes_max;
  if (transfer.headers_too_large) return 0;
  std::string_view line(data, bytes);
  line = line.substr(0, line.find_last_not_of("\r\n") + 1);
  const auto colon = line.find(':');
  if (colon != std::string_view::npos && equals_ignoring_case(line.substr(0, colon), "Location")) {
    transfer.reply.headers.emplace_back("Location", trim(line.substr(colon + 1)));
  }
  return bytes;
}

std::optional<IpAddress> address_of(const curl_sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto* any = &address.addr;
  const void* bytes =
      any->sa_family == AF_INET
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(any)->sin_addr)
          : static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(any)->sin6_addr);
  if (::inet_ntop(any->sa_family, bytes, text.data(), text.size()) == nullptr) return std::nullopt;
  return IpAddress::parse(text.data());
}

curl_socket_t open_socket(void* user, curlsocktype /*purpose*/, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(user);
  const auto ip = address_of(*address);
  const bool anywhere = transfer.request.may_go_anywhere;
  if (!ip || !(anywhere || transfer.options->may_connect(*ip))) {
    transfer.refused_address = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

long ms_since(Time then) {
  return static_cast<long>(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - then)
          .count());
}

Result<Reply> result_of(CURLcode code, Transfer& transfer) {
  transfer.reply.status = curl::status_of(transfer.handle);
  if (code == CURLE_OK || transfer.body_cut) return std::move(transfer.reply);
  if (transfer.headers_too_large) {
    return curl::unreachable(ErrorCode::kTooLarge,
                             "the reply's head is larger than " +
                                 std::to_string(transfer.options->header_bytes_max) + " bytes");
  }
  if (transfer.refused_address) {
    return Error{
        ErrorCode::kForbidden, "the address of the host is not allowed", {}, kNotAllowed, {}, 0};
  }
  return curl::error_of(transfer.handle, code, transfer.error_text.data());
}

}  // namespace

struct CurlMulti::Impl {
  explicit Impl(AsyncClientOptions given)
      : options(std::move(given)), resolver(resolver_options(options), clock) {}

  const AsyncClientOptions options;
  const SteadyClock clock;
  CURLM* multi = nullptr;
  int epoll = -1;
  int wakeup = -1;
  std::optional<Time> timer;  // when libcurl wants to be called
  std::vector<std::unique_ptr<Transfer>> idle;
  std::unordered_set<Transfer*> busy;
  // Whose name is being looked up, and who will not be begun: answered by the next poll().
  std::unordered_map<Transfer*, std::unique_ptr<Transfer>> looked_up;
  std::vector<std::pair<std::unique_ptr<Transfer>, Error>> refused;
  Resolver resolver;

  static int on_socket(CURL* /*handle*/, curl_socket_t socket, int what, void* user,
                       void* registered);
  static int on_timer(CURLM* /*multi*/, long timeout_ms, void* user);
  void set_options(Transfer& transfer) const;
  void set_request(Transfer& transfer) const;
  std::unique_ptr<Transfer> take_transfer();
  static ResolverOptions resolver_options(const AsyncClientOptions& options);
  void look_up(std::unique_ptr<Transfer> transfer, curl::HostName host);
  void start(std::unique_ptr<Transfer> transfer);
  void act(curl_socket_t socket, int events);
  void finish_done();
  void finish(std::unique_ptr<Transfer> transfer, Result<Reply> result);
  bool answer_refused();
  [[nodiscard]] int wait_ms(int timeout_ms) const;
};

int CurlMulti::Impl::on_socket(CURL* /*handle*/, curl_socket_t socket, int what, void* user,
                               void* registered) {
  auto& self = *static_cast<Impl*>(user);
  if (what == CURL_POLL_REMOVE) {
    ::epoll_ctl(self.epoll, EPOLL_CTL_DEL, socket, nullptr);
    return 0;
  }
  epoll_event event{};
  event.data.fd = socket;
  event.events =
      ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
  const int operation = registered == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (::epoll_ctl(self.epoll, operation, socket, &event) != 0 && errno == ENOENT) {
    ::epoll_ctl(self.epoll, EPOLL_CTL_ADD, socket, &event);  // closed and opened again meanwhile
  }
  curl_multi_assign(self.multi, socket, &self);
  return 0;
}

int CurlMulti::Impl::on_timer(CURLM* /*multi*/, long timeout_ms, void* user) {
  auto& self = *static_cast<Impl*>(user);
  if (timeout_ms < 0) {
    self.timer.reset();
  } else {
    self.timer = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  }
  return 0;
}

// What is the same for every request on this handle.
void CurlMulti::Impl::set_options(Transfer& transfer) const {
  auto* handle = transfer.handle;
  curl::set_limits(handle, {options.connect_timeout_ms, options.timeout_ms, options.ca_file},
                   transfer.error_text.data());
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(handle, CURLOPT_DNS_CACHE_TIMEOUT, kKeptByLibcurlS);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_PRIVATE, &transfer);
  if (!options.may_connect) return;
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, &transfer);
}

void CurlMulti::Impl::set_request(Transfer& transfer) const {
  const auto& request = transfer.request;
  auto* handle = transfer.handle;
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, transfer.headers.get());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
  curl_easy_setopt(handle, CURLOPT_FORBID_REUSE, request.may_go_anywhere ? 1L : 0L);
}

ResolverOptions CurlMulti::Impl::resolver_options(const AsyncClientOptions& options) {
  auto names = options.names;
  names.timeout_ms = options.connect_timeout_ms;
  return names;
}

void CurlMulti::Impl::look_up(std::unique_ptr<Transfer> transfer, curl::HostName host) {
  auto* key = transfer.get();
  const auto name = host.name;
  looked_up[key] = std::move(transfer);
  resolver.look_up(
      name, [this, key, host = std::move(host)](const Result<Resolver::Addresses>& addresses) {
        auto node = looked_up.extract(key);
        auto owned = std::move(node.mapped());
        if (!addresses) {
          refused.emplace_back(std::move(owned), addresses.error());
          return;
        }
        curl::add(owned->resolved, curl::resolve_entry(host, *addresses));
        start(std::move(owned));
      });
}

void CurlMulti::Impl::start(std::unique_ptr<Transfer> transfer) {
  auto* handle = transfer->handle;
  const auto waited_ms = ms_since(transfer->begun);
  curl_easy_setopt(handle, CURLOPT_RESOLVE, transfer->resolved.get());
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   std::max(options.connect_timeout_ms - waited_ms, 1L));
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, std::max(options.timeout_ms - waited_ms, 1L));
  curl_multi_add_handle(multi, handle);
  busy.insert(transfer.release());
}

std::unique_ptr<Transfer> CurlMulti::Impl::take_transfer() {
  if (!idle.empty()) {
    auto transfer = std::move(idle.back());
    idle.pop_back();
    return transfer;
  }
  auto transfer = std::make_unique<Transfer>();
  transfer->options = &options;
  transfer->handle = curl_easy_init();
  if (transfer->handle == nullptr) throw std::bad_alloc();
  set_options(*transfer);
  return transfer;
}

void CurlMulti::Impl::act(curl_socket_t socket, int events) {
  int running = 0;
  curl_multi_socket_action(multi, socket, events, &running);
}

void CurlMulti::Impl::finish_done() {
  int left = 0;
  while (const auto* message = curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    Transfer* transfer = nullptr;
    auto* handle = message->easy_handle;
    const auto code = message->data.result;
    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &transfer);
    curl_multi_remove_handle(multi, handle);
    busy.erase(transfer);
    std::unique_ptr<Transfer> owned(transfer);
    auto result = result_of(code, *owned);
    finish(std::move(owned), std::move(result));
  }
}

void CurlMulti::Impl::finish(std::unique_ptr<Transfer> transfer, Result<Reply> result) {
  const auto done = std::move(transfer->done);
  transfer->reply = {};
  transfer->header_bytes = 0;
  transfer->headers_too_large = transfer->body_cut = transfer->refused_address = false;
  transfer->error_text[0] = '\0';
  transfer->resolved.reset();
  idle.push_back(std::move(transfer));
  (*done)(std::move(result));
}

// False when there was nothing to answer.
bool CurlMulti::Impl::answer_refused() {
  if (refused.empty()) return false;
  for (auto& [transfer, error] : std::exchange(refused, {})) {
    finish(std::move(transfer), std::move(error));
  }
  return true;
}

int CurlMulti::Impl::wait_ms(int timeout_ms) const {
  if (!refused.empty()) return 0;
  timeout_ms = resolver.wait_ms(timeout_ms);
  if (!timer) return timeout_ms;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(*timer - std::chrono::steady_clock::now());
  return std::clamp(static_cast<int>(left.count()), 0, timeout_ms);
}

CurlMulti::CurlMulti(AsyncClientOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {
  curl::initialise();
  impl_->multi = curl_multi_init();
  impl_->epoll = ::epoll_create1(EPOLL_CLOEXEC);
  impl_->wakeup = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (impl_->multi == nullptr || impl_->epoll < 0 || impl_->wakeup < 0) {
    throw std::runtime_error("libcurl cannot be initialised");
  }
  for (const int fd : {impl_->wakeup, impl_->resolver.fd()}) {
    epoll_event event{};
    event.data.fd = fd;
    event.events = EPOLLIN;
    ::epoll_ctl(impl_->epoll, EPOLL_CTL_ADD, fd, &event);
  }
  curl_multi_setopt(impl_->multi, CURLMOPT_SOCKETFUNCTION, Impl::on_socket);
  curl_multi_setopt(impl_->multi, CURLMOPT_SOCKETDATA, impl_.get());
  curl_multi_setopt(impl_->multi, CURLMOPT_TIMERFUNCTION, Impl::on_timer);
  curl_multi_setopt(impl_->multi, CURLMOPT_TIMERDATA, impl_.get());
  curl_multi_setopt(impl_->multi, CURLMOPT_MAXCONNECTS,
                    static_cast<long>(impl_->options.connections_max));
}

CurlMulti::~CurlMulti() {
  for (auto* transfer : impl_->busy) {
    const std::unique_ptr<Transfer> owned(transfer);
    curl_multi_remove_handle(impl_->multi, owned->handle);
    curl_easy_cleanup(owned->handle);
  }
  for (auto& transfer : impl_->idle) curl_easy_cleanup(transfer->handle);
  for (auto& [transfer, error] : impl_->refused) curl_easy_cleanup(transfer->handle);
  for (auto& [key, transfer] : impl_->looked_up) curl_easy_cleanup(transfer->handle);
  curl_multi_cleanup(impl_->multi);
  ::close(impl_->wakeup);
  ::close(impl_->epoll);
}

void CurlMulti::begin(OutgoingRequest request, Callback<Result<Reply>> done) {
  auto transfer = impl_->take_transfer();
  transfer->begun = std::chrono::steady_clock::now();
  transfer->request = std::move(request);
  transfer->done = std::make_unique<Callback<Result<Reply>>>(std::move(done));
  auto headers = curl::header_list(transfer->request.headers);
  const bool clean =
      headers && curl::one_line(transfer->request.url) && curl::one_line(transfer->request.method);
  if (!clean) {
    impl_->refused.emplace_back(std::move(transfer),
                                invalid_argument("a URL, method or header has a line break"));
    return;
  }
  transfer->headers = std::move(*headers);
  impl_->set_request(*transfer);
  auto host = curl::name_in(transfer->request.url);
  if (host) return impl_->look_up(std::move(transfer), std::move(*host));
  impl_->start(std::move(transfer));
}

void CurlMulti::poll(int timeout_ms) {
  impl_->resolver.step();
  if (impl_->answer_refused()) timeout_ms = 0;
  std::array<epoll_event, 256> events{};
  const int ready = ::epoll_wait(impl_->epoll, events.data(), static_cast<int>(events.size()),
                                 impl_->wait_ms(timeout_ms));
  for (int i = 0; i < ready; ++i) {
    const auto& event = events.at(static_cast<std::size_t>(i));
    if (event.data.fd == impl_->wakeup) {
      std::uint64_t count = 0;
      static_cast<void>(!::read(impl_->wakeup, &count, sizeof(count)));
      continue;
    }
    if (event.data.fd == impl_->resolver.fd()) continue;  // the next poll() looks at it
    const bool in = (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
    const bool out = (event.events & EPOLLOUT) != 0;
    impl_->act(event.data.fd, (in ? CURL_CSELECT_IN : 0) | (out ? CURL_CSELECT_OUT : 0));
  }
  if (impl_->timer && *impl_->timer <= std::chrono::steady_clock::now()) {
    impl_->timer.reset();
    impl_->act(CURL_SOCKET_TIMEOUT, 0);
  }
  impl_->finish_done();
}

void CurlMulti::wake() {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(impl_->wakeup, &one, sizeof(one)));
}

}  // namespace mx2::http
