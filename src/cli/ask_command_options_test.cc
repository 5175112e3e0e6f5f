#include "cli/ask_command_options.h"

#include <gtest/gtest.h>

#include "agent/scripted_engine.h"
#include "text/template_format.h"
#include "text/test_files.h"

namespace melete {
namespace {

// A model of another family, as its files describe it; or a Muse model.
Assistant assistant_of(const SamplingAdvice& advice, bool muse = false) {
  ChatSource source;
  source.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}";
  auto tokenizer = small_tokenizer();
  auto format =
      muse ? make_chat_format({}, tokenizer, "test") : make_template_format(source, tokenizer, "test");
  return Assistant(std::make_unique<ScriptedEngine>(tokenizer), std::move(format).value(), {}, advice);
}

Request chosen(const AskOptions& options, const Assistant& assistant) {
  Request request = options.request().value();
  options.choose_sampling(assistant, request);
  return request;
}

TEST(ChooseSampling, AMuseModelIsSampledAsItsModeDoes) {
  const Request request = chosen({}, assistant_of({0.9, 0.5, 0.1, 7}, /*muse=*/true));
  EXPECT_LT(request.temperature, 0);
  EXPECT_EQ(request.top_p, 1);
}

TEST(ChooseSampling, AnotherModelIsSampledAsItsFilesAdvise) {
  const Request request = chosen({}, assistant_of({0.6, 0.8, std::nullopt, 20}));
  EXPECT_EQ(request.temperature, 0.6);
  EXPECT_EQ(request.top_p, 0.8);
  EXPECT_EQ(request.min_p, 0);
  EXPECT_EQ(request.top_k, 20);
}

TEST(ChooseSampling, WithoutAdviceItIsAsOtherProgramsDo) {
  const Request request = chosen({}, assistant_of({}));
  EXPECT_EQ(request.temperature, 0.7);
  EXPECT_EQ(request.top_p, 0.95);
  EXPECT_EQ(request.min_p, 0.05);
}

TEST(ChooseSampling, TheCatalogueKnowsWhatTheFilesDoNotSay) {
  AskOptions options;
  options.model = "smollm2";
  EXPECT_EQ(chosen(options, assistant_of({})).temperature, 0.2);
  EXPECT_EQ(chosen(options, assistant_of({1.5, {}, {}, {}})).temperature, 1.5);
}

TEST(ChooseSampling, OptionsStandAboveAdvice) {
  AskOptions options;
  options.top_p = 0.4;
  EXPECT_EQ(chosen(options, assistant_of({0.6, 0.8, {}, {}})).top_p, 0.4);
  options.temperature = 0;
  const Request greedy = chosen(options, assistant_of({0.6, 0.8, 0.3, 20}));
  EXPECT_EQ(greedy.temperature, 0);
  EXPECT_EQ(greedy.min_p, 0);
}

}  // namespace
}  // namespace melete
