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

// Of kLogitsBlock values (fewer in the last block).
inline constexpr int64_t kLogitsBlock = 1024;
struct LogitsBlock {
  float max = 0;
  float sum = 0;     // of e^(x - max)
  float weight = 0;  // of e^((x - max) / temperature)
};

// Everything that a sampler asks of all logits, in one pass over memory: each block is read again only while
// it lies in the first cache. top: as top_k(). blocks: ceil(x.size() / kLogitsBlock) of them. temperature 0:
// no weights. Returns log sum e^x.
float scan_logits(std::span<const float> x, double temperature, std::span<LogitsBlock> blocks,
                  std::span<RankedLogit> top);

// e^((x - shift) / temperature), each; y may be x.
void tempered_weights(std::span<const float> x, float shift, double temperature, std::span<float> y);

}  // namespace melete
