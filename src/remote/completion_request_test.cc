#include "remote/completion_request.h"

#include <gtest/gtest.h>

#include "agent/assistant.h"

namespace melete {
namespace {

Message said(Role role, std::string text, std::string recipient = {}) {
  return {role, std::move(recipient), {TextPart{std::move(text), false}}, true};
}

TEST(CompletionRequestTest, TurnsAreWhole) {
  Request request;
  request.conversation.system = "Be short.";
  request.conversation.tools = {{{"name", "add"}, {"parameters", {{"type", "object"}}}}, {{"name", "now"}}};
  auto& messages = request.conversation.messages;
  messages.push_back(said(Role::user, "What?"));
  Answer turn;
  turn.commentary = "Let me see. ";
  turn.tool_calls = {{"x", "add", {{"a", 1}}}, {"y", "now", Json::object()}};
  for (Message& message : to_messages(turn)) messages.push_back(std::move(message));
  messages.push_back(said(Role::tool, "noon", "now"));
  messages.push_back(said(Role::tool, "2", "add"));
  messages.push_back(said(Role::assistant, "Two at noon."));
  messages.push_back(said(Role::user, "Thanks"));
  RemoteAbilities abilities;
  abilities.tools = true;
  const auto body = completion_request("m", abilities, "instant", request, 0);
  ASSERT_TRUE(body.ok()) << body.error().message;
  const Json& list = (*body)["messages"];
  ASSERT_EQ(list.size(), 7u);
  EXPECT_EQ(list[0], Json({{"role", "system"}, {"content", "Be short."}}));
  EXPECT_EQ(list[2]["content"], "Let me see. ");
  ASSERT_EQ(list[2]["tool_calls"].size(), 2u);
  EXPECT_EQ(list[2]["tool_calls"][0]["function"]["name"], "add");
  EXPECT_EQ(Json::parse(list[2]["tool_calls"][0]["function"]["arguments"].get<std::string>()),
            Json({{"a", 1}}));
  EXPECT_EQ(list[3]["tool_call_id"], list[2]["tool_calls"][1]["id"]);
  EXPECT_EQ(list[4]["tool_call_id"], list[2]["tool_calls"][0]["id"]);
  EXPECT_EQ(list[4]["content"], "2");
  EXPECT_EQ(list[5], Json({{"role", "assistant"}, {"content", "Two at noon."}}));
  EXPECT_EQ((*body)["tools"].size(), 2u);
}

TEST(CompletionRequestTest, SamplingIsLeftToTheServerUnlessGiven) {
  Request request;
  request.conversation.messages.push_back(said(Role::user, "What?"));
  const Json plain = *completion_request("m", {}, "instant", request, 0);
  for (const char* name : {"temperature", "top_p", "top_k", "min_p", "logprobs", "tools", "response_format"})
    EXPECT_FALSE(plain.contains(name)) << name;
  request.temperature = 0.5;
  request.top_k = 3;
  const Json given = *completion_request("m", {}, "contemplating", request, 4);
  EXPECT_EQ(given["temperature"], 0.5);
  EXPECT_EQ(given["top_k"], 3);
  EXPECT_NE(given["seed"], plain["seed"]);
}

}  // namespace
}  // namespace melete
