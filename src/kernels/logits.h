// One row of logits: greatest value, log of the sum of exponentials, the k greatest.
#pragma once

#include <cstdint>
#include <span>

namespace melete {

struct RankedLogit {
  int32_t id = 0;
  float value = 0;
};

// The first of the greatest. CHECKs that there is one.
int64_t argmax(std::span<const float> x);

// log sum e^x.
float log_sum_exp(std::span<const float> x);

// The out.size() greatest, greatest first, lower ids first among equals; one pass. CHECKs out.size() <=
// x.size().
void top_k(std::span<const float> x, std::span<RankedLogit> out);

}  // namespace melete
