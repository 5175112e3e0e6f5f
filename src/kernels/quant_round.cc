// Rounding of float weights to 8 and 4 bits.
//
// W8: scale amax / 127, as Q8_0. W4: scale and offset by least squares for the rounded values of several
// candidate scales, of which the one with the least squared error stays (as ggml's make_qkx2_quants).
// Scales and offsets are kept as halves unless a group of the matrix is too small or too large for that.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "kernels/quant.h"
#include "kernels/quant_layout.h"

namespace melete {
namespace {

// Least squares may not lose more than this part of a scale to its storage.
constexpr float kScaleTolerance = 0.01f;

float half_above(float x) {  // x >= 0
  const uint16_t bits = half_toward_zero(x);
  const float below = float_from_half(bits);
  return below >= x ? below : float_from_half(static_cast<uint16_t>(bits + 1));
}

float nearest_half(float x) {
  const uint16_t bits = half_toward_zero(x);
  const float inner = float_from_half(bits), outer = float_from_half(static_cast<uint16_t>(bits + 1));
  return std::fabs(x - inner) <= std::fabs(outer - x) ? inner : outer;
}

// Whether `stored` is a fair form of `wanted`; also where wanted is not finite: it is not.
bool is_near(float stored, float wanted, float scale) {
  return std::fabs(stored - wanted) <= kScaleTolerance * std::fabs(scale);
}

struct Group {
  std::span<const float> x;
  float scale = 0, offset = 0;
};

float round_w8(std::span<const float> x, bool half, std::span<int8_t> values) {
  float amax = 0;
  bool finite = true;
  for (const float v : x) {
    amax = std::max(amax, std::fabs(v));
    finite = finite && std::isfinite(v);
  }
  std::ranges::fill(values, int8_t{0});
  if (!finite) return std::numeric_limits<float>::quiet_NaN();
  const float scale = half ? half_above(amax / 127.0f) : amax / 127.0f;
  if (scale < std::numeric_limits<float>::min()) return 0;
  for (size_t i = 0; i < x.size(); ++i)
    values[i] = static_cast<int8_t>(std::clamp(std::nearbyint(x[i] / scale), -127.0f, 127.0f));
  return scale;
}

uint8_t nearest_level(float x, float scale, float offset) {
  return scale == 0 ? 0 : static_cast<uint8_t>(std::clamp(std::nearbyint((x - offset) / scale), 0.0f, 15.0f));
}

double squared_error(const Group& g) {
  double sum = 0;
  for (const float x : g.x) {
    const double e = double{g.offset} + double{g.scale} * nearest_level(x, g.scale, g.offset) - x;
    sum += e * e;
  }
  return sum;
}

// The scale and offset that fit the levels which g's own give.
Group least_squares(const Group& g) {
  double q1 = 0, q2 = 0, x1 = 0, xq = 0;
  const auto n = static_cast<double>(g.x.size());
  for (const float x : g.x) {
    const double q = nearest_level(x, g.scale, g.offset);
    q1 += q;
    q2 += q * q;
    x1 += x;
    xq += q * x;
  }
  const double spread = n * q2 - q1 * q1;
  if (spread <= 0) return g;
  const double scale = (n * xq - q1 * x1) / spread;
  return {g.x, static_cast<float>(scale), static_cast<float>((x1 - scale * q1) / n)};
}

Group best_w4(std::span<const float> x) {
  const auto [least, most] = std::ranges::minmax(x);
  if (!std::isfinite(least) || !std::isfinite(most) || !std::isfinite(most - least))
    return {x, std::numeric_limits<float>::quiet_NaN(), 0};
  Group best{x, (most - least) / 15.0f, least};
  double best_error = squared_error(best);
  for (const float levels : {13.0f, 13.75f, 14.5f, 15.0f, 15.5f}) {
    const Group g = least_squares({x, (most - least) / levels, least});
    const double error = squared_error(g);
    if (error < best_error) {
      best_error = error;
      best = g;
    }
  }
  return best;
}

// pack(type) with halves, then again with floats if it said that halves don't do.
template <class Pack>
QuantMatrix with_fitting_scales(const Pack& pack) {
  std::atomic<bool> fits{true};
  QuantMatrix w = pack(ScaleType::f16, fits);
  return fits ? w : pack(ScaleType::f32, fits);
}

}  // namespace

QuantMatrix QuantMatrix::round_to_w8(ThreadPool& pool, int64_t out, int64_t in, const FillFloats& fill) {
  return with_fitting_scales([&](ScaleType type, std::atomic<bool>& fits) {
    return w8(pool, out, in, type, [&](int64_t row, std::span<int8_t> values, std::span<float> scales) {
      std::vector<float> x(static_cast<size_t>(in));
      fill(row, x);
      for (size_t g = 0; g < scales.size(); ++g) {
        const size_t begin = g * kQuantGroup, size = std::min<size_t>(kQuantGroup, x.size() - begin);
        const std::span<const float> group(x.data() + begin, size);
        scales[g] = round_w8(group, false, values.subspan(begin, size));
        if (type == ScaleType::f32) continue;
        const float stored = half_above(scales[g]);
        if (is_near(stored, scales[g], scales[g])) {
          scales[g] = round_w8(group, true, values.subspan(begin, size));
        } else {
          scales[g] = 0;
          fits = false;
        }
      }
    });
  });
}

QuantMatrix QuantMatrix::round_to_w4(ThreadPool& pool, int64_t out, int64_t in, const FillFloats& fill) {
  return with_fitting_scales([&](ScaleType type, std::atomic<bool>& fits) {
    return w4(
        pool, out, in, type, false,
        [&](int64_t row, std::span<uint8_t> values, std::span<float> scales, std::span<float> offsets) {
          std::vector<float> x(static_cast<size_t>(in));
          fill(row, x);
          for (size_t i = 0; i < scales.size(); ++i) {
            const size_t begin = i * kQuantGroup, size = std::min<size_t>(kQuantGroup, x.size() - begin);
            Group g = best_w4({x.data() + begin, size});
            if (type == ScaleType::f16) {
              const Group wanted = g;
              g.scale = nearest_half(wanted.scale);
              g.offset = nearest_half(wanted.offset);
              if (!is_near(g.scale, wanted.scale, wanted.scale) ||
                  !is_near(g.offset, wanted.offset, std::max(4 * wanted.scale, std::fabs(wanted.offset)))) {
                g.scale = g.offset = 0;
                fits = false;
              }
            }
            scales[i] = g.scale;
            offsets[i] = g.offset;
            for (size_t k = 0; k < size; ++k)
              values[begin + k] = nearest_level(x[begin + k], g.scale, g.offset);
          }
        });
  });
}

}  // namespace melete
