// Threads that work off a queue with an end: what doesn't fit is refused at once instead of waiting for ever.
#pragma once

#include <condition_variable>
#include <cstdint>
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

  // All of them or none. What a task throws is logged and ends that task. `owner` names them for drop().
  // Error: exhausted.
  Status submit(std::vector<Task> tasks, uint64_t owner = 0);
  // Takes back those of the owner that haven't begun.
  void drop(uint64_t owner);

  int64_t num_waiting() const;
  int64_t num_running() const;

 private:
  struct Waiting {
    Task task;
    uint64_t owner;
  };
  void work();

  const int max_threads_;
  const int64_t max_waiting_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;
  int64_t running_ = 0, idle_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace melete
