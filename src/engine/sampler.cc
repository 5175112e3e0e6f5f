#include "engine/sampler.h"

#include <algorithm>
#include <array>

#include "base/random.h"
#include "kernels/elementwise.h"
#include "kernels/logits.h"

namespace melete {
namespace {

// The first candidate at which the running sum passes uniform * total.
template <class Weights, class WeightOf>
size_t pick(const Weights& weights, double uniform, WeightOf weight_of) {
  double total = 0;
  for (const auto& w : weights) total += weight_of(w);
  const double target = uniform * total;
  double sum = 0;
  size_t last = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const double w = weight_of(weights[i]);
    if (w <= 0) continue;
    last = i;
    sum += w;
    if (sum > target) return i;
  }
  return last;
}

}  // namespace

double sampling_uniform(uint64_t seed, uint64_t stream, uint64_t index) {
  const auto low = [](uint64_t x) { return static_cast<uint32_t>(x); };
  const auto high = [](uint64_t x) { return static_cast<uint32_t>(x >> 32); };
  const auto block = philox({low(index), high(index), low(stream), high(stream)}, {low(seed), high(seed)});
  const uint64_t bits = (uint64_t{block[0]} << 32 | block[1]) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

// Fills candidates_ with what the filters leave, likeliest first.
void Sampler::keep_likeliest(std::span<const float> logits, const Sampling& sampling) {
  const auto size = static_cast<int64_t>(logits.size());
  double total = 0;
  for (const float w : weights_) total += w;
  const bool by_count = sampling.top_k > 0 && sampling.top_k < size;
  std::vector<RankedLogit> ranked;
  // Top-p alone may need any number of tokens, but is mostly content with few.
  for (int64_t count = by_count ? sampling.top_k : std::min<int64_t>(size, 256);;
       count = std::min(size, count * 8)) {
    ranked.resize(static_cast<size_t>(count));
    top_k(logits, ranked);
    candidates_.clear();
    double kept = 0;
    for (const RankedLogit& r : ranked) {
      candidates_.push_back({r.id, weights_[static_cast<size_t>(r.id)]});
      kept += candidates_.back().weight;
    }
    const bool least_likely_reached = candidates_.back().weight < sampling.min_p * candidates_.front().weight;
    if (by_count || count == size || least_likely_reached || kept >= sampling.top_p * total) {
      if (by_count) total = kept;
      break;
    }
  }
  double kept = 0;
  size_t count = 0;
  while (count < candidates_.size() &&
         (count == 0 || (sampling.top_p >= 1 || kept < sampling.top_p * total)) &&
         (count == 0 || candidates_[count].weight >= sampling.min_p * candidates_[0].weight))
    kept += candidates_[count++].weight;
  candidates_.resize(count);
}

int32_t Sampler::draw(std::span<const float> logits, const Sampling& sampling, double uniform) {
  const float top = logits[static_cast<size_t>(argmax(logits))];
  weights_.resize(logits.size());
  shifted_.resize(logits.size());
  for (size_t i = 0; i < logits.size(); ++i)
    shifted_[i] = static_cast<float>((static_cast<double>(logits[i]) - top) / sampling.temperature);
  exp(shifted_, weights_);
  const bool filtered = (sampling.top_k > 0 && sampling.top_k < static_cast<int64_t>(logits.size())) ||
                        sampling.top_p < 1 || sampling.min_p > 0;
  if (!filtered)
    return static_cast<int32_t>(pick(weights_, uniform, [](float w) { return static_cast<double>(w); }));
  keep_likeliest(logits, sampling);
  return candidates_[pick(candidates_, uniform, [](const Candidate& c) { return c.weight; })].id;
}

SampledToken Sampler::sample(std::span<const float> logits, const Sampling& sampling, uint64_t token_index) {
  const float log_sum = log_sum_exp(logits);
  std::array<RankedLogit, kTopLogProbs> storage;
  const std::span<RankedLogit> top(storage.data(), std::min(storage.size(), logits.size()));
  top_k(logits, top);

  SampledToken token;
  token.id = top[0].id;
  if (sampling.temperature > 0)
    token.id = draw(logits, sampling, sampling_uniform(sampling.seed, sampling.stream, token_index));
  token.log_prob = logits[static_cast<size_t>(token.id)] - log_sum;
  token.top.reserve(top.size());
  double mean = 0;
  for (const RankedLogit& r : top) {
    token.top.push_back({r.id, r.value - log_sum});
    mean += (r.value - log_sum) / static_cast<double>(top.size());
  }
  token.confidence = static_cast<float>(-mean);
  return token;
}

}  // namespace melete
