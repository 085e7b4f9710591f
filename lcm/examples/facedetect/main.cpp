// mx2-facedetect: a λ that finds faces in a JPEG picture, by OpenCV's cascades of Haar features
// (Viola, Jones: Rapid object detection using a boosted cascade of simple features, CVPR 2001).
#include <filesystem>
#include <iostream>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>

#include "api/base/text.h"
#include "lcm/examples/common/lambda.h"
#include "lcm/examples/facedetect/jpeg.h"

namespace mx2::lambda {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBodyBytesMax = 8 << 20;
constexpr std::size_t kFacesMax = 1000;
constexpr double kScaleStep = 1.1;
constexpr int kNeighbours = 4;
constexpr int kSideMin = 24;  // pixels, what the cascade was trained with

// Beside the program, as in its package.
std::string default_cascade() {
  std::error_code failed;
  const auto program = fs::read_symlink("/proc/self/exe", failed);
  return (program.parent_path().parent_path() / "share" / "haarcascade_frontalface_default.xml")
      .string();
}

// One thread's; the classifier keeps intermediate results.
class FaceDetector {
 public:
  // Throws cv::Exception when there is no such file or it is no cascade.
  explicit FaceDetector(const std::string& cascade) : cascade_(cascade) {}
  [[nodiscard]] bool ready() const { return !cascade_.empty(); }

  json::Value detect(const GreyImage& image) {
    cv::Mat grey;
    const cv::Mat pixels(image.height, image.width, CV_8UC1,
                         const_cast<unsigned char*>(image.pixels.data()));  // only read
    cv::equalizeHist(pixels, grey);
    std::vector<cv::Rect> found;
    cascade_.detectMultiScale(grey, found, kScaleStep, kNeighbours, 0, {kSideMin, kSideMin});
    const double factor = static_cast<double>(image.full_width) / image.width;
    const auto full = [factor](int value) { return static_cast<int>(value * factor); };
    auto faces = json::Value::array();
    for (const auto& face : found) {
      if (faces.size() == kFacesMax) break;
      faces.push_back({{"x", full(face.x)},
                       {"y", full(face.y)},
                       {"width", full(face.width)},
                       {"height", full(face.height)}});
    }
    return faces;
  }

 private:
  cv::CascadeClassifier cascade_;
};

bool is_jpeg(const http::Request& request) {
  const auto type = request.header("Content-Type");
  return type && equals_ignoring_case(trim(split(*type, ';').front()), "image/jpeg");
}

Result<json::Value> detect_faces(FaceDetector& detector, const http::Request& request) {
  if (request.method == "GET") return json::Value{{"usage", "POST a picture as image/jpeg"}};
  if (!is_jpeg(request)) {
    return Error{ErrorCode::kUnsupportedMediaType, "the picture must be image/jpeg", {}, {}, {}, 0};
  }
  const auto image = decode_jpeg(request.body);
  if (!image) return image.error();
  try {
    return json::Value{{"faces", detector.detect(*image)},
                       {"width", image->full_width},
                       {"height", image->full_height}};
  } catch (const cv::Exception& e) {
    return internal(e.what());
  }
}

// Empty, after saying why, when the cascade cannot be used.
std::vector<Work> make_workers(int threads, const std::string& cascade) {
  std::vector<Work> workers;
  try {
    for (int i = 0; i < threads; ++i) {
      const auto detector = std::make_shared<FaceDetector>(cascade);
      if (!detector->ready()) break;
      workers.emplace_back(
          [detector](const http::Request& request) { return detect_faces(*detector, request); });
    }
  } catch (const cv::Exception& e) {
    workers.clear();
  }
  if (workers.empty()) std::cerr << "mx2-facedetect: " << cascade << " is no cascade\n";
  return workers;
}

}  // namespace
}  // namespace mx2::lambda

int main(int argc, char** argv) {
  using namespace mx2::lambda;  // NOLINT(google-build-using-namespace): main() alone
  Options options;
  options.name = "facedetect";
  options.body_bytes_max = kBodyBytesMax;
  std::string cascade = default_cascade();
  CLI::App app{"A λ that finds faces in pictures", "mx2-facedetect"};
  add_options(app, options);
  app.add_option("--cascade", cascade, "OpenCV's description of what to look for")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  cv::setNumThreads(1);  // --threads decides
  auto workers = make_workers(options.threads, cascade);
  return workers.empty() ? 1 : run(options, std::move(workers));
}
