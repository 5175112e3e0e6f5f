#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <stdexcept>

namespace melete {
namespace {

TEST(ThreadPool, RunsEveryTaskOnceInManyShortRuns) {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.num_threads(), threads);
    for (int64_t tasks = 0; tasks < 300; ++tasks) {
      std::vector<std::atomic<int>> count(static_cast<size_t>(tasks));
      pool.run(tasks, [&](int64_t i) { ++count[static_cast<size_t>(i)]; });
      for (auto& c : count) ASSERT_EQ(c, 1);
    }
  }
}

TEST(ThreadPool, RangesCoverTheCountWithoutOverlap) {
  ThreadPool pool(3);
  for (int64_t count : {0, 1, 7, 1000}) {
    for (int64_t grain : {1, 6, 5000}) {
      std::vector<std::atomic<int>> seen(static_cast<size_t>(count));
      pool.for_ranges(count, grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
      });
      for (auto& c : seen) ASSERT_EQ(c, 1);
    }
  }
}

TEST(ThreadPool, RethrowsAndGoesOnAfterwards) {
  ThreadPool pool(2);
  std::atomic<int> done{0};
  const auto task = [&](int64_t i) {
    if (i == 3) throw std::runtime_error("third");
    ++done;
  };
  EXPECT_THROW(pool.run(8, task), std::runtime_error);
  EXPECT_EQ(done, 7);
  pool.run(3, [&](int64_t) { ++done; });
  EXPECT_EQ(done, 10);
}

// The first task waits for all others, half of which are its own thread's share.
TEST(ThreadPool, AThreadThatHasEndedTakesFromAnother) {
  ThreadPool pool(2);
  std::atomic<int> done{0};
  bool others_ended = false;
  pool.run(8, [&](int64_t i) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (i == 0 && done < 7 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    if (i == 0) others_ended = done == 7;
    ++done;
  });
  EXPECT_TRUE(others_ended);
}

TEST(ThreadPool, ARunInsideATaskEnds) {
  ThreadPool pool(2);
  std::atomic<int> done{0};
  pool.run(4, [&](int64_t) { pool.run(4, [&](int64_t) { ++done; }); });
  EXPECT_EQ(done, 16);
}

}  // namespace
}  // namespace melete
