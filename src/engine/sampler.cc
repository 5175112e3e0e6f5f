#include "engine/sampler.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "base/random.h"
#include "kernels/elementwise.h"
#include "kernels/logits.h"

namespace melete {
namespace {

// A lambda, since algorithms inline it but not a function's address.
constexpr auto ranks_before = [](const SamplingCandidate& a, const SamplingCandidate& b) {
  return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
};

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

// The last candidate of the fewest likeliest whose weights reach `mass`: a quickselect by weight.
SamplingCandidate Sampler::last_of_mass(double mass) {
  const auto begin = candidates_.begin();
  std::ptrdiff_t low = 0,
                 high = std::ssize(candidates_);  // what ranks before low belongs to them, from high on not
  double before = 0;
  while (high - low > 1) {
    const std::ptrdiff_t middle = (low + high) / 2;
    std::nth_element(begin + low, begin + middle, begin + high, ranks_before);
    double upper = 0;
    for (auto c = begin + low; c != begin + middle; ++c) upper += c->weight;
    if (before + upper >= mass) {
      high = middle;
    } else {
      before += upper;
      low = middle;
    }
  }
  return candidates_[static_cast<size_t>(low)];
}

// Fills candidates_ with what the filters leave, by id; the greatest weight is 1.
void Sampler::filter(const Sampling& sampling) {
  const auto size = static_cast<int64_t>(weights_.size());
  const bool by_count = sampling.top_k > 0 && sampling.top_k < size;
  double total = 0;
  for (const float w : weights_) total += w;
  // Tokens so unlikely that all of them together lie outside of the top-p mass.
  const double least = by_count ? 0 : (1 - sampling.top_p) * total / static_cast<double>(size);
  const auto collect = [&](double least_weight, const SamplingCandidate& last) {
    candidates_.clear();
    for (size_t i = 0; i < weights_.size(); ++i) {
      const SamplingCandidate c{static_cast<int32_t>(i), weights_[i]};
      if (c.weight >= least_weight && !ranks_before(last, c)) candidates_.push_back(c);
    }
  };
  SamplingCandidate last{INT32_MAX, 0};
  collect(std::clamp(least, 0.0, 1.0), last);
  if (by_count) {
    const auto end = candidates_.begin() + sampling.top_k;
    std::nth_element(candidates_.begin(), end - 1, candidates_.end(), ranks_before);
    candidates_.erase(end, candidates_.end());
    last = candidates_.back();
    total = 0;
    for (const SamplingCandidate& c : candidates_) total += c.weight;
  }
  if (sampling.top_p < 1) last = last_of_mass(sampling.top_p * total);
  collect(std::clamp(sampling.min_p, 0.0, 1.0), last);
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
  filter(sampling);
  return candidates_[pick(candidates_, uniform, [](const SamplingCandidate& c) { return c.weight; })].id;
}

// Logits with minus infinity where the mask has no bit; nothing if it has none at all.
std::span<const float> Sampler::allowed_only(std::span<const float> logits, std::span<const uint32_t> mask) {
  allowed_.assign(logits.size(), -std::numeric_limits<float>::infinity());
  bool any = false;
  for (size_t word = 0; word < mask.size() && word * 32 < logits.size(); ++word) {
    for (uint32_t bits = mask[word]; bits != 0; bits &= bits - 1) {
      const size_t id = word * 32 + static_cast<size_t>(std::countr_zero(bits));
      if (id >= logits.size()) break;
      allowed_[id] = logits[id];
      any = true;
    }
  }
  return any ? std::span<const float>(allowed_) : std::span<const float>();
}

SampledToken Sampler::sample(std::span<const float> logits, const Sampling& sampling, uint64_t token_index,
                             std::span<const uint32_t> mask) {
  SampledToken token;
  token.id = kNoToken;
  if (!mask.empty()) logits = allowed_only(logits, mask);
  if (logits.empty()) return token;
  const float log_sum = log_sum_exp(logits);
  std::array<RankedLogit, kTopLogProbs> storage;
  std::span<RankedLogit> top(storage.data(), std::min(storage.size(), logits.size()));
  top_k(logits, top);
  while (top.size() > 1 && top.back().value == -std::numeric_limits<float>::infinity())
    top = top.first(top.size() - 1);

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
