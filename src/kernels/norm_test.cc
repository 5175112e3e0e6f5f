#include "kernels/norm.h"

#include "kernels/test_values.h"

namespace melete {
namespace {

constexpr int64_t kRows = 7;
constexpr int64_t kWidths[] = {1, 8, 15, 16, 33, 64, 100, 257};

enum class Kind { plain, scaled, centered, input_scaled, layer };
constexpr Kind kKinds[] = {Kind::plain, Kind::scaled, Kind::centered, Kind::input_scaled, Kind::layer};

std::vector<float> normed(ThreadPool& pool, Kind kind, int64_t width, const std::vector<float>& x,
                          const std::vector<float>& w, const std::vector<float>& b) {
  const int64_t rows = static_cast<int64_t>(x.size()) / width;
  std::vector<float> out(x.size(), NAN);
  const ConstMatrix in(x, rows, width);
  const Matrix y(std::span<float>(out), rows, width);
  switch (kind) {
    case Kind::plain: rms_norm(pool, in, 1e-5f, 1.7f, y); break;
    case Kind::scaled: scaled_rms_norm(pool, in, w, 1e-5f, y); break;
    case Kind::centered: centered_rms_norm(pool, in, w, 1e-5f, y); break;
    case Kind::input_scaled: input_scaled_rms_norm(pool, in, w, 1e-5f, y); break;
    case Kind::layer: layer_norm(pool, in, w, b, 1e-5f, y); break;
  }
  return out;
}

std::vector<double> expected_row(Kind kind, std::vector<double> x, const std::vector<float>& w,
                                 const std::vector<float>& b) {
  double mean = 0, squares = 0;
  if (kind == Kind::input_scaled)
    for (size_t i = 0; i < x.size(); ++i) x[i] *= 1.0 + w[i];
  if (kind == Kind::layer)
    for (double v : x) mean += v / double(x.size());
  for (double v : x) squares += (v - mean) * (v - mean) / double(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = (x[i] - mean) / std::sqrt(squares + 1e-5f);
    if (kind == Kind::plain) x[i] *= 1.7f;
    if (kind == Kind::scaled || kind == Kind::layer) x[i] *= w[i];
    if (kind == Kind::centered) x[i] *= 1.0 + w[i];
    if (kind == Kind::layer) x[i] += b[i];
  }
  return x;
}

TEST(Norm, EqualsDoubleArithmeticAndScalarBits) {
  for (Kind kind : kKinds) {
    for (int64_t width : kWidths) {
      const auto x = test_values(kRows * width, 1), w = test_values(width, 2), b = test_values(width, 3);
      const auto y = expect_same_bits(cat("norm ", int(kind), " of ", width),
                                      [&](ThreadPool& pool) { return normed(pool, kind, width, x, w, b); });
      for (int64_t row = 0; row < kRows; ++row) {
        const auto expected =
            expected_row(kind, {x.begin() + row * width, x.begin() + (row + 1) * width}, w, b);
        for (int64_t i = 0; i < width; ++i)
          ASSERT_NEAR(y[size_t(row * width + i)], expected[size_t(i)],
                      4e-6 * (1 + std::fabs(expected[size_t(i)])))
              << int(kind) << " width " << width;
      }
    }
  }
}

TEST(Norm, AdversarialValuesGiveTheSameBits) {
  for (Kind kind : kKinds) {
    const auto x = test_values(9 * 70, 4, true), w = test_values(70, 5, true), b = test_values(70, 6, true);
    expect_same_bits("norm", [&](ThreadPool& pool) { return normed(pool, kind, 70, x, w, b); });
  }
}

TEST(Norm, RowsDontDependOnTheirBatch) {
  const int64_t width = 83;
  const auto x = test_values(40 * width, 7), w = test_values(width, 8), b = test_values(width, 9);
  ThreadPool pool(2);
  for (Kind kind : kKinds) {
    const auto all = normed(pool, kind, width, x, w, b);
    for (int64_t row = 0; row < 40; ++row) {
      const auto one =
          normed(pool, kind, width, {x.begin() + row * width, x.begin() + (row + 1) * width}, w, b);
      ASSERT_TRUE(std::equal(one.begin(), one.end(), all.begin() + row * width));
    }
  }
}

}  // namespace
}  // namespace melete
