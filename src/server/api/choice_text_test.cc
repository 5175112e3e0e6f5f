#include "server/api/choice_text.h"

#include <gtest/gtest.h>

#include "server/api/answer_wire.h"

namespace melete {
namespace {

Event delta(const std::string& channel, const std::string& text, const Json& more = Json::object()) {
  Event event;
  event.kind = "agent.delta";
  event.data = {{"channel", channel}, {"text", text}};
  event.data.update(more);
  return event;
}

Event call_event(const std::string& id, const std::string& name, const Json& arguments) {
  Event event;
  event.kind = "agent.tool_call";
  event.data = {{"id", id}, {"name", name}, {"arguments", arguments}};
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

AnswerToken token(const std::string& bytes) { return {{bytes, -0.5}, {{bytes, -0.5}, {"?", -2}}}; }

ChoiceText::Options with_stops(std::vector<std::string> stops, bool many = false, bool marks = false) {
  ChoiceText::Options options;
  options.has_many_agents = many;
  options.may_be_marks = marks;
  options.stops = std::move(stops);
  return options;
}

// "reasoning:hm |content:It is|call 0 look#id:{}"
std::string shown(const std::vector<AnswerDelta>& deltas) {
  constexpr const char* kNames[] = {"reasoning", "commentary", "content", "call"};
  std::string all;
  for (const AnswerDelta& one : deltas) {
    all += cat(all.empty() ? "" : "|", kNames[static_cast<size_t>(one.kind)]);
    if (one.kind == AnswerDelta::Kind::call) all += cat(" ", one.call);
    if (!one.id.empty()) all += cat(" ", one.name, "#", one.id);
    all += ":" + one.text;
    for (const Json& t : one.tokens) {
      all += "'";
      for (const Json& byte : t["bytes"]) all += static_cast<char>(byte.get<int>());
    }
  }
  return all;
}

TEST(StopFilter, CutsBeforeTheFirstStopWhateverThePieces) {
  const std::string text = "one two END three STOP";
  for (size_t step = 1; step <= text.size(); ++step) {
    StopFilter filter({"STOP", "END", "ENDED"});
    std::string out;
    for (size_t at = 0; at < text.size(); at += step) out += filter.put(text.substr(at, step));
    out += filter.finish();
    EXPECT_EQ(out, "one two ") << step;
    EXPECT_EQ(filter.matched(), "END");
  }
}

TEST(StopFilter, GivesBackWhatOnlyLookedLikeAStop) {
  StopFilter filter({"abab!"});
  EXPECT_EQ(filter.put("xab"), "x");
  EXPECT_EQ(filter.put("ab"), "");
  EXPECT_EQ(filter.put("ab"), "ab");  // what may begin a stop is still held
  EXPECT_EQ(filter.finish(), "abab");
  EXPECT_EQ(filter.matched(), "");
}

TEST(ChoiceText, SendsReasoningAndContentAsTheyCome) {
  ChoiceText text(with_stops({"!"}));
  EXPECT_EQ(shown(text.put(delta("reasoning", "hm "))), "reasoning:hm ");
  EXPECT_EQ(shown(text.put(delta("answer", "It is"))), "content:It is");
  EXPECT_EQ(shown(text.put(delta("answer", " so! Really"))), "content: so");
  EXPECT_EQ(text.stop(), "!");
  EXPECT_TRUE(text.put(delta("answer", "more")).empty());
  const Answer answer = answer_of("It is so! Really", "hm ", "cancelled");
  EXPECT_TRUE(text.finish(answer).empty());
  EXPECT_EQ(text.end(answer), AnswerEnd::stopped);
}

TEST(ChoiceText, WhatMayBeMarksAloneIsHeldBack) {
  ChoiceText marks(with_stops({}, false, true));
  EXPECT_TRUE(marks.put(delta("answer", "red circle")).empty());
  Event mark;
  mark.kind = "mark.added";
  mark.data = {{"channel", "answer"}};
  marks.put(mark);
  EXPECT_TRUE(marks.put(delta("answer", ", and a long text. That ends")).empty());
  EXPECT_EQ(shown(marks.finish(answer_of("[{\"x\": 5}]"))), "content:[{\"x\": 5}]");

  ChoiceText words(with_stops({}, false, true));
  EXPECT_TRUE(words.put(delta("answer", "The answer")).empty());
  EXPECT_EQ(shown(words.put(delta("answer", " is this one."))), "content:The answer is this one.");
  EXPECT_EQ(shown(words.put(delta("answer", " So"))), "content: So");
  EXPECT_TRUE(words.finish(answer_of("The answer is this one. So")).empty());
}

TEST(ChoiceText, WhatWasSentIsNeverContinuedByAnotherText) {
  ChoiceText text(with_stops({"]"}, false, true));
  EXPECT_FALSE(text.put(delta("answer", "a label that is longer than twenty-four bytes")).empty());
  const Answer answer = answer_of("[{\"x\": 5}]");
  EXPECT_TRUE(text.finish(answer).empty());
  EXPECT_EQ(shown(ChoiceText(with_stops({"]"})).finish(answer)), "content:[{\"x\": 5}");
}

TEST(ChoiceText, SeveralAgentsAreSilentUntilTheEnd) {
  ChoiceText text(with_stops({"2"}, true, true));
  EXPECT_TRUE(text.put(delta("reasoning", "a")).empty());
  EXPECT_TRUE(text.put(delta("answer", "This is a long answer.")).empty());
  EXPECT_TRUE(text.put(call_event("1", "look", {})).empty());
  Answer answer = answer_of("12", "because");
  answer.commentary = "so";
  EXPECT_EQ(shown(text.finish(answer)), "reasoning:because|commentary:so|content:1");
  EXPECT_EQ(text.end(answer), AnswerEnd::stopped);
}

TEST(ChoiceText, CallsComeWholeOrInPiecesAndOnce) {
  Answer answer = answer_of("", "", "tool_calls");
  answer.commentary = "I look.";
  answer.tool_calls = {{"1", "look", {{"at", 3}}}, {"2", "now", Json::object()}};
  ChoiceText whole(with_stops({"."}));
  EXPECT_EQ(shown(whole.put(delta("commentary", "I look"))), "commentary:I look");
  EXPECT_EQ(shown(whole.put(call_event("1", "look", {{"at", 3}}))), R"(call 0 look#1:{"at":3})");
  answer.commentary = "I look";
  EXPECT_EQ(shown(whole.finish(answer)), "call 1 now#2:{}");
  EXPECT_EQ(whole.end(answer), AnswerEnd::calls);

  ChoiceText pieces(with_stops({}));
  const Json call = {{"id", "1"}, {"name", "look"}};
  EXPECT_EQ(shown(pieces.put(delta("tool_call", "{\"at\"", call))), R"(call 0 look#1:{"at")");
  EXPECT_EQ(shown(pieces.put(delta("tool_call", ": 3}", call))), "call 0:: 3}");
  EXPECT_TRUE(pieces.put(call_event("1", "look", {{"at", 3}})).empty());
  answer.commentary = "";
  answer.tool_calls.pop_back();
  EXPECT_TRUE(pieces.finish(answer).empty());
}

TEST(ChoiceText, WhatIsHeldComesBeforeTheCallBehindIt) {
  ChoiceText text(with_stops({"look out"}, false, true));
  EXPECT_TRUE(text.put(delta("answer", "I look")).empty());
  EXPECT_EQ(shown(text.put(call_event("1", "look", Json::object()))), "content:I look|call 0 look#1:{}");
  Answer answer = answer_of("I look", "", "tool_calls");
  answer.tool_calls = {{"1", "look", Json::object()}};
  EXPECT_TRUE(text.finish(answer).empty());
}

TEST(ChoiceText, CommentaryIsLeftOutWhereTheFormOfContentCounts) {
  ChoiceText::Options options;
  options.tells_commentary = false;
  ChoiceText text(options);
  EXPECT_TRUE(text.put(delta("commentary", "so")).empty());
  Answer answer = answer_of("{}");
  answer.commentary = "so";
  EXPECT_EQ(shown(text.finish(answer)), "content:{}");
}

TEST(ChoiceText, TokensComeWithTheContentThatTheyBegin) {
  Answer answer = answer_of("ab cd STOP ef", "", "cancelled");
  for (const char* bytes : {"ab", " c", "d", " ST", "OP", " ef"}) answer.tokens.push_back(token(bytes));
  Json tokens = Json::array();
  for (const AnswerToken& one : answer.tokens) tokens.push_back(to_json(one));
  const auto some = [&](size_t begin, size_t end) {
    Json list = Json::array();
    for (size_t i = begin; i < end; ++i) list.push_back(tokens[i]);
    return Json{{"tokens", list}};
  };
  ChoiceText text(with_stops({"STOP"}));
  EXPECT_EQ(shown(text.put(delta("answer", "ab c", some(0, 2)))), "content:ab c'ab' c");
  EXPECT_EQ(shown(text.put(delta("answer", "d ST", some(2, 4)))), "content:d 'd' ST");
  EXPECT_TRUE(text.put(delta("answer", "OP ef", some(4, 6))).empty());
  EXPECT_TRUE(text.finish(answer).empty());
  EXPECT_EQ(shown(ChoiceText(with_stops({"STOP"})).finish(answer)), "content:ab cd 'ab' c'd' ST");
  EXPECT_EQ(shown(ChoiceText(with_stops({})).finish(answer)), "content:ab cd STOP ef'ab' c'd' ST'OP' ef");
}

TEST(AnswerWire, CountsThePromptOnceAndAllTheRest) {
  FinishedAnswer one;
  one.answer.usage.prompt_tokens = 10;
  one.answer.usage.reasoning_tokens = 5;
  one.answer.usage.answer_tokens = 2;
  const TokenCounts counts = count_tokens({one, one});
  EXPECT_EQ(counts.prompt, 10);
  EXPECT_EQ(counts.completion, 14);
  EXPECT_EQ(counts.reasoning, 10);
}

}  // namespace
}  // namespace melete
