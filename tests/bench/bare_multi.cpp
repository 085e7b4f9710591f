// The bound of what any notifier on libcurl can reach: a bare multi loop that POSTs the same bodies
// to the same receivers, with nothing to read, decide or remember.
//   mx2_bare_multi COUNT HANDLES PORT...      prints the seconds it took
#include <curl/curl.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

namespace {

std::size_t discard(const char* /*data*/, std::size_t size, std::size_t count, void* /*user*/) {
  return size * count;
}

struct Loop {
  std::size_t count = 0;
  std::vector<std::string> ports;
  curl_slist* headers = nullptr;
  CURLM* multi = curl_multi_init();
  std::size_t begun = 0;
  std::size_t delivered = 0;

  static std::string digits(std::size_t n) {
    auto text = std::to_string(n);
    return std::string(32 - text.size(), '0') + text;
  }

  void begin(CURL* handle) {
    const auto n = begun++;
    const auto url = "http://127.0.0.1:" + ports[n % ports.size()] + "/cb/" + std::to_string(n);
    const auto body = R"({"appInstanceId":"00000000000000000000000000000000","contextId":")" +
                      digits(n) +
                      R"(","notificationType":"AddressChangeNotification",)"
                      R"("referenceURI":"http://cloud.example:9000/facedetect"})";
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, body.c_str());
    curl_multi_add_handle(multi, handle);
  }

  void take_finished() {
    int left = 0;
    while (const auto* message = curl_multi_info_read(multi, &left)) {
      auto* handle = message->easy_handle;
      long status = 0;
      curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
      if (status == 204) ++delivered;
      curl_multi_remove_handle(multi, handle);
      if (begun < count) begin(handle);
    }
  }

  void run(std::size_t handles) {
    for (std::size_t i = 0; i < handles && begun < count; ++i) begin(curl_easy_init());
    for (int running = 1; running > 0 || delivered < begun;) {
      curl_multi_perform(multi, &running);
      take_finished();
      curl_multi_perform(multi, &running);
      if (running > 0) curl_multi_poll(multi, nullptr, 0, 100, nullptr);
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: mx2_bare_multi COUNT HANDLES PORT...\n";
    return 2;
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  Loop loop;
  loop.count = std::strtoull(argv[1], nullptr, 10);
  loop.ports.assign(argv + 3, argv + argc);
  loop.headers = curl_slist_append(nullptr, "Content-Type: application/json");
  loop.headers = curl_slist_append(loop.headers, "Expect:");
  const auto start = std::chrono::steady_clock::now();
  loop.run(std::strtoull(argv[2], nullptr, 10));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::cout << took.count() << "\n";
  return loop.delivered == loop.count ? 0 : 1;
}
