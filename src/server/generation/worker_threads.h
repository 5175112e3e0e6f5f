// Threads that work off a queue with an end: what doesn't fit is refused at once instead of waiting for ever.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"

namespace melete {

class WorkerThreads {
 public:
  using Task = std::function<void()>;

  // max_waiting: tasks beside those that run. Threads start when they are needed.
  WorkerThreads(int max_threads, int64_t max_waiting)
      : max_threads_(max_threads), max_waiting_(max_waiting) {}
  // Drops the tasks that wait, and waits for those that run.
  ~WorkerThreads();
  WorkerThreads(const WorkerThreads&) = delete;
  WorkerThreads& operator=(const WorkerThreads&) = delete;

  // All of them or none. What a task throws is logged and ends that task. Error: exhausted.
  Status submit(std::vector<Task> tasks);

  int64_t num_waiting() const;
  int64_t num_running() const;

 private:
  void work();

  const int max_threads_;
  const int64_t max_waiting_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> waiting_;
  int64_t running_ = 0, idle_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace melete
