// Drafts change nothing but the number of steps: the same tokens with the same bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "engine/test_models.h"

namespace melete {
namespace {

struct Finished {
  Tokens tokens;
  int64_t steps = 0, pages = 0;
  FinishReason reason = FinishReason::cancelled;
};

std::unique_ptr<SpanEngine> load_drafting(const std::string& model, int64_t max_draft) {
  EngineLimits limits;
  limits.max_kv_bytes = int64_t{1} << 28;
  limits.max_draft = max_draft;
  auto engine = SpanEngine::load(folder(model), 2, limits);
  EXPECT_TRUE(engine.ok());
  return *std::move(engine);
}

// Allows 40 to 44, one after the other and over again: what is drafted comes true.
struct Cycle : TokenConstraint {
  std::vector<uint32_t> words = std::vector<uint32_t>(8);
  int32_t accepted = 0;
  int32_t next() const { return 40 + accepted % 5; }
  std::span<const uint32_t> mask() override {
    std::fill(words.begin(), words.end(), 0u);
    words[static_cast<size_t>(next() / 32)] = 1u << (next() % 32);
    return words;
  }
  void accept(int32_t id) override {
    EXPECT_EQ(id, next());
    ++accepted;
  }
  std::unique_ptr<TokenConstraint> clone() const override { return std::make_unique<Cycle>(*this); }
};

Sampling cycling(int64_t max_tokens) {
  Sampling sampling = hot(3, max_tokens);
  sampling.constraint = std::make_shared<Cycle>();
  return sampling;
}

// A text that repeats itself, so that n-grams are found from the start.
Prompt repeated_prompt(uint64_t seed) {
  Prompt prompt = text_prompt(12, seed);
  const auto once = prompt.tokens;
  for (int i = 0; i < 2; ++i) prompt.tokens.insert(prompt.tokens.end(), once.begin(), once.end());
  return prompt;
}

Finished run_one(const std::string& model, const Sampling& sampling, int64_t max_draft, uint64_t seed) {
  const auto engine = load_drafting(model, max_draft);
  Finished run;
  const SequenceId id = engine->prefill(repeated_prompt(seed)).value();
  engine->start(id, sampling, into(run.tokens));
  while (engine->step()) ++run.steps;
  run.reason = engine->finish_reason(id);
  run.pages = engine->pages_in_use();
  return run;
}

TEST(EngineDrafts, TokensAreTheSameBitsWithFewerSteps) {
  for (const char* model : kModels) {
    for (uint64_t seed = 0; seed < 4; ++seed) {
      Sampling sampling = hot(seed, 60);
      sampling.temperature = seed < 2 ? 0 : 0.2 * static_cast<double>(seed);
      const Finished plain = run_one(model, sampling, 0, seed), drafted = run_one(model, sampling, 8, seed);
      EXPECT_EQ(drafted.tokens, plain.tokens) << model << " " << seed;
      EXPECT_EQ(drafted.reason, plain.reason);
      EXPECT_EQ(drafted.pages, plain.pages);
    }
    const Finished plain = run_one(model, cycling(60), 0, 7), drafted = run_one(model, cycling(60), 8, 7);
    EXPECT_EQ(drafted.tokens, plain.tokens) << model;
    EXPECT_EQ(plain.steps, 59);
    EXPECT_LT(drafted.steps, 25) << model;
  }
}

TEST(EngineDrafts, PenaltiesCountWhatIsDraftedToo) {
  Sampling penalised = hot(3, 40);
  penalised.frequency_penalty = 1.5;
  penalised.presence_penalty = 0.5;
  const Finished plain = run_one("dense", penalised, 0, 1);
  EXPECT_EQ(run_one("dense", penalised, NgramDrafter::kMaxDraft, 1).tokens, plain.tokens);
  EXPECT_NE(run_one("dense", hot(3, 40), 0, 1).tokens, plain.tokens);
  // So large that no token comes twice.
  penalised.presence_penalty = 1e4;
  std::set<int32_t> different;
  for (const auto& [id, log_prob] : run_one("dense", penalised, NgramDrafter::kMaxDraft, 1).tokens)
    different.insert(id);
  EXPECT_EQ(different.size(), 40u);
}

TEST(EngineDrafts, StopsLimitsAndSinksEndARunInsideADraft) {
  Sampling sampling = hot(0, 60);
  sampling.temperature = 0;
  const Finished free = run_one("dense", sampling, 0, 1);
  for (size_t end = 1; end < 30; end += 3) {
    sampling.max_tokens = static_cast<int64_t>(end);
    EXPECT_EQ(run_one("dense", sampling, 8, 1).tokens,
              Tokens(free.tokens.begin(), free.tokens.begin() + static_cast<std::ptrdiff_t>(end)));
    sampling.max_tokens = 60;
    const auto engine = load_drafting("dense", 8);
    const SequenceId id = engine->prefill(repeated_prompt(1)).value();
    Tokens got;
    engine->start(id, sampling, [&](const SampledToken& t) {
      got.emplace_back(t.id, t.log_prob);
      return got.size() < end;
    });
    run_all(*engine);
    EXPECT_EQ(got, Tokens(free.tokens.begin(), free.tokens.begin() + static_cast<std::ptrdiff_t>(end)));
    // It goes on where it stopped.
    sampling.max_tokens = static_cast<int64_t>(40 - end);
    engine->start(id, sampling, into(got));
    run_all(*engine);
    EXPECT_EQ(got, Tokens(free.tokens.begin(), free.tokens.begin() + 40));
    engine->release(id);
    EXPECT_EQ(engine->pages_in_use(), 0);
  }
}

TEST(EngineDrafts, AForkMadeInsideADraftIsAsIfAlone) {
  Sampling sampling = hot(0, 40);
  sampling.temperature = 0;
  const Finished free = run_one("glimmer", sampling, 0, 2);
  const auto engine = load_drafting("glimmer", 8);
  const SequenceId id = engine->prefill(repeated_prompt(2)).value();
  std::vector<SequenceId> children;
  Tokens got;
  engine->start(id, sampling, [&](const SampledToken& t) {
    got.emplace_back(t.id, t.log_prob);
    if (got.size() % 5 == 0) children.push_back(engine->fork(id, 1).value()[0]);
    return true;
  });
  run_all(*engine);
  EXPECT_EQ(got, free.tokens);
  for (size_t i = 0; i < children.size(); ++i) {
    const size_t begin = 5 * (i + 1);
    if (begin == 40) continue;
    Tokens rest;
    sampling.max_tokens = static_cast<int64_t>(40 - begin);
    engine->start(children[i], sampling, into(rest));
    run_all(*engine);
    EXPECT_EQ(rest, Tokens(free.tokens.begin() + static_cast<std::ptrdiff_t>(begin), free.tokens.end())) << i;
  }
}

TEST(EngineDrafts, ManySequencesAreNotDrafted) {
  const auto count_steps = [](int sequences) {
    const auto engine = load_drafting("dense", 8);
    const Sampling sampling = cycling(40);
    std::vector<Tokens> got(static_cast<size_t>(sequences));
    for (auto& tokens : got)
      engine->start(engine->prefill(repeated_prompt(1)).value(), sampling, into(tokens));
    int64_t steps = 0;
    while (engine->step()) ++steps;
    for (const Tokens& tokens : got) EXPECT_EQ(tokens, got[0]);
    return steps;
  };
  EXPECT_LT(count_steps(3), 20);
  EXPECT_EQ(count_steps(4), 39);
}

}  // namespace
}  // namespace melete
