#include "text/markup_parser.h"

#include <gtest/gtest.h>

#include "text/test_events.h"
#include "text/test_files.h"
#include "text/tokenizer_vocab.h"

namespace melete {
namespace {

using Calls = MarkupStyle::Calls;

struct Case {
  Calls calls;
  bool in_reasoning;
  std::string stream, events;
};

const std::vector<Case> kCases = {
    {Calls::tagged, false, "Hi.", "user:Hi.|end"},
    {Calls::tagged, false, "Hi.<|im_end|>ignored", "user:Hi.|end|turn"},
    {Calls::tagged, false, "<|im_end|>", "turn"},
    {Calls::tagged, false, "", ""},
    {Calls::tagged, false, "  Hi.", "user:  Hi.|end"},
    {Calls::tagged, false, "<think>\nhm\n\nyes\n</think>\n\nHi.<|im_end|>",
     "self:hm\n\nyes|end|user:Hi.|end|turn"},
    {Calls::tagged, false, "\n<think></think>Hi.", "end|user:Hi.|end"},
    {Calls::tagged, true, "hm\n</think>\n\nHi.", "self:hm|end|user:Hi.|end"},
    {Calls::tagged, true, "hm", "self:hm|end"},
    {Calls::tagged, true, "hm<|im_end|>", "self:hm|end|turn"},
    {Calls::tagged, true, "</thin</think>x</think>", "self:</thin|end|user:x</think>|end"},
    {Calls::tagged, false, "What is <think>?", "user:What is <think>?|end"},
    {Calls::tagged, false, "<thin", "user:<thin|end"},
    {Calls::tagged, false, "1 <| 2 <|im_ <tool <tool_call", "user:1 <| 2 <|im_ <tool <tool_call|end"},
    {Calls::tagged, false,
     "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call><|im_end|>",
     R"(call:f{"a":1}|end|turn)"},
    {Calls::tagged, true,
     "use f\n</think>\n\n<tool_call>\n{\"name\": \"f\"}\n</tool_call>\n<tool_call>\n{\"name\": "
     "\"g\"}\n</tool_call><|im_end|>",
     "self:use f|end|call:f{}|call:g{}|end|turn"},
    {Calls::tagged, false, "Let me see.\n<tool_call>{\"name\": \"f\"}</tool_call>\nDone.",
     "user:Let me see.\n|call:f{}|user:Done.|end"},
    {Calls::tagged, false, "<tool_call>\nnonsense</tool_call> x",
     "user:<tool_call>\nnonsense</tool_call> x|end"},
    {Calls::tagged, false, "<tool_call>{\"name\": \"f\"}<|im_end|>", "call:f{}|end|turn"},
    {Calls::tagged, false, "<tool_call>{\"name\": \"f\"}", "user:<tool_call>{\"name\": \"f\"}|end"},
    {Calls::tagged, false, "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"</tool_call",
     "user:<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"</tool_call|end"},
    {Calls::tagged, false,
     "<tool_call>\n<function=f>\n<parameter=a>\n1\n</parameter>\n</function>\n</tool_call>",
     R"(call:f{"a":1}|end)"},
    {Calls::tagged, false, "\xC3\xA9\xE2\x82\xAC\xFF", "user:\xC3\xA9\xE2\x82\xAC\xEF\xBF\xBD|end"},
    {Calls::whole, false, "{\"name\": \"f\", \"parameters\": {\"a\": 1}}<|im_end|>",
     R"(call:f{"a":1}|end|turn)"},
    {Calls::whole, false, "{\"name\": \"f\", \"parameters\": {\"a\": 1}",
     R"(user:{"name": "f", "parameters": {"a": 1}|end)"},
    {Calls::whole, false, "{\"name\": \"f\", \"parameters\": {\"a\": 1}}", R"(call:f{"a":1}|end)"},
    {Calls::whole, false, "{\"a\": 1} is JSON.", "user:{\"a\": 1} is JSON.|end"},
    {Calls::whole, false, "{\"name\": \"Ann\", \"age\": 7}<|im_end|>",
     "user:{\"name\": \"Ann\", \"age\": 7}|end|turn"},
    {Calls::tagged, false, "<tool_call>{\"name\": \"h\"}</tool_call>",
     "user:<tool_call>{\"name\": \"h\"}</tool_call>|end"},
    {Calls::whole, false, "Here: {\"name\": \"f\"}", "user:Here: {\"name\": \"f\"}|end"},
    {Calls::whole, false, "<|python_tag|>f.call(a=1)<|im_end|>", R"(call:f{"a":1}|end|turn)"},
    {Calls::whole, false, "<|python_tag|>import os<|im_end|>", "user:<|python_tag|>import os|end|turn"},
    {Calls::whole, false, "<function=f>{\"a\": 1}</function><|im_end|>", R"(call:f{"a":1}|end|turn)"},
    {Calls::whole, false, "[f(a=1)]", R"(call:f{"a":1}|end)"},
    {Calls::whole, false, "[1] A source.", "user:[1] A source.|end"},
    {Calls::fenced, false, "```tool_code\nf(a=1)\n```<|im_end|>", R"(call:f{"a":1}|end|turn)"},
    {Calls::fenced, false, "Look:\n```tool_code\nprint(f(a=1))\n```\nok",
     "user:Look:\n|call:f{\"a\":1}|user:ok|end"},
    {Calls::fenced, false, "```python\nf(a=1)\n```", "user:```python\nf(a=1)\n```|end"},
    {Calls::fenced, false, "```tool_code\nf(a=", "user:```tool_code\nf(a=|end"},
    {Calls::none, false, "<tool_call>{\"name\": \"f\"}</tool_call>",
     "user:<tool_call>{\"name\": \"f\"}</tool_call>|end"},
};

std::string parse(const Case& one, size_t first, size_t second) {
  MarkupStyle style;
  style.thinks = true;
  style.calls = one.calls;
  style.stop_spellings = {"<|im_end|>", "<|endoftext|>"};
  MarkupParser parser(style, {Json{{"name", "f"}}, Json{{"name", "g"}}}, one.in_reasoning);
  const std::string_view text = one.stream;
  std::vector<ChannelEvent> events = parser.put(text.substr(0, first));
  for (auto& event : parser.put(text.substr(first, second - first))) events.push_back(event);
  for (auto& event : parser.put(text.substr(second))) events.push_back(event);
  for (auto& event : parser.finish()) events.push_back(event);
  return shown(events);
}

TEST(MarkupParser, ReadsEveryCase) {
  for (const Case& one : kCases) EXPECT_EQ(parse(one, 0, 0), one.events) << one.stream;
}

TEST(MarkupParser, CuttingAnywhereChangesNothing) {
  for (const Case& one : kCases)
    for (size_t first = 0; first <= one.stream.size(); ++first)
      for (size_t second = first; second <= one.stream.size(); ++second)
        ASSERT_EQ(parse(one, first, second), one.events) << one.stream << " at " << first << ", " << second;
}

TEST(MarkupParser, AnswersStreamAtOnce) {
  MarkupParser parser({.thinks = true, .calls = Calls::tagged}, {Json{{"name", "f"}}}, false);
  EXPECT_EQ(shown(parser.put("Hel")), "user:Hel");
  EXPECT_EQ(shown(parser.put("lo <")), "user:lo ");
  EXPECT_EQ(shown(parser.put("b>")), "user:<b>");
}

TEST(MarkupParser, SaysWhatIsBeingWritten) {
  MarkupParser parser({.thinks = true, .calls = Calls::tagged, .stop_spellings = {"<|im_end|>"}},
                      {Json{{"name", "f"}}}, true);
  const auto writing = [&](std::string_view text) { return parser.put(text), parser.writing(); };
  EXPECT_EQ(parser.writing(), Writing::reasoning);
  EXPECT_EQ(writing("hm</think>"), Writing::answer);
  EXPECT_EQ(writing("Hi."), Writing::answer);
  EXPECT_EQ(writing("<tool_call>{"), Writing::call);
  EXPECT_EQ(writing("\"name\": \"f\"}</tool_call>"), Writing::answer);
  EXPECT_EQ(writing("<|im_end|>"), Writing::ended);
}

TEST(MarkupParser, CallsNeedTools) {
  MarkupParser parser({.calls = Calls::tagged}, {}, false);
  EXPECT_EQ(shown(parser.put("<tool_call>{\"name\": \"f\"}</tool_call>")),
            "user:<tool_call>{\"name\": \"f\"}</tool_call>");
}

TEST(MarkupParser, StopTokensEndTheTurnAndSpelledOnesAreText) {
  const auto tokenizer = small_tokenizer();
  const int32_t stop = *tokenizer->special_id("<|eot|>");
  MarkupParser parser({.stop_tokens = {stop}, .stop_spellings = {"<|eot|>"}}, {}, false);
  std::vector<ChannelEvent> events;
  for (const int32_t id : tokenizer->encode("a <|eot|> b"))
    for (ChannelEvent& event : parser.put_token(*tokenizer, id)) events.push_back(std::move(event));
  EXPECT_FALSE(parser.turn_ended());
  EXPECT_EQ(shown(events), "user:a <|eot|> b");
  EXPECT_EQ(shown(parser.put_token(*tokenizer, *tokenizer->special_id("<|patch|>"))), "");
  EXPECT_EQ(shown(parser.put_token(*tokenizer, stop)), "end|turn");
  EXPECT_TRUE(parser.turn_ended());
}

TEST(MarkupParser, EndlessCallsBecomeText) {
  MarkupParser parser({.calls = Calls::tagged}, {Json{{"name", "f"}}}, false);
  parser.put("<tool_call>");
  const std::string block(1 << 16, 'x');
  size_t seen = 0;
  for (int i = 0; i < 20; ++i)
    for (const ChannelEvent& event : parser.put(block)) seen += event.text.size();
  EXPECT_EQ(seen, 20 * block.size() + 11);
}

}  // namespace
}  // namespace melete
