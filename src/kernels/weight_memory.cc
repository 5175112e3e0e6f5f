#include "kernels/weight_memory.h"

#include <sys/mman.h>

#include <mutex>
#include <new>

namespace melete {
namespace {

constexpr int64_t kHugePage = int64_t{2} << 20;
constexpr int64_t kRegion = 16 * kHugePage;  // address space; pages that nobody touches take no memory

class Region {
 public:
  explicit Region(int64_t size)
      : size_(size),
        data_(static_cast<std::byte*>(
            ::operator new (static_cast<size_t>(size), std::align_val_t{static_cast<size_t>(kHugePage)}))) {
    // Only advice: without huge pages the matrices still work.
    ::madvise(data_, static_cast<size_t>(size), MADV_HUGEPAGE);
  }
  ~Region() { ::operator delete (data_, std::align_val_t{static_cast<size_t>(kHugePage)}); }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  // Null if there isn't room.
  std::byte* take(int64_t bytes) {
    if (size_ - used_ < bytes) return nullptr;
    std::byte* result = data_ + used_;
    used_ += bytes;
    return result;
  }

 private:
  int64_t size_, used_ = 0;
  std::byte* data_;
};

}  // namespace

std::shared_ptr<std::byte> allocate_weights(int64_t bytes) {
  static std::mutex mutex;
  static std::weak_ptr<Region> current;
  bytes = (bytes + 63) / 64 * 64;
  if (bytes > kRegion / 4) {
    const int64_t whole = (bytes + kHugePage - 1) / kHugePage * kHugePage;
    auto own = std::make_shared<Region>(whole);
    std::byte* data = own->take(bytes);
    return {std::move(own), data};
  }
  const std::lock_guard lock(mutex);
  std::shared_ptr<Region> region = current.lock();
  std::byte* data = region == nullptr ? nullptr : region->take(bytes);
  if (data == nullptr) {
    region = std::make_shared<Region>(kRegion);
    current = region;
    data = region->take(bytes);
  }
  return {std::move(region), data};
}

}  // namespace melete
