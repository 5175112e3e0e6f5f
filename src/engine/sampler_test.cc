#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "base/random.h"

namespace melete {
namespace {

std::vector<float> random_logits(int64_t size, uint64_t seed) {
  Random random(seed);
  std::vector<float> logits(static_cast<size_t>(size));
  for (float& x : logits) x = static_cast<float>(2 * random.normal());
  return logits;
}

std::vector<double> softmax(const std::vector<float>& logits, double temperature) {
  std::vector<double> p;
  double sum = 0;
  for (float x : logits) sum += p.emplace_back(std::exp(x / temperature));
  for (double& x : p) x /= sum;
  return p;
}

TEST(Sampler, GreedyTakesTheFirstOfTheLikeliest) {
  Sampler sampler;
  const SampledToken token = sampler.sample(std::vector<float>{1, 5, 2, 5}, {}, 0);
  EXPECT_EQ(token.id, 1);
  const double log_sum = std::log(std::exp(1) + 2 * std::exp(5) + std::exp(2));
  EXPECT_NEAR(token.log_prob, 5 - log_sum, 1e-5);
  EXPECT_NEAR(token.confidence, log_sum - 13.0 / 4, 1e-5);
}

TEST(Sampler, TopLogProbsAreTheTwentyLikeliest) {
  const auto logits = random_logits(1000, 1);
  const auto p = softmax(logits, 1);
  Sampler sampler;
  Sampling hot;
  hot.temperature = 3;
  const SampledToken token = sampler.sample(logits, hot, 5);
  ASSERT_EQ(token.top.size(), 20u);
  auto sorted = p;
  std::sort(sorted.rbegin(), sorted.rend());
  double mean = 0;
  for (size_t i = 0; i < 20; ++i) {
    EXPECT_NEAR(token.top[i].log_prob, std::log(sorted[i]), 1e-4);
    EXPECT_NEAR(std::log(p[static_cast<size_t>(token.top[i].id)]), token.top[i].log_prob, 1e-4);
    mean += std::log(sorted[i]) / 20;
  }
  EXPECT_NEAR(token.confidence, -mean, 1e-4);
  EXPECT_NEAR(token.log_prob, std::log(p[static_cast<size_t>(token.id)]), 1e-4);
}

TEST(Sampler, PenaltiesLowerWhatWasSampled) {
  Sampling sampling;
  sampling.frequency_penalty = 0.5;
  sampling.presence_penalty = 1;
  const std::vector<float> logits = {4, 3, 3.1f, 0};
  Sampler sampler;
  // 4 - 0.5 * 2 - 1 = 2.
  const SampledToken token = sampler.sample(logits, sampling, 0, {}, {{0, 2}, {3, 1}});
  EXPECT_EQ(token.id, 2);
  const double log_sum = std::log(std::exp(2) + std::exp(3) + std::exp(3.1) + std::exp(-1.5));
  EXPECT_NEAR(token.log_prob, 3.1 - log_sum, 1e-5);
  EXPECT_NEAR(token.top[3].log_prob, -1.5 - log_sum, 1e-5);
  // Beside a mask, and leaving nothing behind for the next draw.
  const std::vector<uint32_t> mask = {0b1011};
  EXPECT_EQ(sampler.sample(logits, sampling, 0, mask, {{0, 2}}).id, 1);
  EXPECT_EQ(sampler.sample(logits, {}, 0).id, 0);
}

// Pearson's chi-squared of many draws against the expected distribution, as a multiple of its degrees of
// freedom.
double misfit(const std::vector<float>& logits, const Sampling& sampling,
              const std::vector<double>& expected) {
  constexpr int kDraws = 20000;
  Sampler sampler;
  std::vector<int> count(logits.size());
  for (uint64_t i = 0; i < kDraws; ++i) ++count[static_cast<size_t>(sampler.sample(logits, sampling, i).id)];
  double sum = 0, freedom = -1;
  for (size_t i = 0; i < count.size(); ++i) {
    if (expected[i] <= 0) {
      EXPECT_EQ(count[i], 0) << "token " << i << " is filtered";
      continue;
    }
    const double e = expected[i] * kDraws;
    sum += (count[i] - e) * (count[i] - e) / e;
    ++freedom;
  }
  return sum / freedom;
}

TEST(Sampler, DrawsFollowTheDistribution) {
  const auto logits = random_logits(30, 2);
  for (double temperature : {0.7, 1.0, 1.6}) {
    Sampling s;
    s.temperature = temperature;
    s.seed = 9;
    EXPECT_LT(misfit(logits, s, softmax(logits, temperature)), 2.0) << temperature;
    // The other temperature's distribution is told apart, so the bound means something.
    EXPECT_GT(misfit(logits, s, softmax(logits, temperature * 1.3)), 2.0) << temperature;
  }
}

// What the three filters leave, by their definitions.
std::vector<double> filtered(std::vector<double> p, const Sampling& s) {
  std::vector<size_t> order(p.size());
  for (size_t i = 0; i < p.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] > p[b]; });
  if (s.top_k > 0) order.resize(std::min<size_t>(order.size(), static_cast<size_t>(s.top_k)));
  double total = 0, before = 0, kept = 0;
  for (size_t i : order) total += p[i];
  std::vector<double> q(p.size());
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const double mine = p[order[rank]];
    if (rank > 0 && ((s.top_p < 1 && before >= s.top_p * total) || mine < s.min_p * p[order[0]])) break;
    q[order[rank]] = mine;
    before += mine;
    kept += mine;
  }
  for (double& x : q) x /= kept;
  return q;
}

TEST(Sampler, FiltersLeaveWhatTheirDefinitionsLeave) {
  const auto logits = random_logits(40, 3);
  const auto p = softmax(logits, 1.2);
  for (const auto& [k, top_p, min_p] :
       std::initializer_list<std::tuple<int64_t, double, double>>{{5, 1, 0},
                                                                  {0, 0.7, 0},
                                                                  {0, 1, 0.2},
                                                                  {10, 0.8, 0},
                                                                  {12, 0.9, 0.3},
                                                                  {1, 1, 0},
                                                                  {0, 1e-9, 0},
                                                                  {1000, 1, 0}}) {
    Sampling s;
    s.temperature = 1.2;
    s.top_k = k;
    s.top_p = top_p;
    s.min_p = min_p;
    const auto expected = filtered(p, s);
    if (std::count_if(expected.begin(), expected.end(), [](double x) { return x > 0; }) == 1) {
      Sampler sampler;
      for (uint64_t i = 0; i < 200; ++i)
        EXPECT_GT(expected[static_cast<size_t>(sampler.sample(logits, s, i).id)], 0);
    } else {
      EXPECT_LT(misfit(logits, s, expected), 2.2) << k << " " << top_p << " " << min_p;
    }
  }
}

TEST(Sampler, TopPBeyondTheFirstCandidatesOfALargeVocabulary) {
  const std::vector<float> flat(1000, 0.25f);
  Sampling s;
  s.temperature = 1;
  s.top_p = 0.5;
  Sampler sampler;
  std::set<int32_t> seen;
  for (uint64_t i = 0; i < 6000; ++i) seen.insert(sampler.sample(flat, s, i).id);
  EXPECT_GT(seen.size(), 480u);
  EXPECT_LE(*seen.rbegin(), 500);  // ties go to lower ids, and half of the mass is 500 tokens
}

TEST(Sampler, ADrawDependsOnSeedStreamAndIndexOnly) {
  const auto logits = random_logits(300, 4);
  Sampling s;
  s.temperature = 1;
  s.seed = 7;
  Sampler a, b;
  std::vector<int32_t> forward, backward(50);
  for (uint64_t i = 0; i < 50; ++i) forward.push_back(a.sample(logits, s, i).id);
  for (uint64_t i = 50; i-- > 0;) {
    b.sample(random_logits(300, i), s, i + 1000);
    backward[i] = b.sample(logits, s, i).id;
  }
  EXPECT_EQ(forward, backward);
  std::set<std::vector<int32_t>> runs{forward};
  for (auto [seed, stream] : {std::pair{8, 0}, {7, 1}, {8, 1}}) {
    s.seed = static_cast<uint64_t>(seed);
    s.stream = static_cast<uint64_t>(stream);
    std::vector<int32_t> ids;
    for (uint64_t i = 0; i < 50; ++i) ids.push_back(a.sample(logits, s, i).id);
    runs.insert(ids);
  }
  EXPECT_EQ(runs.size(), 4u);
}

TEST(Sampler, AMaskLeavesTheDistributionOfWhatItAllows) {
  const auto logits = random_logits(70, 5);
  std::vector<uint32_t> mask(2);  // ids past its last word aren't allowed
  const std::vector<int32_t> allowed{0, 3, 31, 32, 40, 63};
  for (const int32_t id : allowed) mask[static_cast<size_t>(id / 32)] |= 1u << (id % 32);
  std::vector<double> expected(70);
  double total = 0;
  for (const int32_t id : allowed) total += std::exp(logits[static_cast<size_t>(id)]);
  for (const int32_t id : allowed)
    expected[static_cast<size_t>(id)] = std::exp(logits[static_cast<size_t>(id)]) / total;
  Sampler sampler;
  Sampling s;
  s.temperature = 1;
  std::vector<int> count(70);
  for (uint64_t i = 0; i < 20000; ++i) {
    const SampledToken token = sampler.sample(logits, s, i, mask);
    ASSERT_EQ(token.top.size(), allowed.size());
    const auto id = static_cast<size_t>(token.id);
    ASSERT_GT(expected[id], 0);
    ASSERT_NEAR(token.log_prob, std::log(expected[id]), 1e-5);
    ++count[id];
  }
  double misfit = 0;
  for (const int32_t id : allowed) {
    const double e = expected[static_cast<size_t>(id)] * 20000, d = count[static_cast<size_t>(id)] - e;
    misfit += d * d / e / 5;
  }
  EXPECT_LT(misfit, 2.5);
  EXPECT_EQ(sampler.sample(logits, s, 0, std::vector<uint32_t>(3)).id, kNoToken);
  // Bits past the vocabulary allow nothing.
  EXPECT_EQ(sampler.sample(logits, s, 0, std::vector<uint32_t>{0, 0, 0xFFFFFF00}).id, kNoToken);
}

}  // namespace
}  // namespace melete
