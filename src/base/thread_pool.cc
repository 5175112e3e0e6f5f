#include "base/thread_pool.h"

#include <algorithm>

#include "base/check.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace melete {
namespace {

// A decode step makes dozens of short runs; sleeping between them would cost more than the work. Longer
// pauses sleep.
constexpr int kSpins = 4000;

thread_local bool inside_run = false;

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int num_threads) {
  if (num_threads <= 0) num_threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  shares_ = std::vector<Share>(static_cast<size_t>(num_threads));
  for (size_t i = 1; i < shares_.size(); ++i) workers_.emplace_back([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
  stop_ = true;
  generation_.fetch_add(2);
  generation_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

bool ThreadPool::Share::take(bool from_front, int64_t& task) {
  uint64_t held = tasks.load(std::memory_order_relaxed);
  while (held >> 32 < (held & UINT32_MAX)) {
    const uint64_t left = from_front ? held + (uint64_t{1} << 32) : held - 1;
    if (!tasks.compare_exchange_weak(held, left)) continue;
    task = static_cast<int64_t>(from_front ? held >> 32 : left & UINT32_MAX);
    return true;
  }
  return false;
}

void ThreadPool::call(const FunctionRef<void(int64_t)>& task, int64_t i) {
  try {
    task(i);
  } catch (...) {
    const std::lock_guard lock(error_mutex_);
    if (!error_) error_ = std::current_exception();
  }
}

void ThreadPool::take_tasks(size_t self, const FunctionRef<void(int64_t)>& task) {
  inside_run = true;
  int64_t i = 0;
  while (shares_[self].take(/*from_front=*/true, i)) call(task, i);
  for (size_t next = 1; next < shares_.size(); ++next) {
    Share& other = shares_[(self + next) % shares_.size()];
    while (other.take(/*from_front=*/false, i)) call(task, i);
  }
  inside_run = false;
}

void ThreadPool::work(size_t self) {
  uint32_t seen = 0;
  while (true) {
    for (int spin = 0; spin < kSpins && generation_.load() == seen; ++spin) relax();
    generation_.wait(seen);
    seen = generation_.load();
    if (stop_) return;
    if (seen % 2 == 0) continue;
    busy_.fetch_add(1);
    // The run may have closed (and another opened) since `seen` was read; only a run that is still open may
    // be entered, and the closer waits for busy_ to fall to zero before it touches the task.
    if (generation_.load() == seen) take_tasks(self, *task_);
    if (busy_.fetch_sub(1) == 1) busy_.notify_all();
  }
}

void ThreadPool::run(int64_t num_tasks, FunctionRef<void(int64_t)> task) {
  if (num_tasks <= 0) return;
  if (workers_.empty() || num_tasks == 1 || inside_run) {
    for (int64_t i = 0; i < num_tasks; ++i) task(i);
    return;
  }
  MELETE_CHECK(num_tasks <= UINT32_MAX, num_tasks);
  const std::lock_guard caller(caller_);
  task_ = &task;
  const auto threads = static_cast<int64_t>(shares_.size());
  for (int64_t i = 0; i < threads; ++i)
    shares_[static_cast<size_t>(i)].fill(static_cast<uint64_t>(num_tasks * i / threads),
                                         static_cast<uint64_t>(num_tasks * (i + 1) / threads));
  error_ = nullptr;
  generation_.fetch_add(1);
  generation_.notify_all();
  take_tasks(0, task);
  generation_.fetch_add(1);
  for (int spin = 0; spin < kSpins && busy_.load() != 0; ++spin) relax();
  for (int left = busy_.load(); left != 0; left = busy_.load()) busy_.wait(left);
  if (error_) std::rethrow_exception(error_);
}

void ThreadPool::for_ranges(int64_t count, int64_t grain, FunctionRef<void(int64_t, int64_t)> body) {
  if (count <= 0) return;
  // A few ranges a thread, so that one which the system takes away doesn't hold the others up.
  const int64_t most = int64_t{4} * num_threads();
  const int64_t ranges =
      num_threads() == 1 ? 1 : std::clamp<int64_t>(count / std::max<int64_t>(grain, 1), 1, most);
  run(ranges, [&](int64_t i) { body(count * i / ranges, count * (i + 1) / ranges); });
}

}  // namespace melete
