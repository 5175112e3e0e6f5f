#include "engine/sampler.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "base/random.h"

namespace melete {
namespace {

// A lambda, since algorithms inline it but not a function's address.
constexpr auto ranks_before = [](const SamplingCandidate& a, const SamplingCandidate& b) {
  return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
};

// The first candidate at which the running sum passes uniform * total.
int32_t pick(std::span<const SamplingCandidate> candidates, double uniform) {
  double total = 0;
  for (const SamplingCandidate& c : candidates) total += c.weight;
  const double target = uniform * total;
  double sum = 0;
  int32_t last = candidates[0].id;
  for (const SamplingCandidate& c : candidates) {
    if (c.weight <= 0) continue;
    last = c.id;
    sum += c.weight;
    if (sum > target) break;
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

void Sampler::keep_ranked(std::span<const RankedLogit> ranked, double temperature) {
  weights_.resize(ranked.size());
  for (size_t i = 0; i < ranked.size(); ++i) weights_[i] = ranked[i].value;
  tempered_weights(weights_, ranked[0].value, temperature, weights_);
  candidates_.clear();
  for (size_t i = 0; i < ranked.size(); ++i) candidates_.push_back({ranked[i].id, weights_[i]});
}

// Every token of at least that weight; the greatest weight is 1.
void Sampler::collect(std::span<const float> logits, float max, double least_weight, double temperature) {
  // A little lower than where the weight is reached, since it is rounded.
  const double logit = least_weight > 0 ? max + temperature * (std::log(least_weight) - 1e-3) : -INFINITY;
  const auto bound = static_cast<float>(logit - 1e-5 * std::abs(static_cast<double>(max)));
  ranked_.clear();
  for (size_t b = 0; b < blocks_.size(); ++b) {
    if (!(blocks_[b].max >= bound)) continue;
    const size_t begin = b * kLogitsBlock, end = std::min(begin + kLogitsBlock, logits.size());
    for (size_t i = begin; i < end; ++i) {
      if (logits[i] >= bound) ranked_.push_back({static_cast<int32_t>(i), logits[i]});
    }
  }
  weights_.resize(ranked_.size());
  for (size_t i = 0; i < ranked_.size(); ++i) weights_[i] = ranked_[i].value;
  tempered_weights(weights_, max, temperature, weights_);
  candidates_.clear();
  for (size_t i = 0; i < ranked_.size(); ++i) {
    if (weights_[i] >= least_weight) candidates_.push_back({ranked_[i].id, weights_[i]});
  }
}

// Fills candidates_ with what the filters leave. total: of all weights, the greatest of which is 1.
void Sampler::filter(std::span<const float> logits, std::span<const RankedLogit> top, double total,
                     const Sampling& sampling) {
  const auto size = std::ssize(logits);
  const double min_p = std::clamp(sampling.min_p, 0.0, 1.0);
  bool is_sorted = true;
  if (sampling.top_k > 0 && sampling.top_k < size) {
    if (sampling.top_k > std::ssize(top)) {
      ranked_.resize(static_cast<size_t>(sampling.top_k));
      melete::top_k(logits, ranked_);
      top = ranked_;
    }
    keep_ranked(top.first(std::min(top.size(), static_cast<size_t>(sampling.top_k))), sampling.temperature);
    total = 0;
    for (const SamplingCandidate& c : candidates_) total += c.weight;
  } else {
    keep_ranked(top, sampling.temperature);
    double kept = 0;
    for (const SamplingCandidate& c : candidates_) kept += c.weight;
    const bool enough =
        std::ssize(top) == size || kept >= sampling.top_p * total || candidates_.back().weight < min_p;
    // Tokens so unlikely that all of them together lie outside of the top-p mass don't matter.
    const double least = std::max(min_p, (1 - sampling.top_p) * total / static_cast<double>(size));
    is_sorted = enough;
    if (!enough) collect(logits, top[0].value, std::min(least, 1.0), sampling.temperature);
  }
  SamplingCandidate last{INT32_MAX, 0};
  if (sampling.top_p < 1 && is_sorted) {
    double sum = 0;
    for (const SamplingCandidate& c : candidates_) {
      last = c;
      sum += c.weight;
      if (sum >= sampling.top_p * total) break;
    }
  } else if (sampling.top_p < 1) {
    last = last_of_mass(sampling.top_p * total);
  }
  std::erase_if(candidates_,
                [&](const SamplingCandidate& c) { return c.weight < min_p || ranks_before(last, c); });
}

// Of all tokens: first a block by its weight, then a token of it.
int32_t Sampler::draw_any(std::span<const float> logits, float max, double total, double temperature,
                          double uniform) {
  const double target = uniform * total;
  double before = 0;
  size_t chosen = 0;
  for (size_t b = 0; b < blocks_.size(); ++b) {
    const double mass = scales_[b] * static_cast<double>(blocks_[b].weight);
    if (!(mass > 0)) continue;
    chosen = b;
    if (before + mass > target) break;
    before += mass;
  }
  const size_t begin = chosen * kLogitsBlock;
  const auto block = logits.subspan(begin, std::min<size_t>(kLogitsBlock, logits.size() - begin));
  weights_.resize(block.size());
  tempered_weights(block, blocks_[chosen].max, temperature, weights_);
  const double rest = (target - before) / scales_[chosen];
  double sum = 0;
  size_t last = 0;
  for (size_t i = 0; i < block.size(); ++i) {
    if (!(weights_[i] > 0)) continue;
    last = i;
    sum += static_cast<double>(weights_[i]);
    if (sum > rest) break;
  }
  return static_cast<int32_t>(begin + last);
}

int32_t Sampler::draw(std::span<const float> logits, std::span<const RankedLogit> top,
                      const Sampling& sampling, double uniform) {
  const float max = top[0].value;
  if (!std::isfinite(max)) return top[0].id;
  weights_.resize(blocks_.size());
  for (size_t b = 0; b < blocks_.size(); ++b) weights_[b] = blocks_[b].max;
  tempered_weights(weights_, max, sampling.temperature, weights_);
  scales_.assign(weights_.begin(), weights_.end());
  double total = 0;
  for (size_t b = 0; b < blocks_.size(); ++b) {
    if (blocks_[b].weight > 0) total += scales_[b] * static_cast<double>(blocks_[b].weight);
  }
  const bool filtered =
      (sampling.top_k > 0 && sampling.top_k < std::ssize(logits)) || sampling.top_p < 1 || sampling.min_p > 0;
  if (!filtered) return draw_any(logits, max, total, sampling.temperature, uniform);
  filter(logits, top, total, sampling);
  return pick(candidates_, uniform);
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

std::span<const float> Sampler::penalised(std::span<const float> logits, const Sampling& sampling,
                                          const SampledCounts& counts) {
  if (logits.data() != allowed_.data()) allowed_.assign(logits.begin(), logits.end());
  for (const auto& [id, count] : counts)
    allowed_[static_cast<size_t>(id)] -= static_cast<float>(
        sampling.frequency_penalty * static_cast<double>(count) + sampling.presence_penalty);
  return allowed_;
}

SampledToken Sampler::sample(std::span<const float> logits, const Sampling& sampling, uint64_t token_index,
                             std::span<const uint32_t> mask, const SampledCounts& counts) {
  SampledToken token;
  token.id = kNoToken;
  if (!mask.empty()) logits = allowed_only(logits, mask);
  if (logits.empty()) return token;
  if (!counts.empty()) logits = penalised(logits, sampling, counts);
  std::array<RankedLogit, kTopLogProbs> storage;
  std::span<RankedLogit> top(storage.data(), std::min(storage.size(), logits.size()));
  blocks_.resize((logits.size() + kLogitsBlock - 1) / kLogitsBlock);
  const float log_sum = scan_logits(logits, std::max(sampling.temperature, 0.0), blocks_, top);
  while (top.size() > 1 && top.back().value == -std::numeric_limits<float>::infinity())
    top = top.first(top.size() - 1);

  token.id = top[0].id;
  if (sampling.temperature > 0)
    token.id = draw(logits, top, sampling, sampling_uniform(sampling.seed, sampling.stream, token_index));
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
