#include "kernels/gemm.h"

#include "kernels/test_values.h"

namespace melete {
namespace {

struct Size {
  int64_t m, n, k;
};
constexpr Size kSizes[] = {{1, 1, 1},    {1, 17, 3},     {2, 16, 16},   {3, 33, 40},
                           {5, 95, 257}, {7, 64, 24},    {12, 40, 7},   {13, 31, 31},
                           {25, 130, 9}, {49, 260, 100}, {1, 300, 513}, {6, 15, 256}};

std::vector<float> product(ThreadPool& pool, const Size& s, const std::vector<float>& x,
                           const std::vector<float>& w, const std::vector<float>& bias) {
  const PackedMatrix packed(pool, w, s.n, s.k);
  std::vector<float> y(static_cast<size_t>(s.m * s.n), NAN);
  matmul(pool, ConstMatrix(x, s.m, s.k), packed.view(), bias, Matrix(std::span(y), s.m, s.n));
  return y;
}

TEST(Gemm, EqualsDoubleArithmeticAndScalarBits) {
  for (const Size& s : kSizes) {
    for (bool adversarial : {false, true}) {
      const auto x = test_values(s.m * s.k, 1, adversarial), w = test_values(s.n * s.k, 2, adversarial);
      const auto bias = test_values(s.n, 3);
      const auto y = expect_same_bits(cat("matmul ", s.m, " ", s.n, " ", s.k),
                                      [&](ThreadPool& pool) { return product(pool, s, x, w, bias); });
      for (int64_t i = 0; i < s.m * s.n; ++i) {
        double sum = 0, size = 0;
        for (int64_t k = 0; k < s.k; ++k) {
          const double term = double(x[size_t(i / s.n * s.k + k)]) * w[size_t(i % s.n * s.k + k)];
          sum += term;
          size += std::fabs(term);
        }
        const double b = bias[size_t(i % s.n)];
        ASSERT_NEAR(y[size_t(i)], sum + b, 6e-8 * (double(s.k) * size + std::fabs(sum + b)) + 1e-37) << i;
      }
    }
  }
}

TEST(Gemm, RowsDontDependOnTheirBatch) {
  const Size s{29, 70, 300};
  const auto x = test_values(s.m * s.k, 4), w = test_values(s.n * s.k, 5);
  ThreadPool pool(2);
  for (Isa isa : kIsas) {
    if (!machine_has(isa)) continue;
    const ScopedIsa scoped(isa);
    const auto all = product(pool, s, x, w, {});
    for (int64_t count : {1, 2, 5, 11, 28}) {
      for (int64_t row = 0; row + count <= s.m; ++row) {
        const std::vector<float> part(x.begin() + row * s.k, x.begin() + (row + count) * s.k);
        const auto y = product(pool, {count, s.n, s.k}, part, w, {});
        ASSERT_TRUE(std::equal(y.begin(), y.end(), all.begin() + row * s.n)) << count << " rows at " << row;
      }
    }
  }
}

TEST(Gemm, BfloatWeightsGiveTheBitsOfTheirFloats) {
  for (const Size& s : kSizes) {
    const auto x = test_values(s.m * s.k, 10, true), bias = test_values(s.n, 11);
    std::vector<uint16_t> bits;
    std::vector<float> w = test_values(s.n * s.k, 12, true);
    for (float& v : w) {
      bits.push_back(static_cast<uint16_t>(std::bit_cast<uint32_t>(v) >> 16));
      v = std::bit_cast<float>(static_cast<uint32_t>(bits.back()) << 16);
    }
    const auto y = expect_same_bits("bfloat", [&](ThreadPool& pool) {
      const PackedMatrix packed(pool, bits, s.n, s.k);
      std::vector<float> out(static_cast<size_t>(s.m * s.n), NAN);
      matmul(pool, ConstMatrix(x, s.m, s.k), packed.view(), bias, Matrix(std::span(out), s.m, s.n));
      return out;
    });
    ThreadPool one(1);
    EXPECT_EQ(y, product(one, s, x, w, bias)) << s.m << " " << s.n << " " << s.k;
  }
}

TEST(Gemm, RowsOfThePackedFormAreTheWeights) {
  const int64_t N = 37, K = 21;
  const auto w = test_values(N * K, 13);
  std::vector<uint16_t> bits;
  for (const float v : w) bits.push_back(static_cast<uint16_t>(std::bit_cast<uint32_t>(v) >> 16));
  ThreadPool pool(2);
  const PackedMatrix floats(pool, w, N, K), bfloats(pool, bits, N, K);
  EXPECT_EQ(floats.bytes(), 2 * bfloats.bytes());
  std::vector<float> row(static_cast<size_t>(K)), bfloat_row(row);
  for (int64_t n = 0; n < N; ++n) {
    floats.row(n, row);
    bfloats.row(n, bfloat_row);
    for (int64_t k = 0; k < K; ++k) {
      const auto i = static_cast<size_t>(n * K + k);
      ASSERT_EQ(row[size_t(k)], w[i]);
      ASSERT_EQ(std::bit_cast<uint32_t>(bfloat_row[size_t(k)]), uint32_t{bits[i]} << 16);
    }
  }
}

TEST(Gemm, TransposesAndAccumulationForGradients) {
  const int64_t M = 37, N = 21, K = 50;
  const auto a = test_values(M * K, 6), b = test_values(K * N, 7), start = test_values(M * N, 8);
  for (bool ta : {false, true}) {
    for (bool tb : {false, true}) {
      std::vector<float> stored_a(a.size()), stored_b(b.size());
      for (int64_t m = 0; m < M; ++m)
        for (int64_t k = 0; k < K; ++k) stored_a[size_t(ta ? k * M + m : m * K + k)] = a[size_t(m * K + k)];
      for (int64_t k = 0; k < K; ++k)
        for (int64_t n = 0; n < N; ++n) stored_b[size_t(tb ? n * K + k : k * N + n)] = b[size_t(k * N + n)];
      const auto c = expect_same_bits("gemm", [&](ThreadPool& pool) {
        std::vector<float> scratch(size_t(packed_size(K, N))), out = start;
        gemm(pool, ConstMatrix(stored_a, ta ? K : M, ta ? M : K), ta,
             ConstMatrix(stored_b, tb ? N : K, tb ? K : N), tb, true, Matrix(std::span(out), M, N), scratch);
        return out;
      });
      for (int64_t i = 0; i < M * N; ++i) {
        double sum = start[size_t(i)];
        for (int64_t k = 0; k < K; ++k) sum += double(a[size_t(i / N * K + k)]) * b[size_t(k * N + i % N)];
        ASSERT_NEAR(c[size_t(i)], sum, 1e-4) << ta << tb << " at " << i;
      }
    }
  }
}

TEST(Gemm, SeveralProductsAtOnceEqualEachAlone) {
  const int64_t K = 96;
  const auto x = test_values(3 * K, 9);
  ThreadPool pool(2);
  std::vector<std::vector<float>> alone, together;
  std::vector<PackedMatrix> packed;
  for (int64_t n : {5, 160, 33}) {
    const auto w = test_values(n * K, uint64_t(n));
    alone.push_back(product(pool, {3, n, K}, x, w, {}));
    together.emplace_back(size_t(3 * n));
    packed.emplace_back(pool, w, n, K);
  }
  std::vector<MatmulTarget> targets;
  for (size_t i = 0; i < packed.size(); ++i)
    targets.push_back({packed[i].view(), Matrix(std::span(together[i]), 3, packed[i].out())});
  matmul_each(pool, ConstMatrix(x, 3, K), targets);
  EXPECT_EQ(alone, together);
}

}  // namespace
}  // namespace melete
