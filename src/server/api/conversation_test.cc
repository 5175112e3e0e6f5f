#include "server/api/conversation.h"

#include <gtest/gtest.h>

#include "server/api/chat_request.h"
#include "text/test_files.h"
#include "text/tool_markup.h"

namespace melete {
namespace {

class ConversationTest : public ::testing::Test {
 protected:
  // The messages of a chat completion's body, one a line: ROLE[>RECIPIENT][+ if the turn goes on]:TEXT.
  std::string built(const char* messages) {
    const Json body = {{"model", "m"}, {"messages", Json::parse(messages)}};
    std::optional<ApiError> problem;
    const auto request = parse_chat_request(body, problem);
    Conversation conversation;
    if (!request || !build_conversation(request->messages, model_, conversation, problem))
      return problem->param + " " + problem->code;
    std::string all = conversation.system.empty() ? "" : "(" + conversation.system + ")";
    for (const Message& message : conversation.messages) {
      all += cat("\n", name_of(message.role), message.recipient.empty() ? "" : ">", message.recipient,
                 message.ends_turn ? ":" : "+:");
      for (const MessagePart& part : message.parts) all += std::get<TextPart>(part).text;
    }
    return all;
  }

  ServedModel model_{
      "tiny",
      std::make_shared<ChatModel>(make_chat_format({}, small_tokenizer(), "test").value(), MediaLimits{}),
      {},
      nullptr,
      nullptr};
};

TEST_F(ConversationTest, SystemTextStandsFirst) {
  EXPECT_EQ(built(R"([{"role": "system", "content": "a"}, {"role": "developer", "content": "b"},
                      {"role": "user", "content": "c"}, {"role": "system", "content": "d"}])"),
            "(a\n\nb)\nuser:c\nsystem:d");
}

TEST_F(ConversationTest, ResultsFollowTheirCallsInTheirOrder) {
  EXPECT_EQ(
      built(R"([{"role": "user", "content": "q"},
    {"role": "assistant", "content": "I look.", "tool_calls": [
      {"id": "1", "type": "function", "function": {"name": "look", "arguments": "{\"at\": 3}"}},
      {"id": "2", "type": "function", "function": {"name": "now", "arguments": ""}}]},
    {"role": "tool", "tool_call_id": "2", "content": "noon"},
    {"role": "tool", "tool_call_id": "1", "content": "a cup"},
    {"role": "assistant", "content": "A cup at noon."}, {"role": "user", "content": "thanks"}])"),
      "\nuser:q\nassistant>commentary+:I look.\nassistant>look+:" + tool_call_text("look", {{"at", 3}}) +
          "\nassistant>now:" + tool_call_text("now", Json::object()) +
          "\ntool>look:a cup\ntool>now:noon\nassistant:A cup at noon.\nuser:thanks");
}

TEST_F(ConversationTest, EachCallHasOneResult) {
  const std::string begin = R"([{"role": "user", "content": "q"}, {"role": "assistant", "tool_calls": [
      {"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]})";
  const auto then = [&](const std::string& rest) { return built((begin + rest + "]").c_str()); };
  EXPECT_EQ(then(""), "messages invalid_value");
  EXPECT_EQ(then(R"(, {"role": "user", "content": "x"})"), "messages[2] invalid_value");
  EXPECT_EQ(then(R"(, {"role": "tool", "tool_call_id": "9", "content": "x"})"),
            "messages[2].tool_call_id invalid_value");
  const std::string result = R"(, {"role": "tool", "tool_call_id": "1", "content": "x"})";
  EXPECT_EQ(then(result + result), "messages[3].tool_call_id invalid_value");
  EXPECT_EQ(built(R"([{"role": "tool", "tool_call_id": "1", "content": "x"}])"),
            "messages[0].tool_call_id invalid_value");
}

}  // namespace
}  // namespace melete
