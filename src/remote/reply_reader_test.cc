#include "remote/reply_reader.h"

#include <gtest/gtest.h>

namespace melete {
namespace {

Json chunk(const Json& delta, const Json& more = Json::object()) {
  Json choice = {{"index", 0}, {"delta", delta}};
  choice.update(more);
  return {{"choices", Json::array({choice})}};
}

std::string split(const std::string& text, size_t piece) {
  ThinkSplitter splitter;
  std::string reasoning, content;
  const auto add = [&](const ThinkSplitter::Piece& part) {
    reasoning += part.reasoning;
    content += part.content;
  };
  for (size_t at = 0; at < text.size(); at += piece)
    add(splitter.put(std::string_view(text).substr(at, piece)));
  add(splitter.finish());
  return reasoning + "|" + content;
}

TEST(ThinkSplitterTest, TakesReasoningOutInAnyPieces) {
  for (size_t piece = 1; piece < 40; ++piece) {
    EXPECT_EQ(split("\n<think>3 < 4</thin</think>It is 7.", piece), "3 < 4</thin|It is 7.") << piece;
    EXPECT_EQ(split("<thinking is hard", piece), "|<thinking is hard") << piece;
    EXPECT_EQ(split("a <think>b</think>", piece), "|a <think>b</think>") << piece;
    EXPECT_EQ(split("<think>cut", piece), "cut|") << piece;
    EXPECT_EQ(split("<thi", piece), "|<thi") << piece;
  }
}

TEST(ReplyReaderTest, ReadsTextReasoningUsageAndEnd) {
  ReplyReader reader;
  std::string reasoning, content;
  for (const Json& data :
       {chunk({{"role", "assistant"}, {"content", nullptr}}), chunk({{"reasoning_content", "so "}}),
        chunk({{"reasoning", "then"}}), chunk({{"content", "It is "}}),
        chunk({{"content", "7."}}, {{"finish_reason", "length"}}),
        Json{{"choices", Json::array()},
             {"usage",
              {{"prompt_tokens", 5},
               {"completion_tokens", 9},
               {"completion_tokens_details", {{"reasoning_tokens", 4}}}}}}}) {
    const auto piece = reader.put(data.dump());
    ASSERT_TRUE(piece.ok()) << piece.error().message;
    reasoning += piece->reasoning;
    content += piece->content;
  }
  EXPECT_TRUE(reader.is_whole());
  EXPECT_FALSE(reader.done());
  EXPECT_TRUE(reader.put("[DONE]").ok());
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reasoning, "so then");
  EXPECT_EQ(content, "It is 7.");
  EXPECT_EQ(reader.finish_reason(), "length");
  EXPECT_EQ(reader.prompt_tokens, 5);
  EXPECT_EQ(reader.completion_tokens, 9);
  EXPECT_EQ(reader.reasoning_tokens, 4);
}

TEST(ReplyReaderTest, JoinsThePiecesOfCalls) {
  ReplyReader reader;
  const auto call = [](int index, const Json& function) {
    return chunk({{"tool_calls", Json::array({{{"index", index}, {"function", function}}})}}).dump();
  };
  for (const std::string& data : {call(0, {{"name", "add"}, {"arguments", "{\"a\":"}}),
                                  call(0, {{"arguments", "1}"}}), call(1, {{"name", "now"}})})
    ASSERT_TRUE(reader.put(data).ok());
  ASSERT_EQ(reader.calls().size(), 2u);
  EXPECT_EQ(reader.calls()[0].name, "add");
  EXPECT_EQ(reader.calls()[0].arguments, "{\"a\":1}");
  EXPECT_EQ(reader.calls()[1].name, "now");
  EXPECT_FALSE(reader.put(call(9, {{"name", "far"}})).ok());
}

TEST(ReplyReaderTest, ConfidenceIsTheMeanOfTheLikeliest) {
  ReplyReader reader;
  const Json ranked = {{{"logprob", -1}}, {{"logprob", -3}}};
  const Json scored = {
      {"logprobs", {{"content", {{{"top_logprobs", ranked}}, {{"top_logprobs", Json::array()}}}}}}};
  ASSERT_TRUE(reader.put(chunk({{"content", "x"}}, scored).dump()).ok());
  EXPECT_DOUBLE_EQ(reader.confidence(), 2);
}

TEST(ReplyReaderTest, NonsenseIsAnError) {
  for (const char* data : {"", "{", "[]", "7", "{\"choices\": 3}", "<html>", "{\"object\": \"list\"}"}) {
    ReplyReader reader;
    const auto piece = reader.put(data);
    ASSERT_FALSE(piece.ok()) << data;
    EXPECT_EQ(piece.error().kind, ErrorKind::corrupt);
  }
  ReplyReader reader;
  const auto failed = reader.put("{\"error\": {\"message\": \"out of memory\"}}");
  ASSERT_FALSE(failed.ok());
  EXPECT_NE(failed.error().message.find("out of memory"), std::string::npos);
  EXPECT_FALSE(reader.is_whole());
}

TEST(ReplyReaderTest, WrongTypesInsideAChunkReadAsAbsent) {
  ReplyReader reader;
  const auto piece =
      reader.put(R"({"choices":[{"delta":{"content":7,"reasoning":[]},"finish_reason":{},"logprobs":3}],
                                    "usage":{"prompt_tokens":-4,"completion_tokens":"x"}})");
  ASSERT_TRUE(piece.ok());
  EXPECT_TRUE(piece->content.empty());
  EXPECT_FALSE(reader.prompt_tokens || reader.completion_tokens);
  EXPECT_FALSE(reader.is_whole());
}

TEST(ErrorTextTest, FindsTheSentence) {
  EXPECT_EQ(error_text(R"({"error":{"message":"no"}})"), "no");
  EXPECT_EQ(error_text(R"({"error":"plain"})"), "plain");
  EXPECT_EQ(error_text(R"({"message":"other"})"), "other");
  EXPECT_EQ(error_text("<html>" + std::string(1000, 'x')).size(), 300u);
}

}  // namespace
}  // namespace melete
