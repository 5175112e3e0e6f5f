#include "engine/kv_pages.h"

#include <gtest/gtest.h>

#include <list>

#include "base/random.h"

namespace melete {
namespace {

constexpr int64_t kWindows[] = {0, 5, 0, 20, 16};
const PageShape kShape{{2, 2, 3}, KvType::f32};

KvLayout make_layout() { return {kShape.heads, kShape.type, kWindows}; }

// A sequence beside everything that was ever written to it.
struct Tracked {
  KvSequence kv;
  std::vector<float> written;  // one value a position; each layer's keys and values derive from it
};

float key_of(float value, int64_t layer, int64_t g, int64_t d) {
  return value + static_cast<float>(layer * 100 + g * 10 + d);
}

void write(Tracked& t, int64_t count, Random& random) {
  ASSERT_TRUE(t.kv.reserve(count).ok());
  for (int64_t i = 0; i < count; ++i) {
    t.written.push_back(static_cast<float>(random.integer(0, 1000) * 1000));
    for (int64_t layer = 0; layer < std::ssize(kWindows); ++layer) {
      std::vector<float> k, v;
      for (int64_t g = 0; g < 2; ++g)
        for (int64_t d = 0; d < 3; ++d) {
          k.push_back(key_of(t.written.back(), layer, g, d));
          v.push_back(-k.back());
        }
      const int64_t position = t.kv.length() + i;
      write_page(kShape, k.data(), v.data(), position % 16, t.kv.page_at(layer, position));
    }
  }
  t.kv.advance(count);
}

// Every key and value that a query at the next position sees is the one written.
void expect_intact(const Tracked& t, const KvLayout& layout) {
  ASSERT_EQ(t.kv.length(), std::ssize(t.written));
  for (int64_t layer = 0; layer < std::ssize(kWindows); ++layer) {
    for (int64_t p = t.kv.first_key(layer, t.kv.length()); p < t.kv.length(); ++p) {
      const std::byte* page = t.kv.pages(layer)[p / 16];
      ASSERT_NE(page, nullptr) << "layer " << layer << " position " << p << " of " << t.kv.length();
      float k[6], v[6];
      read_page(kShape, page + layout.offset_of(layer), p % 16, k, v);
      for (int64_t i = 0; i < 6; ++i) {
        ASSERT_EQ(k[i], key_of(t.written[static_cast<size_t>(p)], layer, i / 3, i % 3));
        ASSERT_EQ(v[i], -k[i]);
      }
    }
  }
}

TEST(KvPages, RandomWritesForksAndReleasesEqualSeparateCopies) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    KvPool pool(make_layout(), int64_t{1} << 30);
    Random random(seed);
    std::list<Tracked> all;
    all.push_back({KvSequence(pool), {}});
    for (int step = 0; step < 120; ++step) {
      auto chosen = std::next(all.begin(), random.integer(0, std::ssize(all) - 1));
      const double dice = random.uniform();
      if (dice < 0.2) {
        const int64_t before = pool.pages_in_use();
        all.push_back({chosen->kv.fork(), chosen->written});
        EXPECT_EQ(pool.pages_in_use(), before) << "a fork must not copy";
      } else if (dice < 0.3 && all.size() > 1) {
        all.erase(chosen);
      } else {
        write(*chosen, random.chance(0.7) ? 1 : random.integer(1, 50), random);
      }
      for (const Tracked& t : all) expect_intact(t, pool.layout());
    }
    all.clear();
    EXPECT_EQ(pool.pages_in_use(), 0);
  }
}

TEST(KvPages, LayersWithAWindowKeepOnlyIt) {
  KvPool pool(make_layout(), int64_t{1} << 30);
  Random random(1);
  Tracked t{KvSequence(pool), {}};
  write(t, 1600, random);
  // 100 pages of the global group, and at most the pages that windows of 5, 20 and 16 touch.
  EXPECT_GE(pool.pages_in_use(), 100 + 3);
  EXPECT_LE(pool.pages_in_use(), 100 + 1 + 2 + 2);
  for (int i = 0; i < 100; ++i) write(t, 1, random);
  EXPECT_LE(pool.pages_in_use(), 107 + 2 + 3 + 3);
}

TEST(KvPages, AFullPoolIsAnErrorThatChangesNothing) {
  const KvLayout layout = make_layout();
  int64_t bytes = 0;
  for (int64_t group = 0; group < layout.num_groups(); ++group) bytes += layout.page_bytes(group);
  // Two pages of each group, and a third of the first only.
  KvPool pool(layout, 2 * bytes + layout.page_bytes(0));
  Random random(1);
  Tracked t{KvSequence(pool), {}};
  write(t, 20, random);
  const int64_t before = pool.pages_in_use();
  const Status refused = t.kv.reserve(13);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::exhausted);
  EXPECT_EQ(pool.pages_in_use(), before);
  expect_intact(t, layout);
  write(t, 12, random);
  expect_intact(t, layout);
}

}  // namespace
}  // namespace melete
