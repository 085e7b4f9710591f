// Sends a picture to "facedetect" each second, wherever it runs.
//   follow [URL [CALLS]]
#include <mx2/client.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

int main(int argc, char** argv) {
  mx2::client::Client client({.url = argc > 1 ? argv[1] : "http://localhost:8080"});
  const int calls = argc > 2 ? std::atoi(argv[2]) : 60;

  auto context = client.open({.app_name = "facedetect"});
  if (!context) {
    std::cerr << context.error().message << '\n';
    return 1;
  }
  std::cout << "facedetect is at " << context->endpoint() << '\n';
  context->on_move([](const mx2::client::Move& move) {
    std::cout << "moved from " << move.from << " to " << move.to << '\n';
  });

  for (int i = 0; i < calls; ++i) {
    const auto reply = context->invoke("a picture", "image/jpeg");
    if (reply) {
      std::cout << reply->status << " by " << reply->endpoint << '\n';
    } else {
      std::cout << reply.error().message << '\n';
    }
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}
