#include "media/resize.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"

namespace melete {
namespace {

constexpr double kSupport = 3.0;
constexpr int kMaxPrecision = 22;

double lanczos(double x) {
  if (x == 0.0) return 1.0;
  if (x < -kSupport || x >= kSupport) return 0.0;
  const double a = std::numbers::pi * x;
  return std::sin(a) / a * std::sin(a / kSupport) / (a / kSupport);
}

// For each output position: its first input position and its weights, all padded with zeros to `taps`.
struct Taps {
  int64_t taps = 0;
  int precision = 0;             // weights are w * 2^precision
  std::vector<int64_t> first;    // [output]
  std::vector<int32_t> weights;  // [output, taps]
};

Taps make_taps(int64_t input, int64_t output) {
  const double scale = static_cast<double>(input) / static_cast<double>(output);
  const double stretch = std::max(scale, 1.0), support = kSupport * stretch;
  const auto most = static_cast<int64_t>(std::ceil(support)) * 2 + 1;
  Taps taps;
  taps.taps = std::min(most, input);
  std::vector<double> real(static_cast<size_t>(output * taps.taps), 0.0);
  double largest = 0.0;
  for (int64_t i = 0; i < output; ++i) {
    const double center = scale * (static_cast<double>(i) + 0.5);
    const int64_t begin = std::max<int64_t>(static_cast<int64_t>(center - support + 0.5), 0);
    const int64_t end = std::min({static_cast<int64_t>(center + support + 0.5), input, begin + taps.taps});
    // The window starts early enough that all taps stay inside; the weights before `begin` are zero.
    const int64_t first = std::min(begin, input - taps.taps);
    double* row = &real[static_cast<size_t>(i * taps.taps)];
    double sum = 0.0;
    for (int64_t j = begin; j < end; ++j)
      sum += row[j - first] = lanczos((static_cast<double>(j) - center + 0.5) / stretch);
    for (int64_t j = begin; j < end; ++j) largest = std::max(largest, row[j - first] /= sum);
    taps.first.push_back(first);
  }
  while (taps.precision < kMaxPrecision &&
         static_cast<int>(0.5 + largest * (1 << (taps.precision + 1))) < (1 << 15))
    ++taps.precision;
  const double unit = 1 << taps.precision;
  for (const double w : real) taps.weights.push_back(static_cast<int32_t>(w * unit + (w < 0.0 ? -0.5 : 0.5)));
  return taps;
}

uint8_t to_byte(int32_t sum, int precision) {
  return static_cast<uint8_t>(std::clamp(sum >> precision, 0, 255));
}

void resize_row(const uint8_t* in, uint8_t* out, const Taps& taps) {
  const int32_t* weights = taps.weights.data();
  const int32_t half = 1 << (taps.precision - 1);
  for (const int64_t first : taps.first) {
    const uint8_t* pixel = in + first * 3;
    int32_t red = half, green = half, blue = half;
    for (int64_t k = 0; k < taps.taps; ++k, pixel += 3) {
      red += weights[k] * pixel[0];
      green += weights[k] * pixel[1];
      blue += weights[k] * pixel[2];
    }
    weights += taps.taps;
    *out++ = to_byte(red, taps.precision);
    *out++ = to_byte(green, taps.precision);
    *out++ = to_byte(blue, taps.precision);
  }
}

// One output row from `taps` input rows of `stride` bytes, in blocks of a fixed length that compilers
// vectorise.
void mix_rows(const uint8_t* in, int64_t stride, const int32_t* weights, const Taps& taps, uint8_t* out) {
  constexpr int64_t kBlock = 64;
  for (int64_t x = 0; x < stride; x += kBlock) {
    int32_t sums[kBlock];
    std::fill(std::begin(sums), std::end(sums), 1 << (taps.precision - 1));
    const int64_t length = std::min(kBlock, stride - x);
    for (int64_t k = 0; k < taps.taps; ++k) {
      const uint8_t* row = in + k * stride + x;
      if (length == kBlock) {
        for (int64_t i = 0; i < kBlock; ++i) sums[i] += weights[k] * row[i];
      } else {
        for (int64_t i = 0; i < length; ++i) sums[i] += weights[k] * row[i];
      }
    }
    for (int64_t i = 0; i < length; ++i) out[x + i] = to_byte(sums[i], taps.precision);
  }
}

}  // namespace

Image resize_lanczos(const Image& image, int64_t width, int64_t height) {
  MELETE_CHECK(image.width >= 1 && image.height >= 1 && width >= 1 && height >= 1);
  MELETE_CHECK(static_cast<int64_t>(image.rgb.size()) == image.width * image.height * 3);
  Image wide{width, image.height, {}};
  if (width == image.width) {
    wide.rgb = image.rgb;
  } else {
    const Taps taps = make_taps(image.width, width);
    wide.rgb.resize(static_cast<size_t>(width * image.height * 3));
    for (int64_t y = 0; y < image.height; ++y)
      resize_row(&image.rgb[static_cast<size_t>(y * image.width * 3)],
                 &wide.rgb[static_cast<size_t>(y * width * 3)], taps);
  }
  if (height == image.height) return wide;
  const Taps taps = make_taps(image.height, height);
  const int64_t stride = width * 3;
  Image result{width, height, std::vector<uint8_t>(static_cast<size_t>(stride * height))};
  for (int64_t y = 0; y < height; ++y)
    mix_rows(&wide.rgb[static_cast<size_t>(taps.first[static_cast<size_t>(y)] * stride)], stride,
             &taps.weights[static_cast<size_t>(y * taps.taps)], taps,
             &result.rgb[static_cast<size_t>(y * stride)]);
  return result;
}

}  // namespace melete
