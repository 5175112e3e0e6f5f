#include "kernels/logits.h"

#include <algorithm>
#include <numeric>

#include "kernels/test_values.h"

namespace melete {
namespace {

TEST(Logits, TopKEqualsASortWithTiesByLowerId) {
  for (int64_t size : {1, 5, 16, 100, 5000}) {
    auto x = test_values(size, static_cast<uint64_t>(size));
    for (float& v : x) v = std::round(v * 20) / 20;  // many ties
    std::vector<int32_t> order(x.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t a, int32_t b) { return x[size_t(a)] > x[size_t(b)]; });
    for (int64_t k : {int64_t{1}, std::min<int64_t>(size, 20), size}) {
      expect_same_bits("top_k", [&](ThreadPool&) {
        std::vector<RankedLogit> top(static_cast<size_t>(k));
        top_k(x, top);
        std::vector<float> ids;
        for (size_t i = 0; i < top.size(); ++i) {
          EXPECT_EQ(top[i].id, order[i]);
          EXPECT_EQ(top[i].value, x[size_t(order[i])]);
          ids.push_back(static_cast<float>(top[i].id));
        }
        return ids;
      });
    }
    EXPECT_EQ(argmax(x), order[0]);
  }
}

TEST(Logits, LogSumExpEqualsDoubleArithmeticForLargeLogitsToo) {
  for (int64_t size : {1, 17, 64, 999}) {
    for (float shift : {0.0f, 500.0f, -500.0f}) {
      auto x = test_values(size, 3);
      for (float& v : x) v = v * 5 + shift;
      double sum = 0;
      for (float v : x) sum += std::exp(double(v) - shift);
      const auto got =
          expect_same_bits("log_sum_exp", [&](ThreadPool&) { return std::vector<float>{log_sum_exp(x)}; });
      EXPECT_NEAR(got[0], std::log(sum) + shift, 1e-4);
    }
  }
}

}  // namespace
}  // namespace melete
