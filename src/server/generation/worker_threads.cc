#include "server/generation/worker_threads.h"

#include <algorithm>
#include <exception>
#include <iterator>

#include "base/log.h"

namespace melete {

WorkerThreads::~WorkerThreads() {
  std::deque<Waiting> dropped;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    dropped = std::exchange(waiting_, {});
  }
  dropped.clear();
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Status WorkerThreads::submit(std::vector<Task> tasks, uint64_t owner) {
  const std::lock_guard lock(mutex_);
  const int64_t room = max_threads_ + max_waiting_ - running_ - static_cast<int64_t>(waiting_.size());
  if (stop_ || static_cast<int64_t>(tasks.size()) > room)
    return exhausted("[server] at most ", max_threads_, " answers run and ", max_waiting_,
                     " wait, and that many do; try again soon");
  for (Task& task : tasks) {
    waiting_.push_back({std::move(task), owner});
    if (static_cast<int64_t>(waiting_.size()) > idle_ && static_cast<int>(threads_.size()) < max_threads_)
      threads_.emplace_back([this] { work(); });
  }
  wake_.notify_all();
  return ok_status();
}

void WorkerThreads::drop(uint64_t owner) {
  std::vector<Waiting> dropped;  // they end outside of the lock
  const std::lock_guard lock(mutex_);
  const auto is_kept = [&](const Waiting& waiting) { return waiting.owner != owner; };
  const auto first = std::stable_partition(waiting_.begin(), waiting_.end(), is_kept);
  std::move(first, waiting_.end(), std::back_inserter(dropped));
  waiting_.erase(first, waiting_.end());
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
    Task task = std::move(waiting_.front().task);
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
