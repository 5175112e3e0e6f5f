#include "server/generation/worker_threads.h"

#include <exception>

#include "base/log.h"

namespace melete {

WorkerThreads::~WorkerThreads() {
  std::deque<Task> dropped;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    dropped = std::exchange(waiting_, {});
  }
  dropped.clear();
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Status WorkerThreads::submit(std::vector<Task> tasks) {
  const std::lock_guard lock(mutex_);
  const int64_t room = max_threads_ + max_waiting_ - running_ - static_cast<int64_t>(waiting_.size());
  if (stop_ || static_cast<int64_t>(tasks.size()) > room)
    return exhausted("[server] at most ", max_threads_, " answers run and ", max_waiting_,
                     " wait, and that many do; try again soon");
  for (Task& task : tasks) {
    waiting_.push_back(std::move(task));
    if (static_cast<int64_t>(waiting_.size()) > idle_ && static_cast<int>(threads_.size()) < max_threads_)
      threads_.emplace_back([this] { work(); });
  }
  wake_.notify_all();
  return ok_status();
}

int64_t WorkerThreads::num_waiting() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int64_t>(waiting_.size());
}

int64_t WorkerThreads::num_running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

void WorkerThreads::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [&] { return stop_ || !waiting_.empty(); });
    --idle_;
    if (stop_) return;
    Task task = std::move(waiting_.front());
    waiting_.pop_front();
    ++running_;
    lock.unlock();
    try {
      task();
    } catch (const std::exception& e) {
      log_error("[server] a task failed: ", e.what());
    }
    task = nullptr;
    lock.lock();
    --running_;
  }
}

}  // namespace melete
