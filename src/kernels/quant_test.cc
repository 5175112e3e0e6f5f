#include "kernels/quant.h"

#include "kernels/test_values.h"

namespace melete {
namespace {

enum class Kind { w8_half, w8_float, w4_symmetric, w4_half, w4_float, w4_factored };
constexpr Kind kKinds[] = {Kind::w8_half, Kind::w8_float, Kind::w4_symmetric,
                           Kind::w4_half, Kind::w4_float, Kind::w4_factored};

enum class Input { normal, all_most, zeros, outlier };
constexpr Input kInputs[] = {Input::normal, Input::all_most, Input::zeros, Input::outlier};

struct Size {
  int64_t rows, out, in;
};
constexpr ActivationType kActivations[] = {ActivationType::int8, ActivationType::int16};
constexpr Size kSizes[] = {{1, 1, 1},     {1, 16, 32},   {2, 17, 64},  {3, 33, 96},  {4, 5, 31},
                           {5, 95, 257},  {6, 64, 160},  {7, 40, 576}, {8, 31, 33},  {9, 130, 64},
                           {12, 47, 100}, {15, 16, 192}, {16, 7, 96},  {17, 70, 65}, {1, 300, 513}};

// The plain form of a weight: what the matrix is made from.
struct Weights {
  int64_t out, in;
  bool wide;
  std::vector<int8_t> w8;
  std::vector<uint8_t> w4;
  std::vector<float> scales, offsets;
  // Of factored ones [out][pairs] and [out][groups].
  std::vector<float> pair_scales, pair_offsets;
  std::vector<uint8_t> scale_factors, offset_factors;

  int value(int64_t n, int64_t k) const {
    const auto i = static_cast<size_t>(n * in + k);
    return wide ? w8[i] : w4[i];
  }
  size_t group(int64_t n, int64_t k) const {
    return static_cast<size_t>(n * quant_groups(in) + k / kQuantGroup);
  }
  double at(int64_t n, int64_t k) const {
    return double(value(n, k)) * scales[group(n, k)] + (wide ? 0.0 : double(offsets[group(n, k)]));
  }
};

// Eleven bits, as a half of ordinary size has.
float as_half(double x) {
  int exponent = 0;
  const double fraction = std::frexp(x, &exponent);
  return static_cast<float>(std::ldexp(std::nearbyint(std::ldexp(fraction, 11)), exponent - 11));
}

// Replaces scales and offsets by products of a pair's half and a group's byte.
void factor_scales(Weights& w, uint64_t seed) {
  Random random(seed);
  const int64_t groups = quant_groups(w.in), pairs = (groups + 1) / 2;
  for (int64_t i = 0; i < w.out * pairs; ++i) {
    w.pair_scales.push_back(as_half(random.uniform(0.0005, 0.001)));
    w.pair_offsets.push_back(-as_half(random.uniform(0.002, 0.004)));
  }
  for (int64_t i = 0; i < w.out * groups; ++i) {
    w.scale_factors.push_back(static_cast<uint8_t>(random.integer(0, 63)));
    w.offset_factors.push_back(static_cast<uint8_t>(random.integer(0, 255)));
    const auto pair = static_cast<size_t>(i / groups * pairs + i % groups / 2), at = static_cast<size_t>(i);
    w.scales[at] = w.pair_scales[pair] * static_cast<float>(w.scale_factors[at]);
    w.offsets[at] = w.pair_offsets[pair] * static_cast<float>(w.offset_factors[at]);
  }
}

Weights make_weights(Kind kind, Input input, int64_t out, int64_t in, uint64_t seed) {
  Random random(seed);
  Weights w{out, in, kind == Kind::w8_half || kind == Kind::w8_float, {}, {}, {}, {}, {}, {}, {}, {}};
  for (int64_t i = 0; i < out * in; ++i) {
    const bool most = input == Input::all_most;
    w.w8.push_back(static_cast<int8_t>(most ? -128 : random.integer(-128, 127)));
    w.w4.push_back(static_cast<uint8_t>(most ? 15 : random.integer(0, 15)));
  }
  const bool half = kind != Kind::w8_float && kind != Kind::w4_float;
  for (int64_t i = 0; i < out * quant_groups(in); ++i) {
    const double scale = random.uniform(0.01, 0.03);
    w.scales.push_back(half ? as_half(scale) : static_cast<float>(scale / 3));
    w.offsets.push_back(kind == Kind::w4_symmetric ? -8 * w.scales.back()
                        : half                     ? as_half(random.normal() * 0.1)
                                                   : static_cast<float>(random.normal() * 0.1));
  }
  if (kind == Kind::w4_factored) factor_scales(w, seed + 1);
  return w;
}

QuantMatrix pack_factored(ThreadPool& pool, const Weights& w) {
  return QuantMatrix::w4_factored(
      pool, w.out, w.in, [&](int64_t row, std::span<uint8_t> values, const W4Factors& to) {
        const auto copy = [&](const auto& from, auto part) {
          std::copy_n(from.begin() + row * static_cast<int64_t>(part.size()), part.size(), part.begin());
        };
        copy(w.w4, values);
        copy(w.pair_scales, to.scale);
        copy(w.pair_offsets, to.offset);
        copy(w.scale_factors, to.scale_factor);
        copy(w.offset_factors, to.offset_factor);
      });
}

QuantMatrix pack(ThreadPool& pool, const Weights& w) {
  if (!w.scale_factors.empty()) return pack_factored(pool, w);
  return w.wide ? QuantMatrix::w8(pool, w.w8, w.scales, w.out, w.in)
                : QuantMatrix::w4(pool, w.w4, w.scales, w.offsets, w.out, w.in);
}

std::vector<float> make_input(Input input, int64_t size, uint64_t seed) {
  std::vector<float> x = test_values(size, seed, true);
  if (input == Input::zeros) std::ranges::fill(x, 0.0f);
  if (input == Input::all_most) std::ranges::fill(x, -3.0f);
  if (input == Input::outlier) x[x.size() / 2] = -1e30f;
  return x;
}

std::vector<float> product(ThreadPool& pool, const QuantMatrix& w, std::span<const float> x, int64_t rows,
                           std::span<const float> bias, ActivationType type = ActivationType::int8) {
  QuantActivations activations;
  activations.assign(pool, ConstMatrix(x, rows, w.in()), type);
  std::vector<float> y(static_cast<size_t>(rows * w.out()), NAN);
  matmul(pool, activations, w, bias, Matrix(std::span(y), rows, w.out()));
  return y;
}

// The arithmetic of quant.h's header, one element.
float defined(const Weights& w, bool symmetric, std::span<const float> x, int64_t n, float bias,
              ActivationType type) {
  const bool wide = type == ActivationType::int16;
  const float most = wide ? 16256.0f : 127.0f, least = wide ? 0x1p-111f : 0x1p-118f;
  float y = 0;
  for (int64_t g = 0; g < quant_groups(w.in); ++g) {
    const int64_t end = std::min(w.in, (g + 1) * kQuantGroup);
    float amax = 0;
    for (int64_t k = g * kQuantGroup; k < end; ++k) amax = std::max(amax, std::fabs(x[size_t(k)]));
    if (amax < least) continue;
    const float a = amax / most, inverse = most / amax;
    int dot = 0, sum = 0;
    for (int64_t k = g * kQuantGroup; k < end; ++k) {
      const int v = static_cast<int>(std::nearbyint(x[size_t(k)] * inverse));
      dot += v * (w.value(n, k) - (symmetric ? 8 : 0));
      sum += v;
    }
    y = std::fma(static_cast<float>(dot) * w.scales[w.group(n, g * kQuantGroup)], a, y);
    if (!w.wide && !symmetric)
      y = std::fma(w.offsets[w.group(n, g * kQuantGroup)], a * static_cast<float>(sum), y);
  }
  return y + bias;
}

TEST(Quant, EveryVariantEqualsTheDefinition) {
  for (const Kind kind : kKinds) {
    for (const Input input : kInputs) {
      for (const Size& s : kSizes) {
        const Weights w = make_weights(kind, input, s.out, s.in, 1);
        const auto x = make_input(input, s.rows * s.in, 2), bias = test_values(s.out, 3);
        for (const ActivationType type : kActivations) {
          const auto y = expect_same_bits(
              cat("quantised ", int(kind), int(input), int(type), " ", s.rows, " x ", s.in, " x ", s.out),
              [&](ThreadPool& pool) { return product(pool, pack(pool, w), x, s.rows, bias, type); });
          for (int64_t i = 0; i < s.rows * s.out; ++i) {
            const int64_t n = i % s.out;
            const auto row = std::span(x).subspan(size_t(i / s.out * s.in), size_t(s.in));
            ASSERT_EQ(y[size_t(i)], defined(w, kind == Kind::w4_symmetric, row, n, bias[size_t(n)], type))
                << int(kind) << int(input) << int(type) << " " << s.rows << " x " << s.in << " x " << s.out
                << " at " << i;
          }
        }
      }
    }
  }
}

TEST(Quant, IsNearTheProductOfDequantisedWeights) {
  for (const int64_t one : {127, 16256})
    for (const Kind kind : kKinds) {
      const Size s{5, 70, 576};
      const Weights w = make_weights(kind, Input::normal, s.out, s.in, 4);
      const auto x = test_values(s.rows * s.in, 5);
      ThreadPool pool(2);
      const auto y = product(pool, pack(pool, w), x, s.rows, {}, kActivations[one == 127 ? 0 : 1]);
      for (int64_t i = 0; i < s.rows * s.out; ++i) {
        double sum = 0, bound = 0;
        for (int64_t g = 0; g < s.in / kQuantGroup; ++g) {
          double amax = 0, size = 0;
          for (int64_t k = g * kQuantGroup; k < (g + 1) * kQuantGroup; ++k) {
            const double value = x[size_t(i / s.out * s.in + k)];
            sum += value * w.at(i % s.out, k);
            size += std::fabs(w.at(i % s.out, k));
            amax = std::max(amax, std::fabs(value));
          }
          bound += size * amax / static_cast<double>(one) * 0.5 +
                   1e-5;  // an activation is off by at most half a step
        }
        ASSERT_NEAR(y[size_t(i)], sum, bound * 1.001) << int(kind) << " at " << i;
      }
    }
}

TEST(Quant, RowsDontDependOnTheirBatchNorOnThreads) {
  const Size s{29, 150, 320};
  const auto x = test_values(s.rows * s.in, 6);
  for (const Kind kind : kKinds) {
    ThreadPool two(2), three(3);
    const QuantMatrix w = pack(two, make_weights(kind, Input::normal, s.out, s.in, 7));
    for (size_t i = 0; i < 2 * std::size(kIsas); ++i) {
      if (!machine_has(kIsas[i / 2])) continue;
      const ActivationType type = kActivations[i % 2];
      const ScopedIsa scoped(kIsas[i / 2]);
      const auto all = product(two, w, x, s.rows, {}, type);
      for (const int64_t count : {1, 2, 7, 8, 16, 17}) {
        for (int64_t row = 0; row + count <= s.rows; row += 3) {
          const auto part = std::span(x).subspan(size_t(row * s.in), size_t(count * s.in));
          const auto y = product(three, w, part, count, {}, type);
          ASSERT_TRUE(std::equal(y.begin(), y.end(), all.begin() + row * s.out))
              << count << " rows at " << row;
        }
      }
    }
  }
}

TEST(Quant, SeveralProductsAtOnceEqualEachAlone) {
  const int64_t K = 576, M = 3;
  const auto x = test_values(M * K, 8), bias = test_values(700, 9);
  ThreadPool pool(2);
  QuantActivations activations;
  activations.assign(pool, ConstMatrix(x, M, K));
  std::vector<QuantMatrix> matrices;
  for (const Kind kind : kKinds)
    matrices.push_back(pack(pool, make_weights(kind, Input::normal, int(kind) == 2 ? 700 : 33, K, 10)));
  std::vector<std::vector<float>> alone, together;
  std::vector<QuantTarget> targets;
  for (const QuantMatrix& w : matrices) {
    const auto b = w.out() == 700 ? std::span<const float>(bias) : std::span<const float>();
    alone.push_back(product(pool, w, x, M, b));
    together.emplace_back(size_t(M * w.out()), NAN);
    targets.push_back({&w, Matrix(std::span(together.back()), M, w.out()), b});
  }
  matmul_each(pool, activations, targets);
  EXPECT_EQ(alone, together);
}

TEST(Quant, RowsOfTheTableAreTheWeights) {
  for (const Kind kind : kKinds) {
    for (const Size& s : {Size{0, 50, 100}, Size{0, 16, 64}, Size{0, 1, 33}}) {
      const Weights w = make_weights(kind, Input::normal, s.out, s.in, 11);
      ThreadPool pool(2);
      const QuantMatrix packed = pack(pool, w);
      std::vector<int32_t> ids;
      for (int64_t n = s.out - 1; n >= 0; --n) ids.push_back(static_cast<int32_t>(n));
      std::vector<float> rows(size_t(s.out * s.in), NAN);
      lookup_rows(packed, ids, Matrix(std::span(rows), s.out, s.in));
      for (int64_t i = 0; i < s.out * s.in; ++i)
        ASSERT_EQ(rows[size_t(i)], static_cast<float>(w.at(s.out - 1 - i / s.in, i % s.in)))
            << int(kind) << " " << i;
    }
  }
}

TEST(Quant, ANonFiniteActivationSpoilsItsRowOnly) {
  constexpr int64_t kRows = 11;  // a whole block, and less than one
  for (const Kind kind : kKinds) {
    const Weights w = make_weights(kind, Input::normal, 40, 96, 12);
    for (const float bad : {INFINITY, -INFINITY, NAN}) {
      std::vector<float> x = test_values(kRows * 96, 13);
      x[96 + 40] = x[9 * 96 + 40] = bad;
      for (const Isa isa : kIsas) {
        if (!machine_has(isa)) continue;
        const ScopedIsa scoped(isa);
        ThreadPool pool(1);
        for (const ActivationType type : kActivations) {
          const auto y = product(pool, pack(pool, w), x, kRows, {}, type);
          for (int64_t i = 0; i < kRows * 40; ++i)
            ASSERT_EQ(std::isnan(y[size_t(i)]), i / 40 == 1 || i / 40 == 9) << i;
        }
      }
    }
  }
}

TEST(Quant, ANonFiniteScaleOfAFileSpoilsItsColumnAndCrashesNothing) {
  for (const float bad : {INFINITY, NAN}) {
    Weights w = make_weights(Kind::w4_half, Input::normal, 20, 64, 15);
    w.scales[7] = bad;  // row 3, second group
    ThreadPool pool(1);
    const auto fill = [&](int64_t row, std::span<uint8_t> values, std::span<float> scales,
                          std::span<float> offsets) {
      for (size_t k = 0; k < 64; ++k) values[k] = 3;
      for (size_t g = 0; g < 2; ++g) {
        scales[g] = w.scales[size_t(row) * 2 + g];
        offsets[g] = w.offsets[size_t(row) * 2 + g];
      }
    };
    const auto y = product(pool, QuantMatrix::w4(pool, 20, 64, ScaleType::f16, false, fill),
                           std::vector<float>(64, 1.0f), 1, {});
    for (int64_t n = 0; n < 20; ++n) EXPECT_EQ(std::isfinite(y[size_t(n)]), n != 3) << n;
  }
}

TEST(Quant, FactoredScalesTakeFiveBitsAWeight) {
  ThreadPool pool(1);
  EXPECT_EQ(pack(pool, make_weights(Kind::w4_factored, Input::normal, 32, 256, 16)).bytes(),
            32 * 256 * 5 / 8);
  EXPECT_EQ(pack(pool, make_weights(Kind::w4_half, Input::normal, 32, 256, 16)).bytes(), 32 * 256 * 5 / 8);
  EXPECT_EQ(pack(pool, make_weights(Kind::w4_symmetric, Input::normal, 32, 256, 16)).bytes(),
            32 * 256 * 9 / 16);
  EXPECT_EQ(pack(pool, make_weights(Kind::w8_half, Input::normal, 32, 256, 16)).bytes(), 32 * 256 * 17 / 16);
}

TEST(Quant, RoundingIsAsNearAsItsStep) {
  ThreadPool pool(2);
  for (const double size : {1.0, 1e-7, 1e6}) {  // the last two have scales that no half holds well
    auto x = test_values(40 * 100, 14);
    for (float& v : x) v = static_cast<float>(v * size);
    std::fill(x.begin(), x.begin() + 32, 0.0f);
    std::fill(x.begin() + 32, x.begin() + 64, static_cast<float>(-0.5 * size));
    const auto fill = [&](int64_t row, std::span<float> to) {
      std::copy_n(x.begin() + row * 100, 100, to.begin());
    };
    const QuantMatrix w8 = QuantMatrix::round_to_w8(pool, 40, 100, fill);
    const QuantMatrix w4 = QuantMatrix::round_to_w4(pool, 40, 100, fill);
    std::vector<float> row8(100), row4(100);
    double error4 = 0, power = 0;
    for (int64_t n = 0; n < 40; ++n) {
      w8.row(n, row8);
      w4.row(n, row4);
      for (int64_t k = 0; k < 100; ++k) {
        double amax = 0;
        for (int64_t i = k / 32 * 32; i < std::min<int64_t>(100, k / 32 * 32 + 32); ++i)
          amax = std::max(amax, std::fabs(double(x[size_t(100 * n + i)])));
        const double wanted = x[size_t(100 * n + k)];
        ASSERT_NEAR(row8[size_t(k)], wanted, amax / 127 * 0.501) << n << " " << k;
        error4 += std::pow(row4[size_t(k)] - wanted, 2);
        power += wanted * wanted;
      }
    }
    EXPECT_LT(std::sqrt(error4 / power), 0.085) << size;
    EXPECT_EQ(w8.bits(), 8);
    EXPECT_EQ(w4.bits(), 4);
  }
}

}  // namespace
}  // namespace melete
