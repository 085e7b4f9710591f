#include "lcm/examples/facedetect/face_detector.h"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>

namespace mx2::lambda {
namespace {

constexpr std::size_t kFacesMax = 1000;
constexpr double kScaleStep = 1.1;
constexpr int kNeighbours = 4;
constexpr int kSideMin = 24;  // pixels, what the cascade was trained with

class CascadeDetector final : public FaceDetector {
 public:
  // Throws cv::Exception when there is no such file or it is no cascade.
  explicit CascadeDetector(const std::string& cascade) : cascade_(cascade) {}
  [[nodiscard]] bool ready() const { return !cascade_.empty(); }

  Result<std::vector<Face>> detect(const GreyImage& image) override {
    try {
      return scaled(find(image), static_cast<double>(image.full_width) / image.width);
    } catch (const cv::Exception& e) {
      return internal(e.what());
    }
  }

 private:
  std::vector<cv::Rect> find(const GreyImage& image) {
    cv::Mat grey;
    const cv::Mat pixels(image.height, image.width, CV_8UC1,
                         const_cast<unsigned char*>(image.pixels.data()));  // only read
    cv::equalizeHist(pixels, grey);
    std::vector<cv::Rect> found;
    cascade_.detectMultiScale(grey, found, kScaleStep, kNeighbours, 0, {kSideMin, kSideMin});
    if (found.size() > kFacesMax) found.resize(kFacesMax);
    return found;
  }

  static std::vector<Face> scaled(const std::vector<cv::Rect>& found, double factor) {
    const auto full = [factor](int value) { return static_cast<int>(value * factor); };
    std::vector<Face> faces;
    faces.reserve(found.size());
    for (const auto& face : found) {
      faces.push_back({full(face.x), full(face.y), full(face.width), full(face.height)});
    }
    return faces;
  }

  cv::CascadeClassifier cascade_;
};

}  // namespace

Result<std::shared_ptr<FaceDetector>> FaceDetector::load(const std::string& cascade) {
  cv::setNumThreads(1);
  try {
    auto detector = std::make_shared<CascadeDetector>(cascade);
    if (detector->ready()) return std::shared_ptr<FaceDetector>(std::move(detector));
  } catch (const cv::Exception& e) {
    return invalid_argument(cascade + " is no cascade");
  }
  return invalid_argument(cascade + " is no cascade, or cannot be read");
}

}  // namespace mx2::lambda
