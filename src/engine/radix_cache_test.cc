// Random work on sequences and the tree, beside a naive model that remembers every sequence as its plain list
// of keys: what is found has the contents that its prefix has, it is as long as it can be, and every page has
// exactly the references of those who hold it.
#include "engine/radix_cache.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <list>
#include <map>
#include <memory>

namespace melete {
namespace {

using Keys = std::vector<PositionKey>;

const HeadShape kHeads{2, 1, 3};

// What a position's keys and values are is a function of all keys up to it.
std::vector<float> contents(const Keys& keys) {
  std::vector<float> values;
  uint64_t hash = 1;
  for (const PositionKey& key : keys) {
    hash = hash * 6364136223846793005u + key.low + 977 * key.high + 1442695040888963407u;
    values.push_back(static_cast<float>(hash >> 44));
  }
  return values;
}

struct Live {
  KvSequence kv;
  Keys keys;
};

struct World {
  explicit World(std::vector<int64_t> layer_windows, int64_t max_bytes = int64_t{1} << 40,
                 int64_t max_cached = int64_t{1} << 40)
      : windows(std::move(layer_windows)),
        pool(KvLayout(kHeads, KvType::f32, windows), max_bytes),
        cache(pool, max_cached) {}

  // Writes keys as the sequence's next positions; false if the pool is full.
  bool write(Live& live, const Keys& more) {
    if (!live.kv.reserve(std::ssize(more)).ok()) return false;
    live.keys.insert(live.keys.end(), more.begin(), more.end());
    const auto values = contents(live.keys);
    for (int64_t p = live.kv.length(); p < std::ssize(live.keys); ++p) {
      const float x = values[static_cast<size_t>(p)];
      for (int64_t layer = 0; layer < std::ssize(windows); ++layer) {
        const float k[] = {x, x + static_cast<float>(layer), 1}, v[] = {-x, 2, x};
        write_page(pool.layout().shape(), k, v, p % 16, live.kv.page_at(layer, p));
      }
    }
    live.kv.advance(std::ssize(more));
    return true;
  }

  // Everything that the next position sees is what was computed for these keys.
  void check(const Live& live) {
    RC_ASSERT(live.kv.length() == std::ssize(live.keys));
    const auto values = contents(live.keys);
    for (int64_t layer = 0; layer < std::ssize(windows); ++layer) {
      for (int64_t p = live.kv.first_key(layer, live.kv.length()); p < live.kv.length(); ++p) {
        const std::byte* page = live.kv.pages(layer)[p / 16];
        RC_ASSERT(page != nullptr);
        float k[3], v[3];
        read_page(pool.layout().shape(), page + pool.layout().offset_of(layer), p % 16, k, v);
        RC_ASSERT(k[0] == values[static_cast<size_t>(p)]);
        RC_ASSERT(k[1] == values[static_cast<size_t>(p)] + static_cast<float>(layer));
        RC_ASSERT(v[2] == k[0]);
      }
    }
  }

  // Each page has one reference a holder, and the pool counts each page once.
  void check_references() {
    std::map<const KvPage*, int64_t> holders;
    for (const Live& live : all) {
      for (int64_t group = 0; group < pool.layout().num_groups(); ++group)
        for (int64_t i = 0; i * 16 < live.kv.length(); ++i)
          if (const KvPage* page = live.kv.page(group, i)) ++holders[page];
    }
    int64_t held = 0;
    cache.for_each([&](const RadixCache::NodeView& node) {
      for (const KvPage* page : node.pages) {
        if (page == nullptr) continue;
        ++holders[page];
        ++held;
      }
    });
    for (const auto& [page, count] : holders) RC_ASSERT(page->references == count);
    RC_ASSERT(pool.pages_in_use() == std::ssize(holders));
    RC_ASSERT(cache.statistics().pages == held);
    int64_t unshared = 0;
    cache.for_each([&](const RadixCache::NodeView& node) {
      unshared += std::count_if(node.pages.begin(), node.pages.end(),
                                [](const KvPage* page) { return page != nullptr && page->references == 1; });
    });
    RC_ASSERT(pool.cached_pages() == unshared);
  }

  std::vector<int64_t> windows;
  KvPool pool;
  RadixCache cache;
  std::list<Live> all;
};

int64_t common(const Keys& a, const Keys& b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

// Few different tokens and lengths around pages' boundaries, so that prefixes coincide.
Keys any_keys(int64_t longest) {
  const auto length = *rc::gen::inRange<int64_t>(1, longest);
  Keys keys;
  uint64_t run = 0;
  for (int64_t i = 0; i < length; ++i) {
    if (i % 7 == 0) run = *rc::gen::inRange<uint64_t>(0, 2);
    keys.push_back({i == 20 ? run << 63 : 0, run});
  }
  return keys;
}

// Remembered prefixes of a tree without windows that never evicts.
int64_t longest_known(const std::vector<Keys>& inserted, const Keys& keys, int64_t most) {
  int64_t best = 0;
  for (const Keys& known : inserted) best = std::max(best, common(known, keys));
  return std::min(best, most);
}

void random_work(World& world, bool exact) {
  std::vector<Keys> inserted;
  const auto steps = *rc::gen::inRange(5, 60);
  for (int step = 0; step < steps; ++step) {
    const auto dice = *rc::gen::inRange(0, 10);
    if (dice < 4 || world.all.empty()) {
      const Keys keys = any_keys(90);
      const int64_t most = std::ssize(keys) - 1;
      auto found = world.cache.find(keys, most);
      const int64_t length = found.sequence.length();
      RC_ASSERT(length <= most);
      if (exact) RC_ASSERT(length == longest_known(inserted, keys, most));
      if (exact) RC_ASSERT(found.known_positions == length / 16 * 16);
      world.all.push_back({std::move(found.sequence), {keys.begin(), keys.begin() + length}});
      world.check(world.all.back());
      if (!world.write(world.all.back(), {keys.begin() + length, keys.end()})) world.all.pop_back();
      continue;
    }
    auto live = std::next(world.all.begin(), *rc::gen::inRange<int64_t>(0, std::ssize(world.all)));
    if (dice < 6) {
      const bool with_rest = *rc::gen::arbitrary<bool>();
      world.cache.insert(live->kv, live->keys, with_rest);
      const auto kept = with_rest ? std::ssize(live->keys) : std::ssize(live->keys) / 16 * 16;
      inserted.push_back({live->keys.begin(), live->keys.begin() + kept});
      // Straight after, all of it is there, unless memory is short.
      if (exact && with_rest) {
        RC_ASSERT(world.cache.find(live->keys, INT64_MAX).sequence.length() == kept);
      }
    } else if (dice < 7) {
      world.all.push_back({live->kv.fork(), live->keys});
    } else if (dice < 8) {
      world.all.erase(live);
    } else if (dice < 9) {
      world.write(*live, any_keys(40));
    } else if (!exact) {
      world.cache.reclaim();
    }
    world.check_references();
    for (const Live& other : world.all) world.check(other);
  }
  world.all.clear();
  world.check_references();
  world.cache.clear();
  RC_ASSERT(world.pool.pages_in_use() == 0);
}

TEST(RadixCache, FindsTheLongestPrefixThatWasEverThere) {
  EXPECT_TRUE(rc::check([] {
    World world({0, 0});
    random_work(world, true);
  }));
}

TEST(RadixCache, WindowsAndReclaimingNeverGiveWrongPages) {
  EXPECT_TRUE(rc::check([] {
    World world({0, 20, 5, 20});
    random_work(world, false);
  }));
}

TEST(RadixCache, AFullPoolTakesBackWhatNoSequenceHolds) {
  EXPECT_TRUE(rc::check([] {
    const int64_t page = KvLayout(kHeads, KvType::f32, std::vector<int64_t>{0}).page_bytes(0);
    World world({0, 33}, page * *rc::gen::inRange(4, 40), page * *rc::gen::inRange(1, 60));
    random_work(world, false);
    RC_ASSERT(world.cache.statistics().bytes == 0);
  }));
}

Keys count_up(int64_t length, uint64_t from = 0) {
  Keys keys;
  for (int64_t i = 0; i < length; ++i) keys.push_back({0, from + static_cast<uint64_t>(i)});
  return keys;
}

TEST(RadixCache, APrefixIsTakenUpOnlyWhereItsWindowsPagesAre) {
  World world({0, 32});
  const Keys keys = count_up(320);
  Live live{KvSequence(world.pool), {}};
  ASSERT_TRUE(world.write(live, {keys.begin(), keys.begin() + 160}));
  world.cache.insert(live.kv, live.keys, false);
  ASSERT_TRUE(world.write(live, {keys.begin() + 160, keys.end()}));
  world.cache.insert(live.kv, live.keys, true);
  // Two ends were remembered; elsewhere the layers with a window have lost their pages.
  EXPECT_EQ(world.cache.find(keys, 319).sequence.length(), 319);
  EXPECT_EQ(world.cache.find(keys, 318).sequence.length(), 160);  // its first page has gone
  {
    const auto between = world.cache.find(keys, 240);
    EXPECT_EQ(between.sequence.length(), 160);
    EXPECT_EQ(between.known_positions, 240);
  }
  EXPECT_EQ(world.cache.find(keys, 159).sequence.length(), 159);
  EXPECT_EQ(world.cache.find(keys, 100).sequence.length(), 0);
  world.all.push_back(std::move(live));
  world.check_references();
  world.all.clear();
}

TEST(RadixCache, LeastRecentlyUsedGoesFirst) {
  World world({0}, int64_t{1} << 40,
              6 * KvLayout(kHeads, KvType::f32, std::vector<int64_t>{0}).page_bytes(0));
  const auto remember = [&](uint64_t from) {
    Live live{KvSequence(world.pool), {}};
    ASSERT_TRUE(world.write(live, count_up(32, from)));
    world.cache.insert(live.kv, live.keys, true);
  };
  for (const uint64_t from : {1000, 2000, 3000}) remember(from);
  EXPECT_EQ(world.cache.find(count_up(32, 1000), 32).sequence.length(), 32);
  remember(4000);
  EXPECT_EQ(world.cache.find(count_up(32, 2000), 32).sequence.length(), 0);
  for (const uint64_t from : {1000, 3000, 4000})
    EXPECT_EQ(world.cache.find(count_up(32, from), 32).sequence.length(), 32) << from;
  EXPECT_EQ(world.cache.statistics().evicted_nodes, 2);
}

TEST(RadixCache, MediaStandForThemselves) {
  auto media = [](uint8_t hash) {
    auto m = std::make_shared<Media>();
    m->hash[3] = hash;
    return m;
  };
  Prompt a;
  a.tokens = {5, 9, 9, 9, 6};
  a.spans = {{1, 3, 0, 0}};
  a.media = {media(1)};
  Prompt b = a, c = a;
  b.media = {media(2)};
  c.spans = {{1, 3, 0, 1}};
  EXPECT_EQ(position_keys(a), position_keys(a));
  EXPECT_EQ(common(position_keys(a), position_keys(b)), 1);
  EXPECT_EQ(common(position_keys(a), position_keys(c)), 1);
  EXPECT_EQ(position_keys(a)[2], position_keys(c)[1]);
  EXPECT_EQ(position_keys(a)[4], (PositionKey{0, 6}));
  // Without a hash nothing is known of it.
  a.media = {media(0)};
  EXPECT_EQ(common(position_keys(a), position_keys(a)), 1);
}

}  // namespace
}  // namespace melete
