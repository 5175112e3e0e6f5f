// Tools and log-probabilities of chat completions, through the whole server.
#include "server/api/chat_tools.h"

#include <gtest/gtest.h>

#include "server/api/test_api_server.h"
#include "text/tool_markup.h"

namespace melete {
namespace {

const Json kTools = Json::parse(R"([
  {"type": "function", "function": {"name": "look", "parameters": {"type": "object",
    "properties": {"at": {"type": "integer"}}, "required": ["at"], "additionalProperties": false}}},
  {"type": "function", "function": {"name": "now"}}])");

// The calls of a stream's choice, put together from their pieces.
Json joined_calls(const std::vector<Json>& chunks, int index) {
  Json calls = Json::array();
  for (const Json& chunk : chunks)
    for (const Json& choice : chunk["choices"]) {
      if (choice["index"] != index || !choice["delta"].contains("tool_calls")) continue;
      for (const Json& piece : choice["delta"]["tool_calls"]) {
        const auto at = piece["index"].get<size_t>();
        if (at == calls.size()) {
          calls.push_back(piece);
          calls.back().erase("index");
          continue;
        }
        EXPECT_FALSE(piece.contains("id"));
        Json& arguments = calls[at]["function"]["arguments"];
        arguments = arguments.get<std::string>() + piece["function"]["arguments"].get<std::string>();
      }
    }
  return calls;
}

TEST_F(ApiServerTest, CallsOfToolsComeWholeAndInStreams) {
  const uint16_t port = start(
      "Let me see.<|eom|><|start|>assistant to=look<|message|>" + tool_call_text("look", {{"at", 3}}) +
      "<|eom|><|start|>assistant to=now<|message|>" + tool_call_text("now", Json::object()) + "<|eot|>");
  const Json whole = ask(port, body("melete-thinking", {{"tools", kTools}, {"seed", 1}}))["choices"][0];
  EXPECT_EQ(whole["finish_reason"], "tool_calls");
  EXPECT_EQ(whole["message"]["content"], nullptr);
  EXPECT_EQ(whole["message"]["reasoning_content"], "Let me see.");
  const Json& calls = whole["message"]["tool_calls"];
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0]["type"], "function");
  EXPECT_EQ(calls[0]["function"]["name"], "look");
  EXPECT_EQ(calls[0]["function"]["arguments"], R"({"at":3})");
  EXPECT_EQ(calls[1]["function"]["arguments"], "{}");
  const auto chunks = stream(port, body("melete-thinking", {{"tools", kTools}, {"seed", 1}, {"n", 2}}));
  EXPECT_EQ(joined_calls(chunks, 0), calls);
  // The same calls of another choice have ids of their own.
  const Json others = joined_calls(chunks, 1);
  EXPECT_EQ(others[0]["function"], calls[0]["function"]);
  EXPECT_NE(others[0]["id"], calls[0]["id"]);
  const Json one = ask(port, body("melete-thinking", {{"tools", kTools}, {"parallel_tool_calls", false}}));
  EXPECT_EQ(one["choices"][0]["message"]["tool_calls"].size(), 1u);
  const Json voted =
      ask(port, body("melete-contemplating", {{"tools", kTools}, {"melete", {{"agents", 3}}}}));
  EXPECT_EQ(voted["choices"][0]["message"]["tool_calls"].size(), 2u);
}

TEST_F(ApiServerTest, WhatIsSaidInPassingStandsBeforeTheCalls) {
  const uint16_t port = start(" to=commentary<|message|>I look.<|eom|><|start|>assistant to=now<|message|>" +
                              tool_call_text("now", Json::object()) + "<|eot|>");
  const Json request = body("melete-instant", {{"tools", kTools}});
  EXPECT_EQ(ask(port, request)["choices"][0]["message"]["content"], "I look.");
  EXPECT_EQ(joined(stream(port, request), "content"), "I look.");
  server_.reset();
  const uint16_t other = start(
      " to=commentary<|message|>I think.<|eom|><|start|>assistant to=user<|message|>Four it is.<|eot|>");
  EXPECT_EQ(ask(other, request)["choices"][0]["message"]["content"], "I think.\n\nFour it is.");
  EXPECT_EQ(joined(stream(other, request), "content"), "I think.\n\nFour it is.");
}

TEST_F(ApiServerTest, ACallThatMustComeIsStreamedInPieces) {
  const uint16_t port = start(R"({"name": "look", "arguments": {"at": 3}}<|eot|>)");
  for (const Json& choice :
       {Json("required"), Json{{"type", "function"}, {"function", {{"name", "look"}}}}}) {
    const Json request = body("melete-instant", {{"tools", kTools}, {"tool_choice", choice}, {"seed", 2}});
    const Json whole = ask(port, request)["choices"][0];
    EXPECT_EQ(whole["finish_reason"], "tool_calls");
    const Json& call = whole["message"]["tool_calls"][0];
    EXPECT_EQ(call["function"]["arguments"], R"({"at":3})");
    const auto chunks = stream(port, request);
    const Json calls = joined_calls(chunks, 0);
    EXPECT_EQ(calls[0]["id"], call["id"]);
    EXPECT_EQ(Json::parse(calls[0]["function"]["arguments"].get<std::string>()), Json({{"at", 3}}));
    EXPECT_GT(chunks.size(), 5u);
    EXPECT_EQ(joined(chunks, "content"), "");
  }
  const auto refused = [&](const Json& more) {
    const Json error = ask(port, body("melete-instant", more), 400)["error"];
    return cat(error["param"].dump(), " ", error["code"].dump());
  };
  EXPECT_EQ(refused({{"tool_choice", "required"}}), R"("tool_choice" "invalid_value")");
  EXPECT_EQ(
      refused(
          {{"tools", kTools}, {"tool_choice", "required"}, {"response_format", {{"type", "json_object"}}}}),
      R"("tool_choice" "invalid_value")");
  Json twice = kTools;
  twice.push_back(kTools[0]);
  EXPECT_EQ(refused({{"tools", twice}}), R"("tools[2]" "invalid_value")");
  Json bad = kTools;
  bad[0]["function"]["parameters"]["properties"]["at"]["type"] = "thing";
  EXPECT_EQ(refused({{"tools", bad}, {"tool_choice", "required"}}),
            R"("tools[0].function.parameters" "invalid_value")");
}

TEST_F(ApiServerTest, TokensComeWithTheirLogProbabilities) {
  const uint16_t port = start(kThought);
  const auto text_of = [](const Json& tokens) {
    std::string all;
    for (const Json& token : tokens) all += token["token"];
    return all;
  };
  const Json whole =
      ask(port, body("melete-thinking", {{"logprobs", true}, {"stop", " them"}}))["choices"][0];
  EXPECT_EQ(text_of(whole["logprobs"]["content"]), whole["message"]["content"]);
  EXPECT_EQ(whole["logprobs"]["content"][0]["bytes"][0], 'T');
  const auto chunks = stream(port, body("melete-thinking", {{"logprobs", true}, {"top_logprobs", 2}}));
  std::string streamed;
  for (const Json& chunk : chunks)
    for (const Json& choice : chunk["choices"])
      if (choice["logprobs"].is_object()) streamed += text_of(choice["logprobs"]["content"]);
  EXPECT_EQ(streamed, "There are four of them.");
  EXPECT_EQ(ask(port, body("melete-thinking"))["choices"][0]["logprobs"], nullptr);
}

}  // namespace
}  // namespace melete
