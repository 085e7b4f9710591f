// Faces in a picture, by OpenCV's cascades of Haar features (Viola, Jones: Rapid object detection
// using a boosted cascade of simple features, CVPR 2001). The only place that includes OpenCV.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/base/result.h"
#include "lcm/examples/facedetect/jpeg.h"

namespace mx2::lambda {

struct Face {
  int x = 0;  // pixels of the picture that was sent
  int y = 0;
  int width = 0;
  int height = 0;
};

// For one thread at a time: the classifier keeps intermediate results. Uses that thread alone.
using FaceDetector = std::function<Result<std::vector<Face>>(const GreyImage& image)>;

// `file`: XML as OpenCV ships it; invalid_argument when it is none.
[[nodiscard]] Result<FaceDetector> load_face_detector(const std::string& file);

}  // namespace mx2::lambda
