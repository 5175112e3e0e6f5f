// ThreadPool: splits index ranges over a fixed set of threads. Only for work whose result doesn't depend on
// who does what; the kernels' contract (kernels/matrix.h) gives that, so thread count never changes a bit of
// any output.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace melete {

// A callable that belongs to the caller: unlike std::function it never allocates.
template <class Signature>
class FunctionRef;
template <class... Args>
class FunctionRef<void(Args...)> {
 public:
  template <class F>
  FunctionRef(const F& body)  // NOLINT: implicit, so that lambdas are passed as they are
      : body_(&body), call_([](const void* f, Args... args) { (*static_cast<const F*>(f))(args...); }) {}
  void operator()(Args... args) const { call_(body_, args...); }

 private:
  const void* body_;
  void (*call_)(const void*, Args...);
};

class ThreadPool {
 public:
  // The caller's thread counts as one: `num_threads` = 1 starts none; 0 takes every core.
  explicit ThreadPool(int num_threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls task(0) .. task(num_tasks - 1), each once, in any order and on any thread, and returns when all
  // have ended; fewer than 2^32. Each thread begins with neighbouring ones. The first exception that a task
  // throws is rethrown here. A call from inside a task runs on that task's thread.
  void run(int64_t num_tasks, FunctionRef<void(int64_t)> task);

  // Splits [0, count) into ranges of at least `grain` and calls body(begin, end) on each.
  void for_ranges(int64_t count, int64_t grain, FunctionRef<void(int64_t, int64_t)> body);

 private:
  static constexpr size_t kCacheLine = 64;

  // A thread's share of the open run's tasks, [low, high) as low << 32 | high, on a line of its own. The
  // thread takes them from the front, so that it reads what it works on in one piece; whoever has ended takes
  // from the back of another's.
  struct alignas(kCacheLine) Share {
    std::atomic<uint64_t> tasks{0};

    void fill(uint64_t low, uint64_t high) { tasks.store(low << 32 | high, std::memory_order_relaxed); }
    bool take(bool from_front, int64_t& task);
  };

  void work(size_t self);
  void take_tasks(size_t self, const FunctionRef<void(int64_t)>& task);
  void call(const FunctionRef<void(int64_t)>& task, int64_t i);

  std::vector<std::thread> workers_;
  std::mutex caller_;  // one run() at a time
  // What idle workers watch, what the caller writes for a run, and what all count in, on lines of their own.
  alignas(kCacheLine) std::atomic<uint32_t> generation_{0};  // odd while a run is open
  std::atomic<bool> stop_{false};
  const FunctionRef<void(int64_t)>* task_ = nullptr;
  std::vector<Share> shares_;                     // [thread]; the caller's is the first
  alignas(kCacheLine) std::atomic<int> busy_{0};  // workers inside the open run
  std::mutex error_mutex_;
  std::exception_ptr error_;
};

}  // namespace melete
