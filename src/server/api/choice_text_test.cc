#include "server/api/choice_text.h"

#include <gtest/gtest.h>

#include "server/api/chat_wire.h"

namespace melete {
namespace {

Event delta(const std::string& channel, const std::string& text) {
  Event event;
  event.kind = "agent.delta";
  event.data = {{"channel", channel}, {"text", text}};
  return event;
}

Answer answer_of(const std::string& text, const std::string& reasoning = "",
                 const std::string& finish = "stop") {
  Answer answer;
  answer.text = text;
  answer.reasoning = reasoning;
  answer.finish = finish;
  return answer;
}

TEST(StopFilter, CutsBeforeTheFirstStopWhateverThePieces) {
  const std::string text = "one two END three STOP";
  for (size_t step = 1; step <= text.size(); ++step) {
    StopFilter filter({"STOP", "END", "ENDED"});
    std::string out;
    for (size_t at = 0; at < text.size(); at += step) out += filter.put(text.substr(at, step));
    out += filter.finish();
    EXPECT_EQ(out, "one two ") << step;
    EXPECT_TRUE(filter.matched());
  }
}

TEST(StopFilter, GivesBackWhatOnlyLookedLikeAStop) {
  StopFilter filter({"abab!"});
  EXPECT_EQ(filter.put("xab"), "x");
  EXPECT_EQ(filter.put("ab"), "");
  EXPECT_EQ(filter.put("ab"), "ab");  // what may begin a stop is still held
  EXPECT_EQ(filter.finish(), "abab");
  EXPECT_FALSE(filter.matched());
}

TEST(ChoiceText, SendsReasoningAndContentAsTheyCome) {
  ChoiceText text(false, false, {"!"});
  EXPECT_EQ(text.put(delta("reasoning", "hm ")).reasoning, "hm ");
  EXPECT_EQ(text.put(delta("answer", "It is")).content, "It is");
  EXPECT_EQ(text.put(delta("answer", " so! Really")).content, " so");
  EXPECT_TRUE(text.stopped());
  EXPECT_TRUE(text.put(delta("answer", "more")).empty());
  const Answer answer = answer_of("It is so! Really", "hm ", "cancelled");
  EXPECT_TRUE(text.finish(answer).empty());
  EXPECT_EQ(text.finish_reason(answer), "stop");
}

TEST(ChoiceText, WhatMayBeMarksAloneIsHeldBack) {
  ChoiceText marks(false, true, {});
  EXPECT_TRUE(marks.put(delta("answer", "red circle")).empty());
  Event mark;
  mark.kind = "mark.added";
  mark.data = {{"channel", "answer"}};
  marks.put(mark);
  EXPECT_TRUE(marks.put(delta("answer", ", and a long text. That ends")).empty());
  EXPECT_EQ(marks.finish(answer_of("[{\"x\": 5}]")).content, "[{\"x\": 5}]");

  ChoiceText words(false, true, {});
  EXPECT_TRUE(words.put(delta("answer", "The answer")).empty());
  EXPECT_EQ(words.put(delta("answer", " is this one.")).content, "The answer is this one.");
  EXPECT_EQ(words.put(delta("answer", " So")).content, " So");
  EXPECT_TRUE(words.finish(answer_of("The answer is this one. So")).empty());
}

TEST(ChoiceText, WhatWasSentIsNeverContinuedByAnotherText) {
  ChoiceText text(false, true, {"]"});
  EXPECT_FALSE(text.put(delta("answer", "a label that is longer than twenty-four bytes")).empty());
  EXPECT_TRUE(text.put(delta("commentary", "said in passing")).empty());
  const Answer answer = answer_of("[{\"x\": 5}]");
  EXPECT_TRUE(text.finish(answer).empty());
  EXPECT_EQ(text.whole(answer).content, "[{\"x\": 5}");
}

TEST(ChoiceText, SeveralAgentsAreSilentUntilTheEnd) {
  ChoiceText text(true, true, {"2"});
  EXPECT_TRUE(text.put(delta("reasoning", "a")).empty());
  EXPECT_TRUE(text.put(delta("answer", "This is a long answer.")).empty());
  const auto piece = text.finish(answer_of("12", "because"));
  EXPECT_EQ(piece.reasoning, "because");
  EXPECT_EQ(piece.content, "1");
}

TEST(ChatWire, CountsThePromptOnceAndAllTheRest) {
  Answer answer = answer_of("x");
  answer.usage.prompt_tokens = 10;
  answer.usage.reasoning_tokens = 5;
  answer.usage.answer_tokens = 2;
  const Json usage = chat_usage({answer, answer});
  EXPECT_EQ(usage["prompt_tokens"], 10);
  EXPECT_EQ(usage["completion_tokens"], 14);
  EXPECT_EQ(usage["total_tokens"], 24);
  EXPECT_EQ(usage["completion_tokens_details"]["reasoning_tokens"], 10);
}

}  // namespace
}  // namespace melete
