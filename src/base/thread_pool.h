// ThreadPool: splits index ranges over a fixed set of threads. Only for work whose result doesn't depend on
// who does what; the kernels' contract (kernels/matrix.h) gives that, so thread count never changes a bit of
// any output.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace melete {

class ThreadPool {
 public:
  // The caller's thread counts as one: `num_threads` = 1 starts none; 0 takes every core.
  explicit ThreadPool(int num_threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls task(0) .. task(num_tasks - 1), each once, in any order and on any thread, and returns when all
  // have ended. The first exception that a task throws is rethrown here. A call from inside a task runs on
  // that task's thread.
  void run(int64_t num_tasks, const std::function<void(int64_t)>& task);

  // Splits [0, count) into ranges of at least `grain` and calls body(begin, end) on each.
  void for_ranges(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

 private:
  void work();
  void take_tasks(const std::function<void(int64_t)>& task, int64_t num_tasks);

  std::vector<std::thread> workers_;
  std::mutex caller_;                    // one run() at a time
  std::atomic<uint32_t> generation_{0};  // odd while a run is open
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> next_{0};
  std::atomic<int> busy_{0};  // workers inside the open run
  const std::function<void(int64_t)>* task_ = nullptr;
  int64_t num_tasks_ = 0;
  std::mutex error_mutex_;
  std::exception_ptr error_;
};

}  // namespace melete
