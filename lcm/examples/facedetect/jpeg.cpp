#include "lcm/examples/facedetect/jpeg.h"

#include <turbojpeg.h>

#include <algorithm>
#include <memory>
#include <span>

namespace mx2::lambda {
namespace {

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using Decoder = std::unique_ptr<void, Destroy>;

Error bad_image(void* decoder) {
  auto error = invalid_argument(std::string("no JPEG picture: ") + tjGetErrorStr2(decoder));
  error.cause = "bad-image";
  return error;
}

// The largest that still fits.
tjscalingfactor scale_for(int width, int height) {
  int count = 0;
  const std::span<const tjscalingfactor> factors(tjGetScalingFactors(&count),
                                                 static_cast<std::size_t>(std::max(0, count)));
  tjscalingfactor best{1, 8};
  for (const auto factor : factors) {
    const bool shrinks = factor.num <= factor.denom;
    const bool fits = TJSCALED(std::max(width, height), factor) <= kSideMax;
    if (shrinks && fits && factor.num * best.denom > best.num * factor.denom) best = factor;
  }
  return best;
}

}  // namespace

Result<GreyImage> decode_jpeg(std::string_view jpeg) {
  const Decoder decoder(tjInitDecompress());
  if (!decoder) return internal("tjInitDecompress");
  const auto* data = reinterpret_cast<const unsigned char*>(jpeg.data());
  GreyImage out;
  int subsampling = 0;
  int colours = 0;
  if (tjDecompressHeader3(decoder.get(), data, jpeg.size(), &out.full_width, &out.full_height,
                          &subsampling, &colours) != 0) {
    return bad_image(decoder.get());
  }
  if (std::int64_t{out.full_width} * out.full_height > kPixelsMax) {
    return refused_as(ErrorCode::kTooLarge,
                      "the picture has more than " + std::to_string(kPixelsMax) + " pixels",
                      "too-many-pixels");
  }
  const auto scale = scale_for(out.full_width, out.full_height);
  out.width = TJSCALED(out.full_width, scale);
  out.height = TJSCALED(out.full_height, scale);
  out.pixels.resize(static_cast<std::size_t>(out.width) * static_cast<std::size_t>(out.height));
  // Progressive pictures may repeat their scans without end.
  if (tjDecompress2(decoder.get(), data, jpeg.size(), out.pixels.data(), out.width, 0, out.height,
                    TJPF_GRAY, TJFLAG_LIMITSCANS) != 0) {
    return bad_image(decoder.get());
  }
  return out;
}

}  // namespace mx2::lambda
