// Queued prompts: bits in any company and any order, remembered prefixes, cancelling, limits, priorities,
// memory that is short, and prompts remembered in a file.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "base/file.h"
#include "engine/test_models.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<SpanEngine> load_limited(const fs::path& path, const EngineLimits& limits, int threads = 1) {
  return SpanEngine::load(path, threads, limits).value();
}

fs::path family(const std::string& name) { return fs::path(MELETE_SOURCE_DIR) / "testdata/families" / name; }

// A few conversations, some with the same beginning.
Prompt conversation(uint64_t number, int64_t vocab = 120) {
  Prompt prompt = text_prompt(20 + 13 * static_cast<int64_t>(number % 3), number % 3);
  const Prompt rest = text_prompt(5 + static_cast<int64_t>(number * 7 % 40), 100 + number);
  prompt.tokens.insert(prompt.tokens.end(), rest.tokens.begin(), rest.tokens.end());
  for (int32_t& id : prompt.tokens) id %= static_cast<int32_t>(vocab);
  return prompt;
}

Tokens alone_on(SpanEngine& engine, const Prompt& prompt, const Sampling& sampling) {
  Tokens tokens;
  const SequenceId id = engine.prefill(prompt).value();
  engine.start(id, sampling, into(tokens));
  run_all(engine);
  engine.release(id);
  return tokens;
}

TEST(EngineQueue, AnyCompanyOrderChunkingAndThreadsGiveTheBitsOfARunAlone) {
  std::vector<fs::path> models;
  for (const std::string model : kModels) models.push_back(folder(model));
  for (const char* name : {"llama", "qwen2", "qwen3", "gemma3"}) models.push_back(family(name));
  for (const fs::path& model : models) {
    std::map<uint64_t, Tokens> expected;
    for (const int64_t batch : {1, 2, 7, 16}) {
      Random random(static_cast<uint64_t>(batch));
      EngineLimits limits;
      limits.rows_per_step = random.integer(1, 50);
      limits.rows_alone = random.integer(1, 100);
      limits.max_running = 16;
      const auto engine = load_limited(model, limits, 1 + static_cast<int>(batch % 2));
      const auto prompt_of = [&](uint64_t number) { return conversation(number, engine->vocab_size()); };
      std::map<uint64_t, Tokens> got;
      std::vector<uint64_t> waiting;
      for (int64_t i = 0; i < batch; ++i) waiting.push_back(static_cast<uint64_t>(i));
      while (!waiting.empty()) {
        const auto at = waiting.begin() + random.integer(0, std::ssize(waiting) - 1);
        const uint64_t number = *at;
        waiting.erase(at);
        const QueuePlace place{static_cast<int32_t>(random.integer(0, 1)),
                               static_cast<uint64_t>(random.integer(0, 2)), 1};
        const auto id = engine->enqueue(prompt_of(number), place);
        ASSERT_TRUE(id.ok());
        engine->start(*id, hot(number, 6 + static_cast<int64_t>(number % 5)), into(got[number]));
        for (int64_t steps = random.integer(0, 3); steps > 0; --steps) engine->step();
      }
      run_all(*engine);
      for (const auto& [number, tokens] : got) {
        if (!expected.contains(number)) {
          const auto fresh = load_limited(model, {}, 1);
          expected[number] =
              alone_on(*fresh, prompt_of(number), hot(number, 6 + static_cast<int64_t>(number % 5)));
          ASSERT_EQ(expected[number].size(), 6 + number % 5);
        }
        EXPECT_EQ(tokens, expected[number]) << model << " batch " << batch << " number " << number;
      }
    }
  }
}

TEST(EngineQueue, CancelsAtRandomPointsLeakNoPage) {
  EXPECT_TRUE(rc::check([] {
    EngineLimits limits;
    limits.rows_per_step = *rc::gen::inRange<int64_t>(1, 30);
    limits.rows_alone = *rc::gen::inRange<int64_t>(1, 60);
    limits.max_running = 6;
    if (*rc::gen::arbitrary<bool>()) limits.max_kv_bytes = int64_t{*rc::gen::inRange(100, 1000)} << 10;
    const auto engine = load_limited(folder("dense"), limits);
    std::vector<SequenceId> held;
    const auto steps = *rc::gen::inRange(5, 60);
    Tokens ignored;
    for (int step = 0; step < steps; ++step) {
      const auto dice = *rc::gen::inRange(0, 8);
      if (dice < 3 || held.empty()) {
        const auto id = engine->enqueue(conversation(*rc::gen::inRange<uint64_t>(0, 9)));
        if (!id.ok()) continue;
        held.push_back(*id);
        if (*rc::gen::arbitrary<bool>()) engine->start(*id, hot(1, 20), into(ignored));
        continue;
      }
      const auto at = held.begin() + *rc::gen::inRange<int64_t>(0, std::ssize(held));
      if (dice == 3) {
        engine->cancel(*at);
        RC_ASSERT(!engine->is_running(*at));
      } else if (dice == 4) {
        engine->release(*at);
        held.erase(at);
      } else if (dice == 5 && engine->phase(*at) == SequencePhase::ready) {
        const auto children = engine->fork(*at, 2).value();
        for (const SequenceId child : children) {
          held.push_back(child);
          engine->start(child, hot(2, 9, static_cast<uint64_t>(child)), into(ignored));
        }
      } else {
        engine->step();
      }
    }
    for (const SequenceId id : held) {
      engine->cancel(id);
      engine->release(id);
    }
    RC_ASSERT(engine->pages_in_use() == 0);
    RC_ASSERT(!engine->step());
    const EngineMetrics metrics = engine->metrics();
    RC_ASSERT(metrics.queued + metrics.prefilling + metrics.running + metrics.sequences + metrics.bytes == 0);
  }));
}

TEST(EngineQueue, ARunningSequenceGoesOnWhileALongPromptIsComputed) {
  EngineLimits limits;
  limits.rows_per_step = 8;
  const auto engine = load_limited(folder("dense"), limits);
  Tokens running;
  const SequenceId first = engine->prefill(text_prompt(10, 1)).value();
  engine->start(first, hot(1, 100), into(running));
  const SequenceId second = engine->enqueue(text_prompt(160, 2)).value();
  EXPECT_EQ(engine->phase(second), SequencePhase::queued);
  for (size_t step = 1; step < 20; ++step) {
    engine->step();
    EXPECT_EQ(running.size(), step);
    EXPECT_EQ(engine->phase(second), SequencePhase::prefilling) << step;
  }
  // What is computed of a prompt goes back at once.
  const int64_t with_both = engine->pages_in_use();
  engine->cancel(second);
  EXPECT_LE(engine->pages_in_use(), with_both - 9);
  EXPECT_EQ(engine->phase(second), SequencePhase::refused);
  EXPECT_FALSE(engine->fork(second, 1).ok());
  Tokens none;
  engine->start(second, hot(1, 5), into(none));
  run_all(*engine);
  EXPECT_EQ(running.size(), 100u);
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(engine->finish_reason(second), FinishReason::exhausted);
}

TEST(EngineQueue, GreaterPrioritiesAreAnsweredFirst) {
  EngineLimits limits;
  limits.rows_alone = limits.rows_per_step = 16;
  const auto engine = load_limited(folder("dense"), limits);
  std::vector<int> order;
  for (int i = 0; i < 6; ++i) {
    const auto id = engine->enqueue(text_prompt(64, 40 + static_cast<uint64_t>(i)), {i % 3, 0, 1}).value();
    engine->start(id, hot(1, 1), [&order, i](const SampledToken&) {
      order.push_back(i);
      return true;
    });
  }
  run_all(*engine);
  EXPECT_EQ(order, (std::vector<int>{2, 5, 1, 4, 0, 3}));
}

TEST(EngineQueue, LimitsRefuseWithAReason) {
  EngineLimits limits;
  limits.max_queued = 2;
  limits.max_running = 2;
  const auto probe = load_limited(folder("dense"), limits);
  probe->prefill(text_prompt(16, 1)).value();
  limits.max_kv_bytes = probe->metrics().bytes * 10;  // 160 positions
  const auto engine = load_limited(folder("dense"), limits);
  const auto refused = [&](const Prompt& prompt, const char* about) {
    const auto result = engine->enqueue(prompt);
    ASSERT_FALSE(result.ok()) << about;
    EXPECT_EQ(result.error().kind, ErrorKind::exhausted);
    EXPECT_NE(result.error().message.find(about), std::string::npos) << result.error().message;
  };
  refused(text_prompt(engine->context_length() + 1, 1), "the model's context");
  refused(text_prompt(engine->context_length(), 1), "must fit the cache");
  std::vector<Tokens> tokens(4);
  std::vector<SequenceId> ids;
  for (size_t i = 0; i < 4; ++i) {
    if (i == 2) engine->step();  // two are under way, two more may wait
    ids.push_back(engine->enqueue(text_prompt(20, i)).value());
    engine->start(ids.back(), hot(i, 12), into(tokens[i]));
  }
  refused(text_prompt(20, 9), "prompts may wait");
  engine->step();
  EXPECT_EQ(engine->metrics().running, 2);
  EXPECT_EQ(engine->metrics().queued, 2);
  run_all(*engine);
  for (const Tokens& t : tokens) EXPECT_EQ(t.size(), 12u);
  EXPECT_EQ(engine->metrics().decoded_tokens, 48);
}

TEST(EngineQueue, ShortMemoryMakesPromptsWaitOrBeRefusedAndNeverStopsWhatRuns) {
  const Prompt prompt = text_prompt(100, 5);
  EngineLimits limits;
  const auto probe = load_limited(folder("dense"), limits);
  probe->prefill(prompt).value();
  limits.max_kv_bytes = probe->metrics().bytes * 3;
  limits.rows_per_step = 16;
  const auto engine = load_limited(folder("dense"), limits);
  // Two run; others wait until there is room, though all are asked for at once.
  std::vector<Tokens> tokens(6);
  std::vector<SequenceId> ids;
  for (uint64_t i = 0; i < 6; ++i) {
    ids.push_back(engine->enqueue(text_prompt(100, 50 + i)).value());
    const SequenceId id = ids.back();
    engine->start(id, hot(i, 30), [&, i, id](const SampledToken& t) {
      tokens[i].emplace_back(t.id, t.log_prob);
      if (tokens[i].size() == 30) engine->release(id);
      return true;
    });
  }
  run_all(*engine);
  const auto roomy = load_limited(folder("dense"), {});
  for (uint64_t i = 0; i < 6; ++i)
    EXPECT_EQ(tokens[i], alone_on(*roomy, text_prompt(100, 50 + i), hot(i, 30))) << i;
  EXPECT_EQ(engine->pages_in_use(), 0);
  // Idle sequences hold everything, and nothing that runs could give it back: refused, not waiting for ever.
  std::vector<SequenceId> idle;
  while (true) {
    const auto id = engine->prefill(text_prompt(100, 70 + idle.size()));
    if (!id.ok()) break;
    idle.push_back(*id);
    ASSERT_LT(idle.size(), 10u);
  }
  const SequenceId late = engine->enqueue(text_prompt(100, 90)).value();
  Tokens none;
  engine->start(late, hot(1, 5), into(none));
  run_all(*engine);
  EXPECT_EQ(engine->phase(late), SequencePhase::refused);
  EXPECT_EQ(engine->finish_reason(late), FinishReason::exhausted);
  EXPECT_NE(engine->failure(late).find("must have room"), std::string::npos) << engine->failure(late);
  EXPECT_EQ(engine->metrics().refused, 1);
}

TEST(EngineQueue, WhatWasSeenBeforeIsNotComputedAgain) {
  for (const std::string model : {"dense", "glimmer"}) {
    const auto engine = load_limited(folder(model), {});
    for (const char* name : {"text", "two_images"}) {
      const Prompt prompt = case_prompt(model, name);
      const int64_t length = std::ssize(prompt.tokens);
      const Tokens first = alone_on(*engine, prompt, hot(3, 20));
      const EngineMetrics before = engine->metrics();
      EXPECT_EQ(alone_on(*engine, prompt, hot(3, 20)), first);
      const EngineMetrics after = engine->metrics();
      EXPECT_EQ(after.found_tokens - before.found_tokens, length - 1) << model << " " << name;
      EXPECT_EQ(after.prefilled_tokens - before.prefilled_tokens, 1);
      // The next turn begins with this one's answer.
      Prompt next = prompt;
      for (const auto& token : first) next.tokens.push_back(token.first);
      const Prompt more = text_prompt(9, 8);
      next.tokens.insert(next.tokens.end(), more.tokens.begin(), more.tokens.end());
      const SequenceId id = engine->prefill(next).value();
      EXPECT_GE(engine->found_positions(id), length + 19);
      Tokens warm;
      engine->start(id, hot(4, 10), into(warm));
      run_all(*engine);
      engine->release(id);
      EXPECT_EQ(warm, alone_on(*load_limited(folder(model), {}), next, hot(4, 10))) << model;
      EXPECT_EQ(engine->pages_in_use(), 0);
      EXPECT_GT(engine->metrics().cached_pages, 0);
    }
  }
}

TEST(EngineQueue, RememberedPromptsOutliveTheProcessInAFile) {
  const fs::path file = fs::temp_directory_path() / "melete_prompts_test.kv";
  const Prompt prompt = text_prompt(90, 6);
  Tokens expected;
  {
    const auto engine = load_limited(folder("sparse"), {});
    expected = alone_on(*engine, prompt, hot(1, 20));
    ASSERT_TRUE(engine->save_prompts(file).ok());
  }
  const auto engine = load_limited(folder("sparse"), {});
  EXPECT_GE(engine->load_prompts(file).value(), 109);
  EXPECT_EQ(alone_on(*engine, prompt, hot(1, 20)), expected);
  EXPECT_EQ(engine->metrics().found_tokens, 89);

  const auto refused = [&](SpanEngine& other, ErrorKind kind) {
    const auto loaded = other.load_prompts(file);
    ASSERT_FALSE(loaded.ok());
    EXPECT_EQ(loaded.error().kind, kind) << loaded.error().message;
    EXPECT_EQ(other.metrics().cached_pages, 0);
    EXPECT_EQ(alone_on(other, prompt, hot(1, 3)).size(), 3u);
  };
  refused(*load_limited(folder("dense"), {}), ErrorKind::invalid_argument);
  const std::string whole = read_file(file).value();
  Random random(1);
  for (int i = 0; i < 30; ++i) {
    std::string bad = whole;
    if (i % 2 == 0) {
      bad.resize(static_cast<size_t>(random.integer(0, std::ssize(whole) - 1)));
    } else {
      bad[static_cast<size_t>(random.integer(0, std::ssize(whole) - 1))] ^= 4;
    }
    ASSERT_TRUE(write_file(file, bad).ok());
    const auto loaded = engine->load_prompts(file);
    ASSERT_FALSE(loaded.ok()) << i;
    EXPECT_EQ(engine->metrics().cached_pages, 0);
  }
  std::string earlier = whole;
  earlier[8] = 1;  // the version
  ASSERT_TRUE(write_file(file, earlier).ok());
  refused(*engine, ErrorKind::not_found);
  fs::remove(file);
  EXPECT_EQ(engine->load_prompts(file).error().kind, ErrorKind::not_found);
}

TEST(EngineQueue, PiecesOfPromptsAreAsShortAsTheTimeOfAStep) {
  const Prompt prompt = text_prompt(300, 4);
  EngineLimits limits;
  limits.max_step_s = 1e-12;
  const auto hurried = load_limited(folder("dense"), limits);
  const SequenceId id = hurried->enqueue(prompt).value();
  std::vector<int64_t> computed;
  while (hurried->phase(id) != SequencePhase::ready) {
    hurried->step();
    computed.push_back(hurried->metrics().prefilled_tokens);
  }
  // Nothing is known before the first; no piece is smaller than a turn of the queue.
  EXPECT_EQ(computed, (std::vector<int64_t>{128, 192, 256, 300}));
  Tokens got;
  hurried->start(id, hot(1, 5), into(got));
  run_all(*hurried);
  EXPECT_EQ(got, alone(prompt, hot(1, 5)));
  limits.max_step_s = 1e6;
  const auto patient = load_limited(folder("dense"), limits);
  const SequenceId other = patient->enqueue(prompt).value();
  patient->step();
  patient->step();
  EXPECT_EQ(patient->phase(other), SequencePhase::ready);
}

}  // namespace
}  // namespace melete
