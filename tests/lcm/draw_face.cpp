// Draws pictures for the tests of the face detector: no photograph of anybody needed.
//
//   mx2_draw_face FILE.jpg [SIDE [FACES]]     a square of SIDE pixels, 480 unless told, with FACES
//                                             faces (1) side by side
#include <turbojpeg.h>

#include <cmath>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

// A spot of light or shade, in units of the face's half width from its middle.
struct Spot {
  double x;
  double y;
  double width;
  double height;
  double light;  // added to grey, 0 to 255
};

// What a cascade looks for: dark eyes below brows, between a light forehead, cheeks and bridge of
// the nose; dark nostrils and mouth; a dark frame of hair.
const std::vector<Spot> kFace{
    {-0.42, -0.20, 0.20, 0.09, -115}, {0.42, -0.20, 0.20, 0.09, -115},
    {-0.42, -0.40, 0.26, 0.06, -80},  {0.42, -0.40, 0.26, 0.06, -80},
    {0.00, -0.10, 0.09, 0.35, 35},    {0.00, 0.28, 0.20, 0.06, -60},
    {0.00, 0.62, 0.32, 0.08, -95},    {-0.50, 0.15, 0.22, 0.20, 25},
    {0.50, 0.15, 0.22, 0.20, 25},     {0.00, -0.72, 0.50, 0.16, 25},
    {0.00, 0.46, 0.14, 0.05, 20},     {0.00, 0.90, 0.30, 0.08, 20},
};

double smooth_edge(double distance) { return 1 / (1 + std::exp(distance / 0.03)); }

double grey_of(double x, double y) {
  const double head = smooth_edge(std::hypot(x / 0.95, y / 1.25) - 1);
  const double hair = smooth_edge(std::hypot(x / 1.05, (y + 0.15) / 1.35) - 1);
  double skin = 165;
  for (const auto& spot : kFace) {
    const double u = (x - spot.x) / spot.width;
    const double v = (y - spot.y) / spot.height;
    skin += spot.light * std::exp(-(u * u + v * v) / 1.2);
  }
  const double behind = 205 * (1 - hair) + 55 * hair;
  return behind * (1 - head) + skin * head;
}

std::vector<unsigned char> draw(int side, int faces) {
  std::vector<unsigned char> pixels(static_cast<std::size_t>(side) * static_cast<std::size_t>(side),
                                    205);
  const double radius = faces == 0 ? 0 : side / (3.4 * faces);
  for (int i = 0; i < faces; ++i) {
    const double middle = side * (i + 0.5) / faces;
    for (int y = 0; y < side; ++y) {
      for (int x = side * i / faces; x < side * (i + 1) / faces; ++x) {
        const double grey = grey_of((x - middle) / radius, (y - side / 2.0) / radius);
        pixels[static_cast<std::size_t>(y * side + x)] =
            static_cast<unsigned char>(std::fmin(255, std::fmax(0, grey)));
      }
    }
  }
  return pixels;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const int side = argc > 2 ? std::stoi(argv[2]) : 480;
  const int faces = argc > 3 ? std::stoi(argv[3]) : 1;
  const auto pixels = draw(side, faces);
  unsigned char* jpeg = nullptr;
  unsigned long size = 0;  // as TurboJPEG has it
  auto* encoder = tjInitCompress();
  const int failed = tjCompress2(encoder, pixels.data(), side, 0, side, TJPF_GRAY, &jpeg, &size,
                                 TJSAMP_GRAY, 90, 0);
  if (failed == 0) {
    std::ofstream(argv[1], std::ios::binary)
        .write(reinterpret_cast<const char*>(jpeg), static_cast<std::streamsize>(size));
  } else {
    std::cerr << "mx2_draw_face: " << tjGetErrorStr2(encoder) << "\n";
  }
  tjFree(jpeg);
  tjDestroy(encoder);
  return failed == 0 ? 0 : 1;
}
