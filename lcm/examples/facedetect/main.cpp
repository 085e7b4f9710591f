// mx2-facedetect: a λ that finds faces in a JPEG picture. Its answer is
// {"faces":[{"x","y","width","height"}],"width","height",…}.
#include <filesystem>
#include <iostream>
#include <memory>

#include "api/base/text.h"
#include "lcm/examples/common/lambda.h"
#include "lcm/examples/facedetect/face_detector.h"

namespace mx2::lambda {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBodyBytesMax = 8 << 20;
constexpr std::size_t kWaitingMax = 16;  // pictures are large
constexpr std::size_t kConnectionsMax = 200;

// Beside the program, as in its package.
std::string default_cascade() {
  std::error_code failed;
  const auto program = fs::read_symlink("/proc/self/exe", failed);
  return (program.parent_path().parent_path() / "share" / "haarcascade_frontalface_default.xml")
      .string();
}

bool is_jpeg(const http::Request& request) {
  const auto type = request.header("Content-Type");
  return type && equals_ignoring_case(trim(split(*type, ';').front()), "image/jpeg");
}

Result<json::Value> detect_faces(const FaceDetector& detector, const http::Request& request) {
  if (request.method == "GET") return json::Value{{"usage", "POST a picture as image/jpeg"}};
  if (!is_jpeg(request)) {
    return refused_as(ErrorCode::kUnsupportedMediaType, "the picture must be image/jpeg");
  }
  const auto image = decode_jpeg(request.body);
  if (!image) return image.error();
  const auto found = detector(*image);
  if (!found) return found.error();
  auto faces = json::Value::array();
  for (const auto& face : *found) {
    faces.push_back({{"x", face.x}, {"y", face.y}, {"width", face.width}, {"height", face.height}});
  }
  return json::Value{
      {"faces", std::move(faces)}, {"width", image->full_width}, {"height", image->full_height}};
}

Result<std::vector<Work>> make_workers(int threads, const std::string& cascade) {
  std::vector<Work> workers;
  for (int i = 0; i < threads; ++i) {
    const auto detector = load_face_detector(cascade);
    if (!detector) return detector.error();
    workers.emplace_back([detector = *detector](const http::Request& request) {
      return detect_faces(detector, request);
    });
  }
  return workers;
}

}  // namespace
}  // namespace mx2::lambda

int main(int argc, char** argv) {
  using namespace mx2::lambda;  // NOLINT(google-build-using-namespace): main() alone
  Options options;
  options.name = "facedetect";
  options.body_bytes_max = kBodyBytesMax;
  options.waiting_max = kWaitingMax;
  options.connections_max = kConnectionsMax;
  std::string cascade = default_cascade();
  CLI::App app{"A λ that finds faces in pictures", "mx2-facedetect"};
  add_options(app, options);
  app.add_option("--cascade", cascade, "OpenCV's description of what to look for")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  auto workers = make_workers(options.threads, cascade);
  if (workers) return run(options, std::move(*workers));
  std::cerr << "mx2-facedetect: " << workers.error().detail << "\n";
  return 1;
}
