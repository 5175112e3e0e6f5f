// What the process takes while something is done: processor time and memory, by the kernel's count.
#pragma once

#include <cstdint>

namespace melete {

class ResourceMeter {
 public:
  ResourceMeter();
  ~ResourceMeter();
  ResourceMeter(const ResourceMeter&) = delete;
  ResourceMeter& operator=(const ResourceMeter&) = delete;

  // Seconds of all threads of the process since this meter was made, those that do other things too.
  double cpu_s() const;
  // The most resident memory of the process since it last had no meter; where the kernel can't begin anew (no
  // /proc), since it started.
  int64_t peak_bytes() const;

 private:
  double begin_s_;
};

}  // namespace melete
