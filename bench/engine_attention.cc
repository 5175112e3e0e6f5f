// Attention of one decode step: time for sequences on one shared prompt, with the prefix read once for all
// and with every sequence reading its own copy, by type of keys. The outputs of both are compared by bits
// first.
//
// Shapes: those of SmolLM2-135M (9 heads, 3 kv heads, width 64), 30 layers, so that the pages don't stay in a
// cache from one step to the next.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>

#include "base/random.h"
#include "kernels/attention.h"
#include "kernels/weight_memory.h"

namespace melete {
namespace {

constexpr int64_t kLayers = 30, kTail = 32;
const HeadShape kHeads{9, 3, 64};

// One thread: processor time, so that other programs' share of the machine doesn't count.
double now_ms(int threads) {
  if (threads == 1) return 1e3 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::vector<float> normal_values(int64_t size, Random& random) {
  std::vector<float> values(static_cast<size_t>(size));
  for (float& v : values) v = static_cast<float>(random.normal());
  return values;
}

struct PageList {
  std::vector<std::shared_ptr<std::byte>> owned;
  std::vector<const std::byte*> pages;
};

// Pages of all layers for `positions` positions, equal for equal seeds.
PageList make_pages(const PageShape& shape, int64_t positions, uint64_t seed) {
  Random random(seed);
  const auto values = normal_values(2 * kHeads.kv_heads * kHeads.head_dim, random);
  PageList list;
  for (int64_t p = 0; p < (positions + 15) / 16; ++p) {
    list.owned.push_back(allocate_weights(kLayers * shape.bytes()));  // aligned, as pages are
    std::memset(list.owned.back().get(), 0, static_cast<size_t>(kLayers * shape.bytes()));
    for (int64_t layer = 0; layer < kLayers; ++layer) {
      for (int64_t place = 0; place < kPagePositions; ++place) {
        const float* v = values.data() + (p + layer + place) % (kHeads.kv_heads * kHeads.head_dim);
        write_page(shape, v, v, place, list.owned.back().get() + layer * shape.bytes());
      }
    }
    list.pages.push_back(list.owned.back().get());
  }
  return list;
}

struct Step {
  std::vector<PageList> owned;
  std::vector<std::vector<const std::byte*>> lists;
  std::vector<AttentionRow> rows;
};

Step make_step(const PageShape& shape, int64_t sequences, int64_t prompt, bool shared) {
  Step step;
  for (int64_t i = 0; i < sequences; ++i) {
    std::vector<const std::byte*> list;
    if (i == 0 || !shared) {
      step.owned.push_back(make_pages(shape, prompt, 1));
      list = step.owned.back().pages;
    } else {
      list.assign(step.lists[0].begin(), step.lists[0].begin() + prompt / 16);
    }
    step.owned.push_back(make_pages(shape, kTail, 2 + static_cast<uint64_t>(i)));
    list.insert(list.end(), step.owned.back().pages.begin(), step.owned.back().pages.end());
    step.lists.push_back(std::move(list));
    step.rows.push_back({nullptr, 0, prompt + kTail - 1});
  }
  for (size_t i = 0; i < step.lists.size(); ++i) step.rows[i].pages = step.lists[i].data();
  return step;
}

// Fills o with the last layer's output; least milliseconds of a step of all layers, plan included.
double time_step(ThreadPool& pool, const PageShape& shape, const Step& step, std::vector<float>& o) {
  Random random(9);
  const int64_t n = std::ssize(step.rows), width = kHeads.heads * kHeads.head_dim;
  const auto q = normal_values(n * width, random);
  o.resize(q.size());
  std::vector<float> scratch;
  std::vector<double> times;
  for (int repeat = 0; repeat < 9; ++repeat) {
    const double begin = now_ms(pool.num_threads());
    const AttentionPlan plan(kHeads, step.rows, pool.num_threads());
    scratch.resize(static_cast<size_t>(plan.scratch_floats(shape.type)));
    for (int64_t layer = 0; layer < kLayers; ++layer)
      attention(pool, plan, shape, {}, ConstMatrix(q, n, width), layer * shape.bytes(), 0.125f, scratch,
                Matrix(std::span(o), n, width));
    times.push_back(now_ms(pool.num_threads()) - begin);
  }
  return *std::min_element(times.begin(), times.end());
}

int run(int threads) {
  ThreadPool pool(threads);
  std::printf("one step's attention, %lld layers, %d threads: ms (GB/s of keys and values read once)\n",
              static_cast<long long>(kLayers), pool.num_threads());
  std::printf("%-5s %7s %10s | %8s %8s %8s | %8s %8s\n", "keys", "prompt", "sequences", "alone", "shared",
              "copies", "shared/1", "copies/shared");
  for (const KvType type : {KvType::f32, KvType::bf16, KvType::int8, KvType::int16}) {
    const PageShape shape{kHeads, type};
    for (const int64_t prompt : {512, 2048}) {
      std::vector<float> o1, o2, o3;
      const double alone = time_step(pool, shape, make_step(shape, 1, prompt, true), o1);
      for (const int64_t sequences : {2, 8, 16}) {
        const double shared = time_step(pool, shape, make_step(shape, sequences, prompt, true), o2);
        const double copies = time_step(pool, shape, make_step(shape, sequences, prompt, false), o3);
        if (std::memcmp(o2.data(), o3.data(), o2.size() * sizeof(float)) != 0) {
          std::printf("shared and separate pages give different bits\n");
          return 1;
        }
        const double gigabytes = static_cast<double>(kLayers * shape.bytes() * (prompt + kTail) / 16) / 1e9;
        std::printf("%-5s %7lld %10lld | %4.2f (%2.0f) %8.2f %8.2f | %8.2f %8.2f\n", name_of(type).data(),
                    static_cast<long long>(prompt), static_cast<long long>(sequences), alone,
                    gigabytes / alone * 1e3, shared, copies, shared / alone, copies / shared);
      }
    }
  }
  return 0;
}

}  // namespace
}  // namespace melete

int main(int argc, char** argv) { return melete::run(argc > 1 ? std::atoi(argv[1]) : 2); }
