#include "engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/test_models.h"
#include "kernels/cpu.h"

namespace melete {
namespace {

TEST(Engine, EqualsTheReferenceOnEveryCase) {
  for (const std::string model : kModels) {
    const auto engine = load(model);
    const auto cases = cases_of(model);
    std::set<std::string> names;
    for (const LogitsCase& c : cases) {
      names.insert(c.name);
      const auto result = run_logits_case(*engine, c);
      ASSERT_TRUE(result.ok()) << result.error().message;
      if (!c.expected_logits.empty()) {
        EXPECT_LE(largest_difference(result->logits, c.expected_logits), 1e-4) << model << " " << c.name;
      }
      EXPECT_EQ(result->output_ids, c.expected_ids) << model << " " << c.name;
    }
    for (const char* name : {"text", "image", "two_images", "video", "greedy"})
      EXPECT_TRUE(names.contains(name)) << name;
    if (model != "glimmer") {
      EXPECT_TRUE(names.contains("audio") && names.contains("image_and_audio")) << model;
    }
    EXPECT_EQ(engine->pages_in_use(), 0);
  }
}

TEST(Engine, EveryInstructionSetAndThreadCountGivesTheSameBits) {
  for (const std::string model : kModels) {
    for (const char* name : {"image", "video"}) {
      const Prompt prompt = case_prompt(model, name);
      const auto expected = load(model, 1)->logits(prompt).value();
      for (Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512}) {
        if (!machine_has(isa)) continue;
        const ScopedIsa scoped(isa);
        EXPECT_EQ(load(model, 3)->logits(prompt).value(), expected)
            << model << " " << name << " " << name_of(isa);
      }
    }
  }
}

TEST(Engine, KeepsKeysOfQuantisedModelsInAsManyBitsAsActivationsHave) {
  const Prompt prompt = text_prompt(60, 1);
  const auto logits = [&](WeightType weights, std::optional<KvType> kv_type) {
    EngineLimits limits;
    limits.kv_type = kv_type;
    return SpanEngine::load(folder("dense"), 1, limits, weights).value()->logits(prompt).value();
  };
  for (const auto& [weights, type] : {std::pair{WeightType::w8, KvType::int16},
                                      {WeightType::w8a8, KvType::int8},
                                      {WeightType::w4, KvType::int8}}) {
    const auto narrow = logits(weights, type), wide = logits(weights, KvType::f32);
    EXPECT_NE(narrow, wide);
    EXPECT_LE(largest_difference(narrow, wide), 0.2) << name_of(weights);
    EXPECT_EQ(logits(weights, {}), narrow) << name_of(weights);
  }
  EXPECT_EQ(logits(WeightType::f32, {}), logits(WeightType::f32, KvType::f32));
}

TEST(Engine, LogitsDontDependOnWhatComesLater) {
  for (const std::string model : kModels) {
    const auto engine = load(model);
    const Prompt prompt = text_prompt(60, 1);
    const auto whole = engine->logits(prompt).value();
    for (int64_t at : {0, 7, 15, 16, 31, 58}) {
      Prompt changed = prompt;
      for (size_t i = static_cast<size_t>(at) + 1; i < changed.tokens.size(); ++i) changed.tokens[i] = 5;
      const auto other = engine->logits(changed).value();
      const auto end = (at + 1) * engine->vocab_size();
      EXPECT_TRUE(std::equal(whole.begin(), whole.begin() + end, other.begin()))
          << model << " position " << at;
      EXPECT_FALSE(std::equal(whole.begin() + end, whole.end(), other.begin() + end)) << model;
    }
  }
}

TEST(Engine, PrefillInAnyChunksGivesTheSameBits) {
  for (const std::string model : kModels) {
    for (const Prompt& prompt :
         {text_prompt(70, 2), case_prompt(model, "two_images"), case_prompt(model, "video")}) {
      const auto whole = load(model)->logits(prompt).value();
      for (int64_t rows : {1, 3, 16, 33}) {
        const auto engine = load(model);
        engine->set_prefill_rows(rows);
        EXPECT_EQ(engine->logits(prompt).value(), whole) << model << " by " << rows;
      }
    }
  }
}

TEST(Engine, DecodeAndAppendEqualPrefill) {
  for (const std::string model : kModels) {
    const auto engine = load(model);
    const Prompt prompt = text_prompt(21, 3);
    const SequenceId grown = engine->prefill(prompt).value();
    Tokens first;
    engine->start(grown, hot(5, 13), into(first));
    run_all(*engine);
    const Prompt more = text_prompt(9, 4);
    ASSERT_TRUE(engine->append(grown, more.tokens).ok());
    Prompt whole = prompt;
    for (const auto& token : first) whole.tokens.push_back(token.first);
    whole.tokens.insert(whole.tokens.end(), more.tokens.begin(), more.tokens.end());
    EXPECT_EQ(engine->length(grown), std::ssize(whole.tokens));
    const SequenceId at_once = engine->prefill(whole).value();
    Tokens a, b;
    Sampling greedy;
    greedy.max_tokens = 10;
    engine->start(grown, greedy, into(a));
    engine->start(at_once, greedy, into(b));
    run_all(*engine);
    EXPECT_EQ(a, b) << model;
    EXPECT_EQ(a.size(), 10u);
  }
}

TEST(Engine, AppendedMediaEqualOnePrompt) {
  const auto engine = load("dense");
  const Prompt whole = case_prompt("dense", "image_and_audio");
  for (const int64_t cut : {1, 5, 13}) {  // within the image, and within the audio
    Prompt head = whole, tail = whole;
    head.tokens.resize(static_cast<size_t>(cut));
    tail.tokens.erase(tail.tokens.begin(), tail.tokens.begin() + cut);
    head.spans.clear();
    tail.spans.clear();
    for (const MediaSpan& s : whole.spans) {
      const int64_t before = std::clamp<int64_t>(cut - s.begin, 0, s.num_tokens);
      if (before > 0) head.spans.push_back({s.begin, before, s.media_index, s.media_row});
      if (before < s.num_tokens)
        tail.spans.push_back(
            {s.begin + before - cut, s.num_tokens - before, s.media_index, s.media_row + before});
    }
    const SequenceId one = engine->prefill(whole).value(), two = engine->prefill(head).value();
    ASSERT_TRUE(engine->append(two, tail).ok());
    Tokens a, b;
    engine->start(one, hot(1, 6), into(a));
    engine->start(two, hot(1, 6), into(b));
    run_all(*engine);
    EXPECT_EQ(a, b) << cut;
  }
}

TEST(Engine, ABatchGivesEachTheBitsItGivesAlone) {
  for (const std::string model : kModels) {
    const auto engine = load(model);
    std::map<uint64_t, Tokens> got;
    // Sequences of many lengths that join while others run.
    for (uint64_t i = 0; i < 7; ++i) {
      const auto id = engine->prefill(text_prompt(3 + 11 * static_cast<int64_t>(i), i)).value();
      engine->start(id, hot(40 + i, 12 + static_cast<int64_t>(i)), into(got[i]));
      engine->step();
    }
    run_all(*engine);
    for (uint64_t i = 0; i < 7; ++i) {
      const auto expected = alone(text_prompt(3 + 11 * static_cast<int64_t>(i), i),
                                  hot(40 + i, 12 + static_cast<int64_t>(i)), model);
      EXPECT_EQ(got[i], expected) << model << " " << i;
      EXPECT_EQ(got[i].size(), 12 + i);
    }
  }
}

TEST(Engine, ForksEqualRunsAloneAndShareTheirPages) {
  for (const std::string model : kModels) {
    const auto engine = load(model);
    const Prompt prompt = text_prompt(45, 6);
    const SequenceId parent = engine->prefill(prompt).value();
    const int64_t before = engine->pages_in_use();
    const auto children = engine->fork(parent, 5).value();
    EXPECT_EQ(engine->pages_in_use(), before);
    std::map<SequenceId, Tokens> got;
    uint64_t stream = 0;
    for (const SequenceId child : children) engine->start(child, hot(3, 30, stream++), into(got[child]));
    run_all(*engine);
    stream = 0;
    std::set<Tokens> distinct;
    for (const SequenceId child : children) {
      EXPECT_EQ(got[child], alone(prompt, hot(3, 30, stream++), model)) << model;
      distinct.insert(got[child]);
    }
    EXPECT_EQ(distinct.size(), 5u);
    // The parent is as it was.
    Tokens late;
    engine->start(parent, hot(3, 30, 2), into(late));
    run_all(*engine);
    EXPECT_EQ(late, got[children[2]]);
  }
}

TEST(Engine, AForkInMidRunGoesOnAsItsParent) {
  const auto engine = load("dense");
  const SequenceId parent = engine->prefill(text_prompt(30, 7)).value();
  Tokens all, rest;
  engine->start(parent, hot(4, 20), into(all));
  for (int i = 0; i < 8; ++i) engine->step();
  const SequenceId child = engine->fork(parent, 1).value()[0];
  run_all(*engine);
  engine->start(child, hot(4, 12), into(rest));
  run_all(*engine);
  EXPECT_EQ(rest, Tokens(all.begin() + 8, all.end()));
}

}  // namespace
}  // namespace melete
