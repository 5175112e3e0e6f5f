#include "base/resources.h"

#include <gtest/gtest.h>

#include <vector>

namespace melete {
namespace {

constexpr size_t kBig = size_t{64} << 20;

void touch() {
  std::vector<char> big(kBig, 1);
  for (size_t i = 0; i < big.size(); i += 4096) big[i] = static_cast<char>(i);
  volatile char seen = big[12345];
  (void)seen;
}

TEST(ResourceMeter, ThePeakBeginsAnewAndCountsWhatIsGone) {
  touch();
  const ResourceMeter first;
  const int64_t before = first.peak_bytes();
  EXPECT_GT(before, 1 << 20);
  touch();
  const int64_t during = first.peak_bytes();
  EXPECT_GE(during, before + static_cast<int64_t>(kBig) * 3 / 4);
  {
    const ResourceMeter second;  // the first still measures
    EXPECT_GE(second.peak_bytes(), during);
  }
}

TEST(ResourceMeter, CountsProcessorTimeOfThisProcess) {
  const ResourceMeter meter;
  volatile uint64_t sum = 0;
  while (meter.cpu_s() < 0.02)
    for (uint64_t i = 0; i < 10'000; ++i) sum = sum + i;
  EXPECT_LT(meter.cpu_s(), 60);
}

}  // namespace
}  // namespace melete
