#include "lcm/examples/facedetect/face_detector.h"

#include <memory>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>

namespace mx2::lambda {
namespace {

constexpr std::size_t kFacesMax = 1000;
constexpr double kScaleStep = 1.1;
constexpr int kNeighbours = 4;
constexpr int kSideMin = 24;  // pixels, what the cascade was trained with

std::vector<cv::Rect> find_faces(cv::CascadeClassifier& cascade, const GreyImage& image) {
  cv::Mat grey;
  const cv::Mat pixels(image.height, image.width, CV_8UC1,
                       const_cast<unsigned char*>(image.pixels.data()));  // only read
  cv::equalizeHist(pixels, grey);
  std::vector<cv::Rect> found;
  cascade.detectMultiScale(grey, found, kScaleStep, kNeighbours, 0, {kSideMin, kSideMin});
  if (found.size() > kFacesMax) found.resize(kFacesMax);
  return found;
}

std::vector<Face> scaled(const std::vector<cv::Rect>& found, double factor) {
  const auto full = [factor](int value) { return static_cast<int>(value * factor); };
  std::vector<Face> faces;
  faces.reserve(found.size());
  for (const auto& face : found) {
    faces.push_back({full(face.x), full(face.y), full(face.width), full(face.height)});
  }
  return faces;
}

Result<std::vector<Face>> detect_with(cv::CascadeClassifier& cascade, const GreyImage& image) {
  try {
    return scaled(find_faces(cascade, image), static_cast<double>(image.full_width) / image.width);
  } catch (const cv::Exception& e) {
    return internal(e.what());
  }
}

}  // namespace

Result<FaceDetector> load_face_detector(const std::string& file) {
  cv::setNumThreads(1);
  try {
    const auto cascade = std::make_shared<cv::CascadeClassifier>(file);
    if (cascade->empty()) return invalid_argument(file + " is no cascade, or cannot be read");
    return FaceDetector([cascade](const GreyImage& image) { return detect_with(*cascade, image); });
  } catch (const cv::Exception&) {
    return invalid_argument(file + " is no cascade");
  }
}

}  // namespace mx2::lambda
