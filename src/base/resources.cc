#include "base/resources.h"

#include <sys/resource.h>

#include <cstdio>
#include <memory>
#include <mutex>

namespace melete {
namespace {

std::mutex meters_mutex;
int num_meters = 0;

double process_cpu_s() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

using CFile = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

// proc(5): 5 resets the peak of the resident size.
void reset_peak() {
  const CFile file(std::fopen("/proc/self/clear_refs", "w"), &std::fclose);
  if (file) std::fputs("5", file.get());
}

}  // namespace

ResourceMeter::ResourceMeter() : begin_s_(process_cpu_s()) {
  const std::lock_guard lock(meters_mutex);
  if (num_meters++ == 0) reset_peak();
}

ResourceMeter::~ResourceMeter() {
  const std::lock_guard lock(meters_mutex);
  --num_meters;
}

double ResourceMeter::cpu_s() const { return process_cpu_s() - begin_s_; }

int64_t ResourceMeter::peak_bytes() const {
  if (const CFile file{std::fopen("/proc/self/status", "r"), &std::fclose}) {
    char line[256];
    long long kib = 0;
    while (std::fgets(line, sizeof line, file.get()))
      if (std::sscanf(line, "VmHWM: %lld kB", &kib) == 1) return kib * 1024;
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace melete
