// From a row of logits to a token: temperature, top-k, top-p and min-p, with draws that depend on nothing but
// the seed, the stream and the token's number.
//
// One pass over the logits (scan_logits) gives the log-sum, the likeliest twenty and each block's weight. A
// draw without filters then looks into one block only; filters look at the twenty, and at blocks with
// likelier tokens than they leave out only where twenty aren't enough.
//
// Sources: top-p 1904.09751; min-p 2407.01082; DeepConf's confidence 2508.15260; Philox, base/random.h.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/engine.h"
#include "kernels/logits.h"

namespace melete {

// Tokens in SampledToken::top and in the confidence, at most.
inline constexpr int64_t kTopLogProbs = 20;

inline constexpr int32_t kNoToken = -1;

using SampledCounts = std::unordered_map<int32_t, int64_t>;

struct SamplingCandidate {
  int32_t id;
  double weight;
};

class Sampler {
 public:
  // Filters act in the order temperature, top-k, top-p, min-p, on renormalised probabilities; the likeliest
  // token always stays. A temperature of 0 or less takes the likeliest token, the lowest id among equals.
  // token_index: how many tokens this sequence has sampled before. mask: TokenConstraint's, applied before
  // all else; empty: none. counts: what the penalties are of. The token's id is kNoToken if nothing is
  // allowed.
  SampledToken sample(std::span<const float> logits, const Sampling& sampling, uint64_t token_index,
                      std::span<const uint32_t> mask = {}, const SampledCounts& counts = {});

 private:
  std::span<const float> allowed_only(std::span<const float> logits, std::span<const uint32_t> mask);
  std::span<const float> penalised(std::span<const float> logits, const Sampling& sampling,
                                   const SampledCounts& counts);
  int32_t draw(std::span<const float> logits, std::span<const RankedLogit> top, const Sampling& sampling,
               double uniform);
  int32_t draw_any(std::span<const float> logits, float max, double total, double temperature,
                   double uniform);
  void filter(std::span<const float> logits, std::span<const RankedLogit> top, double total,
              const Sampling& sampling);
  void keep_ranked(std::span<const RankedLogit> ranked, double temperature);
  void collect(std::span<const float> logits, float max, double least_weight, double temperature);
  SamplingCandidate last_of_mass(double mass);

  std::vector<LogitsBlock> blocks_;
  std::vector<double> scales_;  // e^((block's max - max) / temperature)
  std::vector<float> weights_, allowed_;
  std::vector<RankedLogit> ranked_;
  std::vector<SamplingCandidate> candidates_;
};

// [0, 1) with 53 bits: one Philox block for (seed, stream, index).
double sampling_uniform(uint64_t seed, uint64_t stream, uint64_t index);

}  // namespace melete
