// Computes constraints' masks on a thread of its own, beside the matrices of a step.
#pragma once

#include <condition_variable>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"

namespace melete {

struct MaskJob {
  TokenConstraint* constraint = nullptr;
  std::span<const uint32_t> mask;
  std::string failure;  // what mask() threw, or empty
};

class MaskThread {
 public:
  MaskThread() = default;
  ~MaskThread();

  // Begins with the jobs; the thread starts with the first ever. wait() must come before the next begin().
  void begin(std::vector<MaskJob> jobs);
  // Returns the jobs when all are done.
  std::vector<MaskJob> wait();

 private:
  void work();

  std::vector<MaskJob> jobs_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false, stop_ = false;
  std::thread thread_;
};

}  // namespace melete
