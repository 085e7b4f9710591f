// Sends a picture to "facedetect" each second, wherever it runs.
//   follow PICTURE [URL [CALLS]]
#include <mx2/client.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <thread>

int main(int argc, char** argv) {
  std::ifstream file(argc > 1 ? argv[1] : "", std::ios::binary);
  const std::string picture(std::istreambuf_iterator<char>(file), {});
  if (picture.empty()) {
    std::cerr << "usage: follow PICTURE [URL [CALLS]]\n";
    return 2;
  }
  const int calls = argc > 3 ? std::atoi(argv[3]) : 60;

  mx2::client::Client client({.url = argc > 2 ? argv[2] : "http://localhost:8080"});
  auto context = client.open({.app_name = "facedetect"});
  if (!context) {
    std::cerr << context.error().message << '\n';
    return 1;
  }
  context->on_move([](const mx2::client::Move& move) {
    std::cout << "moved from " << move.from << " to " << move.to << std::endl;
  });

  for (int i = 0; i < calls; ++i) {
    const auto reply = context->invoke(picture, "image/jpeg");
    if (reply) {
      std::cout << reply->status << " by " << reply->endpoint << ": " << reply->body << std::endl;
    } else {
      std::cout << reply.error().message << std::endl;
    }
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}  // the context is deleted here
