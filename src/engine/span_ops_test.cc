#include "engine/span_ops.h"

#include <gtest/gtest.h>

#include <numeric>

namespace melete {
namespace {

TEST(SpanOps, WritesOverAnOperandThatNobodyElseHoldsAndOverNoOther) {
  ThreadPool pool(1);
  Arena arena;
  SpanOps ops(pool, arena);
  Tensor a = arena.make(2, 16);
  Tensor b = arena.make(2, 16);
  std::iota(a.row(0), a.row(0) + a.size(), 1.0f);
  std::fill_n(b.row(0), b.size(), 0.5f);
  const float* place = a.row(0);

  const Tensor sum = ops.add(a, b);
  EXPECT_NE(sum.row(0), place);
  EXPECT_EQ(a.row(0)[3], 4.0f);
  EXPECT_EQ(sum.row(0)[3], 4.5f);

  const Tensor borrowed = Tensor::borrowed(b.values(), 2, 16);
  EXPECT_NE(ops.add(borrowed, b).row(0), borrowed.row(0));
  EXPECT_EQ(b.row(0)[3], 0.5f);

  const Tensor over = ops.add(std::move(a), b);
  EXPECT_EQ(over.row(0), place);
  EXPECT_EQ(over.row(0)[3], 4.5f);
}

}  // namespace
}  // namespace melete
