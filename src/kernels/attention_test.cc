#include "kernels/attention.h"

#include <functional>

#include "kernels/test_values.h"

namespace melete {
namespace {

// Keys and values of one sequence in pages, which begin at an offset as a layer's do.
struct Pages {
  static constexpr int64_t kOffset = 32;
  std::vector<std::vector<float>> storage;
  std::vector<const float*> list;

  Pages(const HeadShape& shape, const std::vector<float>& k, const std::vector<float>& v) {
    const int64_t width = shape.kv_heads * shape.head_dim, count = static_cast<int64_t>(k.size()) / width;
    for (int64_t i = 0; i < count; ++i) {
      if (i % kPagePositions == 0) storage.emplace_back(size_t(kOffset + shape.page_floats()));
      write_page(shape, &k[size_t(i * width)], &v[size_t(i * width)], i % kPagePositions,
                 storage.back().data() + kOffset);
    }
    for (auto& page : storage) list.push_back(page.data());
  }
};

std::vector<AttentionRow> causal_rows(const Pages& pages, int64_t begin, int64_t count, int64_t window) {
  std::vector<AttentionRow> rows;
  for (int64_t p = begin; p < begin + count; ++p)
    rows.push_back({pages.list.data(), window > 0 ? std::max<int64_t>(0, p - window + 1) : 0, p});
  return rows;
}

std::vector<float> attend(ThreadPool& pool, const HeadShape& shape, std::span<const float> q,
                          std::span<const AttentionRow> rows) {
  const auto n = static_cast<int64_t>(rows.size());
  std::vector<float> o(q.size(), NAN), scratch(size_t(attention_scratch(shape, 200, pool.num_threads())));
  attention(pool, shape, ConstMatrix(q, n, shape.heads * shape.head_dim), rows, Pages::kOffset, 0.3f, scratch,
            Matrix(std::span(o), n, shape.heads * shape.head_dim));
  return o;
}

// The definition in double, for one (row, head) that sees keys first..last.
std::vector<double> exact(const HeadShape& s, const float* q, const std::vector<float>& k,
                          const std::vector<float>& v, int64_t kv_head, int64_t first, int64_t last) {
  std::vector<double> p, o(size_t(s.head_dim));
  double top = -INFINITY, sum = 0;
  for (int64_t j = first; j <= last; ++j) {
    double score = 0;
    for (int64_t d = 0; d < s.head_dim; ++d)
      score += double(q[d]) * k[size_t((j * s.kv_heads + kv_head) * s.head_dim + d)];
    p.push_back(0.3f * score);
    top = std::max(top, p.back());
  }
  for (double& x : p) sum += x = std::exp(x - top);
  for (int64_t j = first; j <= last; ++j)
    for (int64_t d = 0; d < s.head_dim; ++d)
      o[size_t(d)] += p[size_t(j - first)] / sum * v[size_t((j * s.kv_heads + kv_head) * s.head_dim + d)];
  return o;
}

constexpr HeadShape kShapes[] = {{4, 2, 16}, {3, 3, 10}, {8, 1, 32}, {12, 1, 24}, {2, 2, 70}};

TEST(Attention, EqualsItsDefinitionAndScalarBits) {
  const int64_t count = 53;
  for (const HeadShape& s : kShapes) {
    for (int64_t window : {0, 1, 8, 20}) {
      const auto q = test_values(count * s.heads * s.head_dim, 1);
      const auto k = test_values(count * s.kv_heads * s.head_dim, 2),
                 v = test_values(count * s.kv_heads * s.head_dim, 3);
      const Pages pages(s, k, v);
      const auto rows = causal_rows(pages, 0, count, window);
      const auto o =
          expect_same_bits("attention", [&](ThreadPool& pool) { return attend(pool, s, q, rows); });
      for (int64_t i = 0; i < count * s.heads; ++i) {
        const AttentionRow& row = rows[size_t(i / s.heads)];
        const int64_t kv_head = i % s.heads / (s.heads / s.kv_heads);
        const auto expected =
            exact(s, &q[size_t(i * s.head_dim)], k, v, kv_head, row.first_key, row.last_key);
        for (int64_t d = 0; d < s.head_dim; ++d)
          ASSERT_NEAR(o[size_t(i * s.head_dim + d)], expected[size_t(d)], 1e-5)
              << "row " << i / s.heads << " window " << window;
      }
    }
  }
}

TEST(Attention, ChunksAndBatchesDontChangeBits) {
  const int64_t count = 60;
  ThreadPool pool(2);
  for (const HeadShape& s : kShapes) {
    for (int64_t window : {0, 13}) {
      const int64_t width = s.heads * s.head_dim;
      const auto q = test_values(count * width, 4);
      const auto k = test_values(count * s.kv_heads * s.head_dim, 5),
                 v = test_values(count * s.kv_heads * s.head_dim, 6);
      const Pages pages(s, k, v), other(s, v, k);
      const auto whole = attend(pool, s, q, causal_rows(pages, 0, count, window));
      for (int64_t chunk : {1, 3, 17}) {
        for (int64_t at = 0; at + chunk <= count; at += chunk) {
          // Beside rows of another sequence, which come first.
          auto rows = causal_rows(other, at, 2, window);
          const auto own = causal_rows(pages, at, chunk, window);
          rows.insert(rows.end(), own.begin(), own.end());
          std::vector<float> part = test_values(2 * width, 7);
          part.insert(part.end(), q.begin() + at * width, q.begin() + (at + chunk) * width);
          const auto o = attend(pool, s, part, rows);
          ASSERT_TRUE(std::equal(o.begin() + 2 * width, o.end(), whole.begin() + at * width))
              << chunk << " at " << at;
        }
      }
    }
  }
}

TEST(Attention, NothingAfterARowReachesIt) {
  const HeadShape s{4, 2, 16};
  const int64_t count = 40, width = s.kv_heads * s.head_dim;
  ThreadPool pool(1);
  const auto q = test_values(count * 64, 1);
  auto k = test_values(count * width, 2), v = test_values(count * width, 3);
  const Pages pages(s, k, v);
  const auto before = attend(pool, s, q, causal_rows(pages, 0, count, 0));
  for (int64_t i = 25 * width; i < count * width; ++i) k[size_t(i)] = 9, v[size_t(i)] = -9;
  const Pages changed(s, k, v);
  const auto after = attend(pool, s, q, causal_rows(changed, 0, count, 0));
  EXPECT_TRUE(std::equal(before.begin(), before.begin() + 25 * 64, after.begin()));
  EXPECT_NE(before, after);
}

TEST(Attention, SegmentsSeeAllOfThemselvesAndNoOther) {
  const HeadShape s{2, 2, 20};
  const std::vector<int64_t> lengths{5, 1, 33, 16};
  const int64_t count = 55, width = s.heads * s.head_dim;
  const auto q = test_values(count * width, 1), k = test_values(count * width, 2),
             v = test_values(count * width, 3);
  const auto o = expect_same_bits("segment_attention", [&](ThreadPool& pool) {
    std::vector<float> y(q.size()), page_floats(size_t(segment_pages(s, lengths)), NAN);
    std::vector<float> scratch(size_t(attention_scratch(s, 33, pool.num_threads())));
    segment_attention(pool, s, ConstMatrix(q, count, width), ConstMatrix(k, count, width),
                      ConstMatrix(v, count, width), lengths, 0.3f, page_floats, scratch,
                      Matrix(std::span(y), count, width));
    return y;
  });
  int64_t first = 0;
  for (int64_t length : lengths) {
    for (int64_t i = first * s.heads; i < (first + length) * s.heads; ++i) {
      const auto expected =
          exact(s, &q[size_t(i * s.head_dim)], k, v, i % s.heads, first, first + length - 1);
      for (int64_t d = 0; d < s.head_dim; ++d)
        ASSERT_NEAR(o[size_t(i * s.head_dim + d)], expected[size_t(d)], 1e-5);
    }
    first += length;
  }
}

}  // namespace
}  // namespace melete
