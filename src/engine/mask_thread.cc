#include "engine/mask_thread.h"

#include <exception>

namespace melete {

MaskThread::~MaskThread() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void MaskThread::begin(std::vector<MaskJob> jobs) {
  if (jobs.empty()) return;
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  {
    const std::lock_guard lock(mutex_);
    jobs_ = std::move(jobs);
    open_ = true;
  }
  changed_.notify_all();
}

std::vector<MaskJob> MaskThread::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !open_; });
  return std::move(jobs_);
}

void MaskThread::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return open_ || stop_; });
    if (stop_) return;
    lock.unlock();
    for (MaskJob& job : jobs_) {
      try {
        job.mask = job.constraint->mask();
      } catch (const std::exception& e) {
        job.failure = cat("the constraint threw: ", e.what());
      }
    }
    lock.lock();
    open_ = false;
    changed_.notify_all();
  }
}

}  // namespace melete
