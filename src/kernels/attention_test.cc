#include "kernels/attention.h"

#include <cstring>

#include "kernels/attention_table.h"
#include "kernels/test_values.h"

namespace melete {
namespace {

constexpr KvType kTypes[] = {KvType::f32, KvType::bf16, KvType::int8, KvType::int16};
constexpr HeadShape kShapes[] = {{4, 2, 16}, {3, 3, 10}, {8, 1, 32}, {12, 1, 24}, {2, 2, 70}, {9, 3, 64}};

// Keys and values of one sequence in pages, which begin at an offset as a layer's do.
struct Pages {
  static constexpr int64_t kOffset = 128;
  std::vector<std::vector<std::byte>> storage;
  std::vector<const std::byte*> list;
  std::vector<float> k, v;  // as attention sees them: [positions, G * K]

  Pages(const PageShape& shape, const std::vector<float>& keys, const std::vector<float>& values) {
    const int64_t width = shape.heads.kv_heads * shape.heads.head_dim, count = std::ssize(keys) / width;
    k.resize(keys.size());
    v.resize(values.size());
    for (int64_t i = 0; i < count; ++i) {
      if (i % kPagePositions == 0) storage.emplace_back(size_t(kOffset + shape.bytes()));
      std::byte* part = storage.back().data() + kOffset;
      write_page(shape, &keys[size_t(i * width)], &values[size_t(i * width)], i % kPagePositions, part);
      read_page(shape, part, i % kPagePositions, &k[size_t(i * width)], &v[size_t(i * width)]);
    }
    for (auto& page : storage) list.push_back(page.data());
  }
};

Pages random_pages(const PageShape& shape, int64_t count, uint64_t seed) {
  const int64_t size = count * shape.heads.kv_heads * shape.heads.head_dim;
  return {shape, test_values(size, seed), test_values(size, seed + 1000)};
}

std::vector<AttentionRow> causal_rows(const std::vector<const std::byte*>& pages, int64_t begin,
                                      int64_t count, int64_t window) {
  std::vector<AttentionRow> rows;
  for (int64_t p = begin; p < begin + count; ++p)
    rows.push_back({pages.data(), window > 0 ? std::max<int64_t>(0, p - window + 1) : 0, p});
  return rows;
}

std::vector<float> attend(ThreadPool& pool, const PageShape& shape, std::span<const float> q,
                          std::span<const AttentionRow> rows) {
  const int64_t n = std::ssize(rows), width = shape.heads.heads * shape.heads.head_dim;
  const AttentionPlan plan(shape.heads, rows, pool.num_threads());
  std::vector<float> o(q.size(), NAN), scratch(size_t(plan.scratch_floats(shape.type)), NAN);
  attention(pool, plan, shape, {}, ConstMatrix(q, n, width), Pages::kOffset, 0.3f, scratch,
            Matrix(std::span(o), n, width));
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

void expect_exact(const HeadShape& s, const std::vector<float>& o, const std::vector<float>& q,
                  std::span<const AttentionRow> rows, const std::vector<float>& k,
                  const std::vector<float>& v, double near = 1e-5) {
  for (int64_t i = 0; i < std::ssize(rows) * s.heads; ++i) {
    const AttentionRow& row = rows[size_t(i / s.heads)];
    const int64_t kv_head = i % s.heads / (s.heads / s.kv_heads);
    const auto expected = exact(s, &q[size_t(i * s.head_dim)], k, v, kv_head, row.first_key, row.last_key);
    for (int64_t d = 0; d < s.head_dim; ++d)
      ASSERT_NEAR(o[size_t(i * s.head_dim + d)], expected[size_t(d)], near) << "row " << i / s.heads;
  }
}

TEST(Attention, EqualsItsDefinitionAndScalarBits) {
  for (const KvType type : kTypes) {
    for (const HeadShape& s : kShapes) {
      for (const int64_t window : {0, 1, 20}) {
        // The last rows cross from the first block of keys into the second.
        for (const auto& [begin, count] : {std::pair<int64_t, int64_t>{0, 40}, {505, 12}}) {
          const Pages pages = random_pages({s, type}, begin + count, 2);
          const auto q = test_values(count * s.heads * s.head_dim, 1);
          const auto rows = causal_rows(pages.list, begin, count, window);
          const auto o = expect_same_bits("attention", [&](ThreadPool& pool) {
            return attend(pool, {s, type}, q, rows);
          });
          // Integers round queries and weights too.
          expect_exact(s, o, q, rows, pages.k, pages.v,
                       type == KvType::int16  ? 2e-3
                       : type == KvType::int8 ? 5e-2
                                              : 1e-5);
        }
      }
    }
  }
}

// Rows of several sequences: each equals itself alone, whatever is beside it.
void expect_each_alone(ThreadPool& pool, const PageShape& shape, std::span<const AttentionRow> rows,
                       uint64_t seed) {
  const int64_t width = shape.heads.heads * shape.heads.head_dim;
  const auto q = test_values(std::ssize(rows) * width, seed);
  const auto together = attend(pool, shape, q, rows);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto alone =
        attend(pool, shape, std::span(q).subspan(i * size_t(width), size_t(width)), rows.subspan(i, 1));
    ASSERT_EQ(std::memcmp(alone.data(), &together[i * size_t(width)], alone.size() * sizeof(float)), 0)
        << "row " << i << " of " << rows.size() << ", keys " << rows[i].first_key << " to "
        << rows[i].last_key;
  }
}

TEST(Attention, ChunksAndBatchesDontChangeBits) {
  ThreadPool pool(2);
  for (const KvType type : kTypes) {
    for (const HeadShape& s : kShapes) {
      const PageShape shape{s, type};
      const Pages a = random_pages(shape, 90, 5), b = random_pages(shape, 700, 6);
      for (const int64_t window : {0, 13}) {
        auto rows = causal_rows(a.list, 0, 90, window);
        const auto others = causal_rows(b.list, 640, 5, window);
        rows.insert(rows.begin() + 30, others.begin(), others.end());
        expect_each_alone(pool, shape, rows, 4);
      }
    }
  }
}

// A tree of sequences: each begins with its parent's first pages, and goes on with its own.
struct Tree {
  std::vector<Pages> owned;
  std::vector<std::vector<const std::byte*>> lists;
  std::vector<AttentionRow> rows;

  Tree(const PageShape& shape, int64_t count, uint64_t seed) {
    Random random(seed);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t positions = random.integer(1, 1200);
      owned.push_back(random_pages(shape, positions, seed + static_cast<uint64_t>(i)));
      auto list = owned.back().list;
      if (i > 0) {
        const auto& parent = random.pick(lists);
        const int64_t shared = random.integer(0, std::min(std::ssize(parent), std::ssize(list)));
        std::copy_n(parent.begin(), shared, list.begin());
      }
      lists.push_back(std::move(list));
      const int64_t last = positions - 1, window = random.chance(0.5) ? random.integer(1, 300) : 0;
      const int64_t first = window > 0 ? std::max<int64_t>(0, last - window + 1) : 0;
      rows.push_back({nullptr, first, last});
    }
    for (size_t i = 0; i < lists.size(); ++i) {
      // Pages before the window are gone.
      std::fill_n(lists[i].begin(), rows[i].first_key / kPagePositions, nullptr);
      rows[i].pages = lists[i].data();
    }
  }
};

TEST(Attention, SharedPagesChangeNoBitInAnyTreeOfSequences) {
  ThreadPool one(1), two(2);
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const PageShape shape{kShapes[seed % std::size(kShapes)], kTypes[seed / 2 % std::size(kTypes)]};
    const Tree tree(shape, static_cast<int64_t>(1 + seed), 100 * seed);
    expect_each_alone(seed % 2 == 0 ? one : two, shape, tree.rows, seed);
  }
}

// More blocks than are folded at once: by one thread one after the other, by two all at the end.
TEST(Attention, ManyBlocksFoldToTheSameBits) {
  const HeadShape s{1, 1, 16};
  const int64_t count = 18 * kBlockPages * kPagePositions + 5;
  for (const KvType type : kTypes) {
    const Pages pages = random_pages({s, type}, count, 7);
    const auto q = test_values(16, 8);
    const auto rows = causal_rows(pages.list, count - 1, 1, 0);
    const auto o = expect_same_bits("many blocks", [&](ThreadPool& pool) {
      return attend(pool, {s, type}, q, rows);
    });
    expect_exact(s, o, q, rows, pages.k, pages.v, is_integer(type) ? 5e-3 : 1e-5);
  }
}

TEST(Attention, APrefixIsReadOnceForAllItsSequences) {
  const PageShape shape{{9, 3, 64}, KvType::bf16};
  const Pages prefix = random_pages(shape, 2048, 1);
  std::vector<Pages> tails;
  std::vector<std::vector<const std::byte*>> lists(8, prefix.list);
  std::vector<AttentionRow> rows;
  for (size_t i = 0; i < 8; ++i) {
    tails.push_back(random_pages(shape, 30, 2 + i));
    lists[i].insert(lists[i].end(), tails[i].list.begin(), tails[i].list.end());
    rows.push_back({lists[i].data(), 0, 2048 + 20});
  }
  const AttentionPlan plan(shape.heads, rows, 1);
  EXPECT_EQ(plan.pages_seen(), 8 * (128 + 2));
  EXPECT_EQ(plan.pages_read(), 128 + 8 * 2);
}

TEST(Attention, NothingAfterARowReachesIt) {
  const PageShape shape{{4, 2, 16}, KvType::f32};
  const int64_t count = 40, width = 32;
  ThreadPool pool(1);
  const auto q = test_values(count * 64, 1);
  auto k = test_values(count * width, 2), v = test_values(count * width, 3);
  const Pages pages(shape, k, v);
  const auto before = attend(pool, shape, q, causal_rows(pages.list, 0, count, 0));
  for (int64_t i = 25 * width; i < count * width; ++i) k[size_t(i)] = 9, v[size_t(i)] = -9;
  const Pages changed(shape, k, v);
  const auto after = attend(pool, shape, q, causal_rows(changed.list, 0, count, 0));
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
    std::vector<float> y(q.size()), scratch(3, NAN);
    segment_attention(pool, s, ConstMatrix(q, count, width), ConstMatrix(k, count, width),
                      ConstMatrix(v, count, width), lengths, 0.3f, scratch,
                      Matrix(std::span(y), count, width));
    return y;
  });
  std::vector<AttentionRow> rows;
  for (int64_t first = 0; const int64_t length : lengths) {
    for (int64_t i = 0; i < length; ++i) rows.push_back({nullptr, first, first + length - 1});
    first += length;
  }
  expect_exact(s, o, q, rows, k, v);
}

// Rounded keys and values, at every place of a page and with odd values.
TEST(AttentionPages, TypesRoundAsTheySay) {
  const HeadShape s{2, 2, 21};
  const auto k = test_values(42, 1, true), v = test_values(42, 2, true);
  for (const KvType type : kTypes) {
    const PageShape shape{s, type};
    std::vector<std::byte> part(size_t(shape.bytes()));
    for (int64_t place = 0; place < kPagePositions; ++place)
      write_page(shape, k.data(), v.data(), place, part.data());
    for (int64_t place = 0; place < kPagePositions; ++place) {
      std::vector<float> got_k(42), got_v(42);
      read_page(shape, part.data(), place, got_k.data(), got_v.data());
      for (size_t i = 0; i < 42; ++i) {
        const float* head = &k[i / 21 * 21];
        float most = 0;
        for (int64_t d = 0; d < 21; ++d) most = std::max(most, std::fabs(head[d]));
        float most_v = 0;
        for (size_t d = 0; d < 21; ++d) most_v = std::max(most_v, std::fabs(v[i / 21 * 21 + d]));
        const float near = type == KvType::f32 ? 0
                           : is_integer(type)  ? most_v / (2 * value_limit(type)) * 1.001f
                                               : std::fabs(v[i]) * 0x1p-8f + 1e-40f;
        EXPECT_NEAR(got_v[i], v[i], near);
        EXPECT_NEAR(got_k[i], k[i],
                    type == KvType::int8    ? most / 254 * 1.001f
                    : type == KvType::int16 ? most / static_cast<float>(2 * key_limit(21)) * 1.001f
                    : type == KvType::bf16  ? std::fabs(k[i]) * 0x1p-8f + 1e-40f
                                            : 0);
      }
    }
  }
}

// One channel fifty times the others would leave them a step of 0.4 if it weren't spread over all.
TEST(AttentionPages, KeysOfEightBitsKeepWhatStandsBesideALargeChannel) {
  const PageShape shape{{1, 1, 64}, KvType::int8};
  auto k = test_values(64, 3);
  k[5] = 50;
  std::vector<std::byte> part(size_t(shape.bytes()));
  write_page(shape, k.data(), k.data(), 0, part.data());
  std::vector<float> got_k(64), got_v(64);
  read_page(shape, part.data(), 0, got_k.data(), got_v.data());
  for (size_t i = 0; i < 64; ++i) EXPECT_NEAR(got_k[i], k[i], 0.08f) << i;
}

TEST(AttentionPages, UnusableKeysPoisonTheirOwnScoresOnly) {
  for (const KvType type : {KvType::int8, KvType::int16}) {
    const PageShape shape{{1, 1, 4}, type};
    std::vector<std::byte> part(size_t(shape.bytes()));
    const float good[] = {1, -2, 0.5f, 2}, bad[] = {1, INFINITY, 0, 0}, none[] = {0, 0, 0, 0};
    write_page(shape, good, good, 0, part.data());
    write_page(shape, bad, good, 1, part.data());
    write_page(shape, none, good, 2, part.data());
    float k[4], v[4];
    read_page(shape, part.data(), 0, k, v);
    EXPECT_NEAR(k[1], -2.0f, 5e-3f);
    read_page(shape, part.data(), 1, k, v);
    EXPECT_TRUE(std::isnan(k[0]) && std::isnan(k[1]));
    read_page(shape, part.data(), 2, k, v);
    EXPECT_EQ(k[0], 0.0f);
  }
}

// Sums of products of the greatest integers stay within 32 bits, with every head width and a whole chunk.
TEST(AttentionPages, GreatestIntegersDontOverflow) {
  for (const int64_t width : {1, 3, 64, 128, 250, 256}) {
    const int64_t limit = key_limit(width);
    EXPECT_LE(limit * limit * width, INT32_MAX);
    for (const KvType type : {KvType::int8, KvType::int16}) {
      const PageShape shape{{1, 1, width}, type};
      const Pages pages(shape, std::vector<float>(size_t(64 * width), 2.0f),
                        std::vector<float>(size_t(64 * width), 3.0f));
      const std::vector<float> q(size_t(width), 5.0f);
      const auto o = expect_same_bits("greatest", [&](ThreadPool& pool) {
        return attend(pool, shape, q, causal_rows(pages.list, 63, 1, 0));
      });
      for (const float x : o) EXPECT_NEAR(x, 3.0f, 1e-3f);
    }
  }
}

// Output of one row that sees `values` under equal scores, every key and query channel being `size`.
std::vector<float> mean_of(KvType type, const std::vector<float>& values, float size) {
  const PageShape shape{{1, 1, 4}, type};
  std::vector<float> k(4 * values.size(), size), v;
  for (const float value : values) v.insert(v.end(), 4, value);
  const Pages pages(shape, k, v);
  return expect_same_bits("mean", [&](ThreadPool& pool) {
    const auto rows = causal_rows(pages.list, std::ssize(values) - 1, 1, 0);
    return attend(pool, shape, std::vector<float>(4, size), rows);
  });
}

// A value's scale is part of its score (attention_int.h), to the score's own precision.
TEST(Attention, ValuesOfAnySizeWeighTheSame) {
  for (const KvType type : {KvType::int8, KvType::int16}) {
    for (const float size : {0.0f, 1.0f, 100.0f}) {  // scores up to 17,000
      std::vector<float> values(150, 3.0f);
      for (const float other : {0.0f, 3e-12f, 3e12f}) {
        for (size_t i = 0; i < values.size(); i += 2) values[i] = other;
        const float mean = (3 + other) / 2;
        EXPECT_NEAR(mean_of(type, values, size)[0], mean, mean * 5e-3f) << size << ", " << other;
      }
    }
    for (const float size : {0.0f, 100.0f, 3e8f}) {
      EXPECT_NEAR(mean_of(type, std::vector<float>(150, 3), size)[0], 3, 1e-3) << size;
      EXPECT_NEAR(mean_of(type, std::vector<float>(150, 3e-12f), size)[0], 3e-12, 1e-15) << size;
      EXPECT_EQ(mean_of(type, std::vector<float>(150, 3e-25f), size)[0], 0) << size;  // counts as nothing
    }
  }
}

// A value that isn't finite shows in what sees it, and in nothing else.
TEST(Attention, UnusableValuesPoisonWhatSeesThem) {
  for (const KvType type : {KvType::int8, KvType::int16}) {
    const PageShape shape{{1, 1, 4}, type};
    std::vector<float> k(80, 1.0f), v(80, 1.0f), q(80, 1.0f);
    v[4 * 15 + 2] = INFINITY;
    const Pages pages(shape, k, v);
    ThreadPool pool(1);
    const auto o = attend(pool, shape, q, causal_rows(pages.list, 0, 20, 0));
    for (size_t i = 0; i < 80; ++i) EXPECT_EQ(std::isnan(o[i]), i >= 60) << i;
  }
}

}  // namespace
}  // namespace melete
