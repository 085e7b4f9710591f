#include "mx2-client/include/mx2/domains.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include "api/http/http_client.h"
#include "mx2-client/src/convert.h"
#include "mx2-client/src/domain_ranking.h"
#include "mx2-client/src/endpoint.h"
#include "mx2-client/src/listener.h"
#include "mx2-client/src/opening.h"

namespace mx2::client {
namespace {

using Clock = std::chrono::steady_clock;
using device::Session;
using Local = DomainsOptions::Local;

constexpr std::size_t kDomainsMax = 16;
constexpr int kBackOffMax = 4;  // doublings of look_interval while no context can be had
constexpr std::size_t kAnswerMax = 64U * 1024;
constexpr int kNotImplemented = 501;
constexpr std::chrono::hours kLookMax{1};

http::ClientOptions probe_options(const ClientOptions& options) {
  http::ClientOptions out;
  out.connect_timeout_ms = static_cast<int>(options.connect_timeout.count());
  out.timeout_ms = out.connect_timeout_ms;
  out.response_bytes_max = kAnswerMax;
  out.ca_file = options.ca_file;
  return out;
}

std::chrono::microseconds since(Clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
}

// Functions die when nobody calls them any more; the rest is needed until the end.
DomainsOptions without_functions(const DomainsOptions& options) {
  DomainsOptions out;
  for (const auto& domain : options.domains) out.domains.push_back(device::bounded(domain));
  out.look_interval = std::min<std::chrono::milliseconds>(options.look_interval, kLookMax);
  out.gain = options.gain;
  return out;
}

Result<Reply> call_local(const Local& local, std::string_view payload, const std::string& type) {
  try {
    auto reply = local(payload, type);
    if (reply) reply->endpoint = "local";
    return reply;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    return Error{ErrorCode::kProtocol, std::string("the local function: ") + e.what(), 0};
  } catch (...) {
    return Error{ErrorCode::kProtocol, "the local function threw something", 0};
  }
}

}  // namespace

struct Domains::Impl {
  Impl(DomainsOptions given, ContextRequest wanted)
      : local(given.local ? std::make_shared<const Local>(std::move(given.local)) : nullptr),
        options(without_functions(given)),
        request(std::move(wanted)),
        ranking(options.domains.size(), options.gain) {
    if (problem() != nullptr) return;
    listener.set(std::move(given.on_change));
    domains.reserve(options.domains.size());
    for (const auto& domain : options.domains) domains.push_back(std::make_unique<Domain>(domain));
    for (std::size_t i = 0; i < domains.size(); ++i) start(i);
  }
  ~Impl() { close(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // What one orchestrator is to us. Guarded by `mutex`, but for what its keeper alone uses.
  struct Domain {
    explicit Domain(const ClientOptions& options)
        : shared(std::make_shared<device::Shared>(options)), probe(probe_options(options)) {}
    std::shared_ptr<Session> context;
    std::string last_error;
    const std::shared_ptr<device::Shared> shared;
    http::CurlClient probe;  // of the keeper, but for interrupt()
    int failures = 0;        // of the keeper: attempts to have a context
    std::thread keeper;
  };

  [[nodiscard]] const char* problem() const {
    if (options.domains.empty()) return "there is no domain";
    if (options.domains.size() > kDomainsMax) return "there are more than 16 domains";
    if (!(options.gain >= 0 && options.gain < 1)) return "the gain must be at least 0 and below 1";
    if (options.look_interval.count() < 1) return "the look_interval must be positive";
    return nullptr;
  }

  void start(std::size_t i);
  void keep(std::size_t i) noexcept;
  void look(std::size_t i);
  [[nodiscard]] std::optional<std::chrono::microseconds> round_trip(Domain& domain,
                                                                    const std::string& endpoint);
  void learn(std::size_t i, std::optional<std::chrono::microseconds> latency, std::string why);
  void settle();
  void close();
  [[nodiscard]] bool is_closed() const;

  [[nodiscard]] std::vector<std::pair<std::size_t, std::shared_ptr<Session>>> candidates();
  [[nodiscard]] Result<Reply> call(std::string_view payload, const std::string& type);

  std::shared_ptr<const Local> local;  // guarded by `mutex`; none: there is none, or it is closed
  const DomainsOptions options;
  const ContextRequest request;

  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  device::DomainRanking ranking;
  std::vector<std::unique_ptr<Domain>> domains;
  std::optional<std::size_t> seen;  // the current one, as on_change was or will be told
  device::Listener<DomainChange> listener;
  bool stopping = false;
  Clock::time_point stopped_at;
  std::mutex joining;  // of the keepers
};

// Without a thread a domain is never confirmed, and says why.
void Domains::Impl::start(std::size_t i) {
  try {
    domains[i]->keeper = std::thread([this, i] { keep(i); });
  } catch (const std::system_error& e) {
    const std::lock_guard lock(mutex);
    domains[i]->last_error = e.what();
  }
}

// A context is had, kept and measured, and deleted at the end.
void Domains::Impl::keep(std::size_t i) noexcept {
  auto& domain = *domains[i];
  std::unique_lock lock(mutex);
  while (!stopping) {
    lock.unlock();
    try {
      look(i);
    } catch (const std::exception& e) {
      learn(i, std::nullopt, e.what());
    }
    lock.lock();
    const auto pause = options.look_interval * (1 << std::min(domain.failures, kBackOffMax));
    changed.wait_for(lock, pause, [this] { return stopping; });
  }
  const auto context = std::move(domain.context);
  const auto deadline = stopped_at + options.domains[i].timeout;
  lock.unlock();
  if (!context) return;
  static_cast<void>(device::guarded<bool>([&] { return context->close(deadline).ok(); }));
}

void Domains::Impl::look(std::size_t i) {
  auto& domain = *domains[i];
  if (!domain.context) {
    auto opened = device::open(domain.shared, request, [this] { return is_closed(); });
    if (!opened) {
      ++domain.failures;
      return learn(i, std::nullopt, opened.error().detail);
    }
    domain.failures = 0;
    const std::lock_guard lock(mutex);
    domain.context = std::move(*opened);
  }
  const auto endpoint = domain.context->state().endpoint();
  if (endpoint.empty()) return learn(i, std::nullopt, "the application runs nowhere");
  const auto latency = round_trip(domain, endpoint);
  learn(i, latency, latency ? "" : endpoint + " does not answer");
}

// The second exchange has a connection to go over; a λ need not know OPTIONS.
std::optional<std::chrono::microseconds> Domains::Impl::round_trip(Domain& domain,
                                                                   const std::string& endpoint) {
  const auto url = device::call_url(endpoint);
  std::chrono::microseconds latency{0};
  for (int exchange = 0; exchange < 2; ++exchange) {
    const auto begin = Clock::now();
    const auto reply =
        url ? domain.probe.send("OPTIONS", *url, {}, "") : unavailable("no address of HTTP");
    if (!reply || (reply->status >= 500 && reply->status != kNotImplemented)) return std::nullopt;
    latency = since(begin);
  }
  return latency;
}

void Domains::Impl::learn(std::size_t i, std::optional<std::chrono::microseconds> latency,
                          std::string why) {
  const std::lock_guard lock(mutex);
  ranking.measured(i, latency, Clock::now());
  // While it is left alone, the call that failed is the reason, though its endpoint answers.
  if (!latency || ranking.is_confirmed(i)) domains[i]->last_error = std::move(why);
  settle();
}

// Under the lock, so that it is told in order.
void Domains::Impl::settle() {
  if (ranking.current() == seen) return;
  const auto url = [this](std::optional<std::size_t> i) {
    return i ? options.domains[*i].url : std::string();
  };
  listener.tell({url(seen), url(ranking.current())});
  seen = ranking.current();
  changed.notify_all();
}

// Keepers run nothing of the application, so that whoever closes may wait for them.
void Domains::Impl::close() {
  std::shared_ptr<const Local> last;
  {
    const std::lock_guard lock(mutex);
    if (!stopping) stopped_at = Clock::now();
    stopping = true;
    last.swap(local);
    changed.notify_all();
  }
  listener.close();
  for (auto& domain : domains) domain->probe.interrupt();
  const std::lock_guard lock(joining);
  for (auto& domain : domains) {
    if (domain->keeper.joinable()) domain->keeper.join();
  }
}

bool Domains::Impl::is_closed() const {
  const std::lock_guard lock(mutex);
  return stopping;
}

std::vector<std::pair<std::size_t, std::shared_ptr<Session>>> Domains::Impl::candidates() {
  const std::lock_guard lock(mutex);
  std::vector<std::pair<std::size_t, std::shared_ptr<Session>>> found;
  for (const auto i : ranking.order()) {
    if (domains[i]->context) found.emplace_back(i, domains[i]->context);
  }
  return found;
}

Result<Reply> Domains::Impl::call(std::string_view payload, const std::string& type) {
  Result<Reply> last = Error{ErrorCode::kUnreachable, "no domain can be reached", 0};
  int attempts = 0;
  for (const auto& [i, context] : candidates()) {
    const auto begin = Clock::now();
    auto called = device::guarded<device::Called>(
        [&session = *context, &payload, &type] { return session.invoke(payload, type); });
    const bool good = called && called->is_answer;
    const std::lock_guard lock(mutex);
    if (!good && stopping) return device::closed();
    ranking.called(i, good, begin, Clock::now());
    if (!good && !ranking.is_confirmed(i)) {
      domains[i]->last_error = called ? "the last call got " + std::to_string(called->reply.status)
                                      : called.error().message;
    }
    settle();
    if (called) called->reply.attempts += attempts;
    attempts = called ? called->reply.attempts : attempts + 1;
    if (good) return std::move(called->reply);
    if (called) last = std::move(called->reply);
    if (!called && !last) last = called.error();
  }
  std::shared_ptr<const Local> function;
  {
    const std::lock_guard lock(mutex);
    if (stopping) return device::closed();
    function = local;
  }
  if (!function) return last;
  auto reply = call_local(*function, payload, type);
  if (!reply && last) return last;
  if (reply) reply->attempts = attempts + 1;
  return reply;
}

Domains::Domains(DomainsOptions options, ContextRequest request)
    : impl_(std::make_shared<Impl>(std::move(options), std::move(request))) {}
Domains::~Domains() = default;
Domains::Domains(Domains&&) noexcept = default;
Domains& Domains::operator=(Domains&&) noexcept = default;

// The application may destroy this meanwhile, in its local function or when one of its functions
// dies.
Result<Reply> Domains::invoke(std::string_view payload, const std::string& content_type) {
  const auto impl = impl_;
  if (const auto* problem = impl->problem()) {
    return Error{ErrorCode::kInvalidArgument, problem, 0};
  }
  if (impl->is_closed()) return device::closed();
  if (const auto fine = device::check_content_type(content_type); !fine) {
    return device::error_of(fine.error());
  }
  const auto begin = Clock::now();
  auto reply = impl->call(payload, content_type);
  if (reply) reply->latency = since(begin);
  return reply;
}

std::string Domains::current() const {
  const std::lock_guard lock(impl_->mutex);
  const auto current = impl_->ranking.current();
  return current ? impl_->options.domains[*current].url : std::string();
}

std::vector<DomainStatus> Domains::status() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<DomainStatus> out;
  for (std::size_t i = 0; i < impl_->domains.size(); ++i) {
    const auto& domain = *impl_->domains[i];
    out.push_back({impl_->options.domains[i].url, impl_->ranking.is_confirmed(i),
                   domain.context ? domain.context->state().endpoint() : std::string(),
                   impl_->ranking.latency(i), domain.last_error});
  }
  return out;
}

bool Domains::wait_for_domain(std::chrono::milliseconds timeout) const {
  const auto impl = impl_;
  std::unique_lock lock(impl->mutex);
  impl->changed.wait_until(lock, device::deadline_after(timeout),
                           [&] { return impl->ranking.current() || impl->stopping; });
  return impl->ranking.current().has_value();
}

void Domains::close() {
  const auto impl = impl_;
  impl->close();
}

}  // namespace mx2::client
