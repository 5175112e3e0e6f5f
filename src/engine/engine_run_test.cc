// How runs end: stop tokens, limits, cancelling, sinks that throw, a full cache, bad prompts.
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "engine/test_models.h"

namespace melete {
namespace {

TEST(EngineRun, CancelAndReleaseFreePages) {
  const auto engine = load("dense");
  Tokens ignored;
  const SequenceId a = engine->prefill(text_prompt(100, 8)).value();
  const int64_t one = engine->pages_in_use();
  EXPECT_GE(one, 7);
  const auto children = engine->fork(a, 3).value();
  for (const SequenceId c : children) engine->start(c, hot(1, 50), into(ignored));
  for (int i = 0; i < 20; ++i) engine->step();
  EXPECT_GT(engine->pages_in_use(), one);
  engine->cancel(children[0]);
  EXPECT_FALSE(engine->is_running(children[0]));
  EXPECT_EQ(engine->finish_reason(children[0]), FinishReason::cancelled);
  for (const SequenceId c : children) engine->release(c);
  EXPECT_EQ(engine->pages_in_use(), one);
  EXPECT_FALSE(engine->step());
  engine->release(a);
  EXPECT_EQ(engine->pages_in_use(), 0);
}

TEST(EngineRun, StopTokensAndLimitsEndARun) {
  const auto engine = load("dense");
  const Prompt prompt = text_prompt(12, 9);
  const Tokens free = alone(prompt, hot(2, 20));
  Sampling s = hot(2, 20);
  s.stop_tokens = {free[6].first};
  const auto first =
      std::find_if(free.begin(), free.end(), [&](const auto& t) { return t.first == free[6].first; });
  Tokens got;
  const SequenceId id = engine->prefill(prompt).value();
  engine->start(id, s, into(got));
  run_all(*engine);
  EXPECT_EQ(got, Tokens(free.begin(), first + 1));
  EXPECT_EQ(engine->finish_reason(id), FinishReason::stop);

  const SequenceId limited = engine->prefill(prompt).value();
  Tokens three, none;
  engine->start(limited, hot(2, 3), into(three));
  run_all(*engine);
  EXPECT_EQ(three, Tokens(free.begin(), free.begin() + 3));
  EXPECT_EQ(engine->finish_reason(limited), FinishReason::length);
  engine->start(limited, hot(2, 0), into(none));
  run_all(*engine);
  EXPECT_TRUE(none.empty());
}

TEST(EngineRun, TheContextsEndEndsARunAndRefusesLongerPrompts) {
  const auto engine = load("dense");
  const int64_t context = engine->context_length();
  Tokens tokens;
  const SequenceId id = engine->prefill(text_prompt(context - 3, 10)).value();
  engine->start(id, hot(1, 100), into(tokens));
  run_all(*engine);
  EXPECT_EQ(tokens.size(), 4u);  // three more positions, and the token sampled after the last
  EXPECT_EQ(engine->finish_reason(id), FinishReason::length);
  const auto refused = engine->prefill(text_prompt(context + 1, 10));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::exhausted);
}

TEST(EngineRun, ASinkThatThrowsOrStopsEndsItsOwnSequenceOnly) {
  const auto engine = load("dense");
  const Prompt prompt = text_prompt(12, 11);
  const SequenceId thrower = engine->prefill(prompt).value(), stopper = engine->prefill(prompt).value(),
                   steady = engine->prefill(prompt).value();
  int thrown_after = 0, stopped_after = 0;
  Tokens tokens;
  engine->start(thrower, hot(1, 30), [&](const SampledToken&) -> bool {
    if (++thrown_after == 4) throw std::runtime_error("the pipe is closed");
    return true;
  });
  engine->start(stopper, hot(1, 30), [&](const SampledToken&) { return ++stopped_after < 6; });
  engine->start(steady, hot(1, 30), into(tokens));
  run_all(*engine);
  EXPECT_EQ(tokens, alone(prompt, hot(1, 30)));
  EXPECT_EQ(engine->finish_reason(thrower), FinishReason::failed);
  EXPECT_NE(engine->failure(thrower).find("the pipe is closed"), std::string::npos);
  EXPECT_EQ(engine->finish_reason(stopper), FinishReason::cancelled);
  EXPECT_EQ(thrown_after, 4);
  EXPECT_EQ(stopped_after, 6);
  // Both can go on: nothing they sampled is lost.
  Tokens rest;
  engine->start(thrower, hot(1, 26), into(rest));
  run_all(*engine);
  EXPECT_EQ(rest, Tokens(tokens.begin() + 4, tokens.end()));
}

TEST(EngineRun, ASinkMayReleaseCancelAndRestart) {
  const auto engine = load("dense");
  const Prompt prompt = text_prompt(12, 12);
  const SequenceId a = engine->prefill(prompt).value(), b = engine->prefill(prompt).value();
  Tokens after_restart;
  int seen_a = 0;
  engine->start(a, hot(1, 30), [&](const SampledToken&) {
    if (++seen_a == 3) {
      engine->release(b);
      engine->cancel(a);
      engine->start(a, hot(1, 5), into(after_restart));
    }
    return true;
  });
  engine->start(b, hot(2, 1000), [](const SampledToken&) { return true; });
  run_all(*engine);
  EXPECT_EQ(seen_a, 3);
  const Tokens expected = alone(prompt, hot(1, 8));
  EXPECT_EQ(after_restart, Tokens(expected.begin() + 3, expected.end()));
  engine->release(a);
  EXPECT_EQ(engine->pages_in_use(), 0);
}

TEST(EngineRun, AFullCacheEndsOneRunAndLeavesTheRest) {
  const auto whole = load("dense");
  const SequenceId probe = whole->prefill(text_prompt(40, 13)).value();
  const int64_t pages = whole->pages_in_use();
  whole->release(probe);
  // Room for about three such sequences, in bytes of the larger kind of page.
  const auto engine = load("dense", 1, pages * 3 * 3 * 2 * 512 * 4);
  std::vector<SequenceId> ids;
  while (true) {
    const auto id = engine->prefill(text_prompt(40, 13 + ids.size()));
    if (!id.ok()) {
      EXPECT_EQ(id.error().kind, ErrorKind::exhausted);
      break;
    }
    ids.push_back(*id);
    ASSERT_LT(ids.size(), 100u);
  }
  ASSERT_GE(ids.size(), 1u);
  std::vector<Tokens> tokens(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) engine->start(ids[i], hot(1, 400), into(tokens[i]));
  run_all(*engine);
  int64_t ended_early = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    ended_early += engine->finish_reason(ids[i]) == FinishReason::exhausted;
    const Tokens expected = alone(text_prompt(40, 13 + i), hot(1, 400));
    ASSERT_LE(tokens[i].size(), expected.size());
    EXPECT_TRUE(std::equal(tokens[i].begin(), tokens[i].end(), expected.begin()));
  }
  EXPECT_GE(ended_early, 1);
}

// Allows base + (number of tokens accepted so far) % 3, then at the end nothing, or throws.
struct Staircase : TokenConstraint {
  std::vector<uint32_t> words = std::vector<uint32_t>(8);
  int32_t base = 40, end = 1000, bad = 1000;
  int32_t accepted = 0;
  std::span<const uint32_t> mask() override {
    if (accepted == bad) throw std::runtime_error("the grammar is lost");
    std::fill(words.begin(), words.end(), 0u);
    const int32_t id = base + accepted % 3;
    if (accepted < end) words[static_cast<size_t>(id / 32)] = 1u << (id % 32);
    return words;
  }
  void accept(int32_t id) override {
    EXPECT_EQ(id, base + accepted % 3);
    ++accepted;
  }
  std::unique_ptr<TokenConstraint> clone() const override { return std::make_unique<Staircase>(*this); }
};

std::vector<int32_t> ids_of(const Tokens& tokens) {
  std::vector<int32_t> ids;
  for (const auto& token : tokens) ids.push_back(token.first);
  return ids;
}

TEST(EngineRun, AConstraintIsClonedObeyedAndMayEndItsRun) {
  const auto engine = load("dense");
  const Prompt prompt = text_prompt(12, 14);
  auto stairs = std::make_shared<Staircase>();
  stairs->end = 5;
  auto thrower = std::make_shared<Staircase>();
  thrower->bad = 3;
  Sampling s = hot(1, 30), t = hot(1, 30);
  s.constraint = stairs;
  t.constraint = thrower;
  std::vector<SequenceId> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(engine->prefill(prompt).value());
  std::vector<Tokens> got(5);
  for (size_t i = 0; i < 4; ++i) engine->start(ids[i], i < 2 ? s : i == 2 ? t : hot(1, 30), into(got[i]));
  engine->step();
  engine->step();
  const SequenceId child = engine->fork(ids[0], 1).value()[0];
  Sampling go_on = hot(1, 30);
  go_on.constraint = engine->constraint(child);
  engine->start(child, go_on, into(got[4]));
  run_all(*engine);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(ids_of(got[i]), (std::vector<int32_t>{40, 41, 42, 40, 41}));
    EXPECT_EQ(engine->finish_reason(ids[i]), FinishReason::blocked);
  }
  EXPECT_EQ(ids_of(got[2]), (std::vector<int32_t>{40, 41, 42}));
  EXPECT_EQ(engine->finish_reason(ids[2]), FinishReason::failed);
  EXPECT_NE(engine->failure(ids[2]).find("the grammar is lost"), std::string::npos);
  EXPECT_EQ(got[3], alone(prompt, hot(1, 30)));
  EXPECT_EQ(ids_of(got[4]), (std::vector<int32_t>{42, 40, 41}));
  EXPECT_EQ(stairs->accepted, 0);
}

TEST(EngineRun, BadPromptsAreErrors) {
  const auto engine = load("glimmer");
  const auto refused = [&](const Prompt& prompt, const char* about) {
    const auto result = engine->prefill(prompt);
    ASSERT_FALSE(result.ok()) << about;
    EXPECT_EQ(result.error().kind, ErrorKind::invalid_argument);
    EXPECT_NE(result.error().message.find(about), std::string::npos) << result.error().message;
  };
  const Prompt good = case_prompt("glimmer", "image");
  refused({}, "a prompt must have a token");
  for (int32_t id : {-1, 160, INT32_MAX}) {
    Prompt bad = good;
    bad.tokens[0] = id;
    refused(bad, "token 0 must be");
  }
  for (const MediaSpan& span :
       {MediaSpan{-1, 2, 0, 0}, MediaSpan{31, 2, 0, 0}, MediaSpan{0, 2, 1, 0}, MediaSpan{0, 2, -1, 0},
        MediaSpan{0, 2, 0, 19}, MediaSpan{0, 2, 0, -1}, MediaSpan{0, -1, 0, 0}, MediaSpan{INT64_MAX, 1, 0, 0},
        MediaSpan{0, 1, 0, INT64_MAX}}) {
    Prompt bad = good;
    bad.spans = {span};
    refused(bad, "media spans");
  }
  Prompt overlapping = good;
  overlapping.spans = {{5, 4, 0, 0}, {8, 4, 0, 4}};
  refused(overlapping, "media spans");
  Prompt missing = good;
  missing.media = {nullptr};
  refused(missing, "medium 0 must be given");
  refused(case_prompt("dense", "audio"), "takes no audio");
  for (auto [t, h, w] :
       {std::tuple<int64_t, int64_t, int64_t>{1, 8, 8}, {0, 8, 10}, {1, 3, 4}, {1, INT64_MAX, 2}}) {
    auto media = std::make_shared<Media>(*good.media[0]);
    media->grid_t = t;
    media->grid_h = h;
    media->grid_w = w;
    Prompt bad = good;
    bad.spans.clear();
    bad.media = {media};
    refused(bad, "medium 0 must have patches");
  }
  EXPECT_EQ(engine->pages_in_use(), 0);
}

TEST(EngineRun, LoadNamesWhatIsWrong) {
  const auto absent = Engine::load(folder("absent"));
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().kind, ErrorKind::not_found);
}

TEST(Engine, TheMeanHiddenRowIsOfAllPositionsInAnyChunks) {
  const auto engine = load("dense");
  const Prompt prompt = text_prompt(20, 8);
  const auto whole = engine->mean_hidden(prompt).value();
  ASSERT_EQ(std::ssize(whole), engine->shape().width);
  engine->set_prefill_rows(3);
  EXPECT_EQ(engine->mean_hidden(prompt).value(), whole);
  Prompt shorter = prompt;
  shorter.tokens.pop_back();
  EXPECT_NE(engine->mean_hidden(shorter).value(), whole);
  EXPECT_EQ(engine->pages_in_use(), 0);
  EXPECT_EQ(engine->mean_hidden({}).error().kind, ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace melete
