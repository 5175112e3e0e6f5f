#include "kernels/elementwise.h"

#include "kernels/test_values.h"

namespace melete {
namespace {

// Distance in units of the last place of `expected` rounded to float.
double ulps(float got, double expected) {
  const float rounded = static_cast<float>(expected);
  if (got == rounded || (std::isinf(got) && std::isinf(rounded))) return 0;
  const float next = std::nextafter(std::fabs(rounded), INFINITY);
  return std::fabs(static_cast<double>(got) - expected) / (static_cast<double>(next) - std::fabs(rounded));
}

std::vector<float> sweep(float low, float high, int64_t count) {
  std::vector<float> x(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i)
    x[size_t(i)] = low + (high - low) * static_cast<float>(i) / static_cast<float>(count - 1);
  return x;
}

using Map = std::function<void(ThreadPool&, ConstMatrix, Matrix)>;

std::vector<float> mapped(const std::string& what, const std::vector<float>& x, const Map& map) {
  return expect_same_bits(what, [&](ThreadPool& pool) {
    std::vector<float> y(x.size(), NAN);
    const auto n = static_cast<int64_t>(x.size());
    map(pool, ConstMatrix(x, 1, n), Matrix(std::span(y), 1, n));
    return y;
  });
}

void expect_within(const std::string& what, const std::vector<float>& x, const Map& map,
                   const std::function<double(double)>& exact, double most_ulps, double floor) {
  const auto y = mapped(what, x, map);
  for (size_t i = 0; i < x.size(); ++i) {
    const double e = exact(x[i]);
    if (std::fabs(y[i] - e) > floor) {
      ASSERT_LE(ulps(y[i], e), most_ulps) << what << "(" << x[i] << ") = " << y[i];
    }
  }
}

TEST(Math, ExpIsWithinTwoUlpAndTotal) {
  const Map map = [](ThreadPool&, ConstMatrix x, Matrix y) {
    exp({x.data, size_t(x.cols)}, {y.data, size_t(y.cols)});
  };
  expect_within(
      "exp", sweep(-87, 88.7f, 200001), map, [](double v) { return std::exp(v); }, 1.5, 0);
  expect_within(
      "exp", sweep(-1e-3f, 1e-3f, 10001), map, [](double v) { return std::exp(v); }, 1.0, 0);
  expect_within(
      "exp", sweep(-104, -87, 20001), map, [](double v) { return std::exp(v); }, 1.5, 0);
  const auto y = mapped("exp", {-INFINITY, INFINITY, -200, 100, 0, -0.0f, NAN}, map);
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y[1], INFINITY);
  EXPECT_EQ(y[2], 0);
  EXPECT_EQ(y[3], INFINITY);
  EXPECT_EQ(y[4], 1);
  EXPECT_EQ(y[5], 1);
  EXPECT_TRUE(std::isnan(y[6]));
}

TEST(Math, ErfAndTanhAreWithinTwoUlp) {
  const Map erf_map = [](ThreadPool&, ConstMatrix x, Matrix y) {
    erf({x.data, size_t(x.cols)}, {y.data, size_t(y.cols)});
  };
  const Map tanh_map = [](ThreadPool& pool, ConstMatrix x, Matrix y) { softcap(pool, x, 1, 1, y); };
  for (float range : {1e-4f, 0.1f, 1.2f, 12.0f}) {
    expect_within(
        "erf", sweep(-range, range, 100001), erf_map, [](double v) { return std::erf(v); }, 2, 1e-37);
    expect_within(
        "tanh", sweep(-range, range, 100001), tanh_map, [](double v) { return std::tanh(v); }, 2, 1e-37);
  }
}

TEST(Elementwise, ActivationsEqualTheirDefinitions) {
  const auto x = sweep(-30, 30, 50021);
  expect_within(
      "gelu", x, [](ThreadPool& p, ConstMatrix a, Matrix y) { gelu(p, a, y); },
      [](double v) { return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))); }, 4, 3e-7);
  expect_within(
      "sigmoid", x, [](ThreadPool& p, ConstMatrix a, Matrix y) { scale_sigmoid(p, a, 0.5f, y); },
      [](double v) { return 1 / (1 + std::exp(-0.5 * v)); }, 3, 0);
  expect_within(
      "softcap", x, [](ThreadPool& p, ConstMatrix a, Matrix y) { softcap(p, a, 0.25f, 20, y); },
      [](double v) { return 20 * std::tanh(0.25 * v / 20); }, 4, 0);
  expect_within(
      "swiglu", x, [](ThreadPool& p, ConstMatrix a, Matrix y) { swiglu(p, a, a, y); },
      [](double v) { return v * v / (1 + std::exp(-v)); }, 4, 0);
  expect_within(
      "geglu_tanh", x, [](ThreadPool& p, ConstMatrix a, Matrix y) { geglu_tanh(p, a, a, y); },
      [](double v) {
        return 0.5 * v * v * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
      },
      4, 3e-7);
  expect_within(
      "sigmoid_gate", x, [](ThreadPool& p, ConstMatrix a, Matrix y) { sigmoid_gate(p, a, a, y); },
      [](double v) { return v / (1 + std::exp(-v)); }, 4, 0);
  expect_within(
      "add", x, [](ThreadPool& p, ConstMatrix a, Matrix y) { add(p, a, a, y); },
      [](double v) { return 2 * v; }, 0, 0);
}

TEST(Elementwise, AdversarialValuesGiveTheSameBits) {
  const auto x = test_values(20011, 1, true);
  mapped("gelu", x, [](ThreadPool& p, ConstMatrix a, Matrix y) { gelu(p, a, y); });
  mapped("swiglu", x, [](ThreadPool& p, ConstMatrix a, Matrix y) { swiglu(p, a, a, y); });
  mapped("geglu_tanh", x, [](ThreadPool& p, ConstMatrix a, Matrix y) { geglu_tanh(p, a, a, y); });
  mapped("softcap", x, [](ThreadPool& p, ConstMatrix a, Matrix y) { softcap(p, a, 0.3f, 20, y); });
}

TEST(Elementwise, ResidualGateKeepsTheNorm) {
  for (int64_t width : {5, 16, 67}) {
    const int64_t rows = 70;
    const auto x = test_values(rows * width, 1), y = test_values(rows * width, 2), g = test_values(width, 3);
    const auto out = expect_same_bits("residual_gate", [&](ThreadPool& pool) {
      std::vector<float> o(x.size());
      residual_gate(pool, ConstMatrix(x, rows, width), ConstMatrix(y, rows, width), g, 0.3f,
                    Matrix(std::span(o), rows, width));
      return o;
    });
    for (int64_t i = 0; i < rows * width; ++i) {
      const double beta = 1 / (1 + std::exp(-double(g[size_t(i % width)]) / 0.3f));
      const double alpha = std::sqrt(std::max((1 - beta) * (1 + beta), 1e-3));
      ASSERT_NEAR(out[size_t(i)], alpha * x[size_t(i)] + beta * y[size_t(i)], 2e-6);
    }
  }
}

TEST(Elementwise, RotatesHalvesOfEachHead) {
  const int64_t rows = 9, heads = 3;
  for (int64_t head_dim : {4, 10, 32, 70}) {
    const int64_t half = head_dim / 2;
    const auto x = test_values(rows * heads * head_dim, 1), angle = test_values(rows * half, 2);
    std::vector<float> c, s;
    for (float a : angle) c.push_back(std::cos(a)), s.push_back(std::sin(a));
    const auto y = expect_same_bits("rotate", [&](ThreadPool& pool) {
      std::vector<float> o(x.size());
      rotate(pool, ConstMatrix(x, rows, heads * head_dim), c, s, heads,
             Matrix(std::span(o), rows, heads * head_dim));
      return o;
    });
    for (int64_t i = 0; i < rows * heads * head_dim; ++i) {
      const int64_t d = i % head_dim, at = i / (heads * head_dim) * half + d % half;
      const double other = d < half ? -x[size_t(i + half)] : x[size_t(i - half)];
      ASSERT_NEAR(y[size_t(i)], double(x[size_t(i)]) * c[size_t(at)] + other * s[size_t(at)], 1e-6);
    }
  }
}

TEST(Elementwise, ConvolutionIsCausalAndContinuesFromHistory) {
  const int64_t rows = 23, taps = 7;
  for (int64_t channels : {3, 16, 41}) {
    const auto x = test_values(rows * channels, 1), w = test_values(taps * channels, 2),
               b = test_values(channels, 3);
    const std::vector<float> zeros(size_t((taps - 1) * channels));
    const auto conv = [&](ThreadPool& pool, std::span<const float> in, std::span<const float> history) {
      const auto n = static_cast<int64_t>(in.size()) / channels;
      std::vector<float> y(in.size());
      causal_conv(pool, ConstMatrix(in, n, channels), history, w, b, Matrix(std::span(y), n, channels));
      return y;
    };
    const auto whole = expect_same_bits("conv", [&](ThreadPool& pool) { return conv(pool, x, zeros); });
    for (int64_t i = 0; i < rows * channels; ++i) {
      const int64_t t = i / channels, c = i % channels;
      double sum = b[size_t(c)];
      for (int64_t j = std::max<int64_t>(0, taps - 1 - t); j < taps; ++j)
        sum += double(w[size_t(j * channels + c)]) * x[size_t((t - taps + 1 + j) * channels + c)];
      ASSERT_NEAR(whole[size_t(i)], sum, 1e-5);
    }
    ThreadPool pool(1);
    const int64_t at = 10;
    const std::span<const float> all(x);
    const auto rest = conv(pool, all.subspan(size_t(at * channels)),
                           all.subspan(size_t((at - taps + 1) * channels), size_t((taps - 1) * channels)));
    EXPECT_TRUE(std::equal(rest.begin(), rest.end(), whole.begin() + at * channels));
  }
}

TEST(Elementwise, WeightedRowsSumTheirTaps) {
  const int64_t width = 37, entries = 9, rows = 50, taps = 4;
  const auto table = test_values(entries * width, 1), weight = test_values(rows * taps, 2);
  std::vector<int64_t> index;
  Random random(3);
  for (int64_t i = 0; i < rows * taps; ++i) index.push_back(random.integer(0, entries - 1));
  const auto y = expect_same_bits("weighted_rows", [&](ThreadPool& pool) {
    std::vector<float> o(size_t(rows * width));
    weighted_rows(pool, ConstMatrix(table, entries, width), index, weight, Matrix(std::span(o), rows, width));
    return o;
  });
  for (int64_t i = 0; i < rows * width; ++i) {
    double sum = 0;
    for (int64_t j = 0; j < taps; ++j) {
      const auto tap = size_t(i / width * taps + j);
      sum += double(weight[tap]) * table[size_t(index[tap] * width + i % width)];
    }
    ASSERT_NEAR(y[size_t(i)], sum, 1e-5);
  }
}

TEST(Elementwise, OneValueThatIsNotFiniteIsFoundAnywhere) {
  for (int64_t size : {1, 15, 16, 17, 100}) {
    auto x = test_values(size, 1, true);
    for (int64_t at = -1; at < size; ++at) {
      for (float odd : {INFINITY, -INFINITY, NAN}) {
        auto y = x;
        if (at >= 0) y[size_t(at)] = odd;
        const auto found = expect_same_bits(
            "all_finite", [&](ThreadPool&) { return std::vector<float>{float(all_finite(y))}; });
        ASSERT_EQ(found[0], at < 0 ? 1.0f : 0.0f) << odd << " at " << at;
      }
    }
  }
}

}  // namespace
}  // namespace melete
