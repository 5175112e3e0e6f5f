// Intervals for shares of successes.
#pragma once

#include <cstdint>

namespace melete {

struct Interval {
  double low = 0, high = 1;
};

// Wilson's score interval (Wilson 1927), z deviations: 1.96 for 95 %. [0, 1] without trials.
Interval wilson_interval(double successes, int64_t trials, double z = 1.959964);

}  // namespace melete
