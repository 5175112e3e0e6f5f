#include "train/stream.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace melete {
namespace {

std::shared_ptr<const Tokenizer> tokenizer() {
  static const auto shared = [] {
    const std::string json =
        train_tokenizer({"What is 12 + 30?", "The picture shows a red square at the left."}, 420).value();
    return parse_tokenizer(json, "test").value();
  }();
  return shared;
}

MixtureConfig text_and_data() {
  MixtureConfig mixture;
  mixture.documents = {0, 0, 0, 0.5, 0.5};
  mixture.loss = {0, 0, 0, 0.25, 0.75};
  return mixture;
}

DocumentMaker maker_of(const MixtureConfig& mixture) {
  auto maker = DocumentMaker::create(mixture, {}, {}, tokenizer());
  MELETE_CHECK(maker.ok(), maker.error().message);
  return *std::move(maker);
}

StreamConfig small_stream() {
  StreamConfig config;
  config.tokens_per_step = 4096;
  config.micro_batches = 2;
  config.steps_per_group = 3;
  return config;
}

OpenLevels all_zero(const DocumentMaker& maker) { return OpenLevels(maker.tasks().size(), 0); }

bool equal(const StepBatches& a, const StepBatches& b) {
  bool same = a.size() == b.size();
  for (size_t i = 0; same && i < a.size(); ++i)
    same = a[i].input.tokens == b[i].input.tokens && a[i].targets_R == b[i].targets_R &&
           a[i].weights_R == b[i].weights_R && a[i].input.patches == b[i].input.patches &&
           a[i].input.samples == b[i].input.samples;
  return same;
}

TEST(Documents, TargetsAreWhatTheAssistantWrites) {
  const DocumentMaker maker = maker_of(text_and_data());
  std::set<AnswerKind> kinds;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Document document = maker.make(seed, all_zero(maker), 4096).value();
    ASSERT_FALSE(document.answers.empty());
    int64_t covered = 0;
    for (const AnswerSpan& answer : document.answers) {
      kinds.insert(answer.kind);
      covered += answer.end - answer.begin;
      std::vector<int32_t> ids;
      for (int64_t i = answer.begin; i < answer.end; ++i)
        ids.push_back(
            document.prompt.tokens[static_cast<size_t>(document.target_at[static_cast<size_t>(i)])]);
      const std::string text = tokenizer()->decode(ids);
      EXPECT_EQ(
          text.find(answer.kind == AnswerKind::thinking ? " to=self<|message|>" : " to=user<|message|>"), 0u)
          << text;
      EXPECT_EQ(text.substr(text.size() - 7), "<|eot|>") << text;
    }
    EXPECT_EQ(covered, static_cast<int64_t>(document.target_at.size()))
        << "every target belongs to one answer";
  }
  EXPECT_TRUE(kinds.count(AnswerKind::instant) && kinds.count(AnswerKind::thinking));
}

TEST(Documents, OnlyTheAskedSplitIsUsed) {
  const DocumentMaker maker = maker_of(text_and_data());
  const Document dev = maker.make_of(0, 0, AnswerKind::instant, Split::dev, 1, 4096).value();
  const Document same = maker.make_of(0, 0, AnswerKind::instant, Split::dev, 1, 4096).value();
  EXPECT_EQ(dev.prompt.tokens, same.prompt.tokens);
  const Document train = maker.make_of(0, 0, AnswerKind::instant, Split::train, 1, 4096).value();
  EXPECT_NE(dev.prompt.tokens, train.prompt.tokens);
}

TEST(Documents, UnknownTasksInTheMixtureAreRefused) {
  MixtureConfig mixture = text_and_data();
  mixture.task_weights = "additon=2";
  EXPECT_FALSE(DocumentMaker::create(mixture, {}, {}, tokenizer()).ok());
  mixture.task_weights = "addition=2x";
  EXPECT_FALSE(DocumentMaker::create(mixture, {}, {}, tokenizer()).ok());
}

TEST(Groups, EveryFamilyKeepsItsShareOfTheLoss) {
  const DocumentMaker maker = maker_of(text_and_data());
  double share[5] = {}, tokens[5] = {}, steps = 0;
  for (int64_t group = 0; group < 20; ++group) {
    const auto made = make_group(maker, small_stream(), 5, group, all_zero(maker)).value();
    for (const StepBatches& step : made) {
      ++steps;
      int64_t filled = 0;
      for (const Batch& batch : step) filled += batch.num_tokens();
      EXPECT_GT(filled, 0.92 * static_cast<double>(small_stream().tokens_per_step));
      for (const Batch& batch : step) {
        EXPECT_LE(batch.num_tokens(), small_stream().micro_batch_tokens());
        for (const BatchSpan& document : batch.documents)
          for (int64_t r = document.begin; r < document.end; ++r) {
            share[document.family] += batch.weights_R[static_cast<size_t>(r)];
            tokens[document.family] += 1;
          }
      }
    }
  }
  EXPECT_NEAR(share[3] / steps, 0.25, 0.03) << "data";
  EXPECT_NEAR(share[4] / steps, 0.75, 0.08) << "text";
  EXPECT_GT(std::abs(tokens[3] / (tokens[3] + tokens[4]) - 0.25), 0.01) << "shares of tokens are others";
}

TEST(Groups, ThreadsAndInterruptionsChangeNothing) {
  const DocumentMaker maker = maker_of(text_and_data());
  StreamConfig config = small_stream();
  std::vector<StepBatches> whole;
  std::map<int64_t, OpenLevels> kept;
  {
    DataStream stream(maker, config, 9, 0, {{0, all_zero(maker)}});
    for (int64_t step = 0; step < 14; ++step) {
      if (step > 0 && step % 3 == 0) stream.publish(step / 3, OpenLevels(maker.tasks().size(), step / 3 % 2));
      if (step == 10) kept = stream.snapshots();
      whole.push_back(stream.next().value());
    }
  }
  config.threads = 3;
  DataStream resumed(maker, config, 9, 10, kept);
  for (int64_t step = 10; step < 14; ++step) {
    if (step % 3 == 0) resumed.publish(step / 3, OpenLevels(maker.tasks().size(), step / 3 % 2));
    EXPECT_TRUE(equal(resumed.next().value(), whole[static_cast<size_t>(step)])) << step;
  }
  EXPECT_FALSE(equal(whole[0], whole[1]));
}

TEST(Groups, DocumentsThatNeverFitAreAnError) {
  const DocumentMaker maker = maker_of(text_and_data());
  const auto made = maker.make(1, all_zero(maker), 3);
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message.find("at most 3 tokens"), std::string::npos);
}

}  // namespace
}  // namespace melete
