#include "server/api/responses_items.h"

#include <gtest/gtest.h>

#include "server/api/responses_request.h"

namespace melete {
namespace {

const FileLookup kNoFiles = [](const std::string& id) -> Result<KeptFile> {
  return not_found("[files] there must be a file ", id, "; upload it");
};

std::vector<WireMessage> read(const std::string& items) {
  std::vector<WireMessage> messages;
  std::optional<ApiError> problem;
  EXPECT_TRUE(read_items(Json::parse(items), "input", kNoFiles, messages, problem))
      << (problem ? problem->param + " " + problem->message : "");
  return messages;
}

std::string wrong_place(const std::string& items) {
  std::vector<WireMessage> messages;
  std::optional<ApiError> problem;
  EXPECT_FALSE(read_items(Json::parse(items), "input", kNoFiles, messages, problem)) << items;
  return problem ? problem->param : "";
}

TEST(ResponsesItems, CallsJoinTheMessageThatTheyFollow) {
  const auto messages = read(R"([
    {"role": "user", "content": "Where?"},
    {"type": "reasoning", "id": "rs_1", "summary": []},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
    {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{\"at\": 3}"},
    {"type": "function_call", "call_id": "b", "name": "look", "arguments": ""},
    {"type": "function_call_output", "call_id": "b", "output": "here"},
    {"type": "function_call_output", "call_id": "a", "output": [{"type": "input_text", "text": "there"}]},
    {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"}])");
  ASSERT_EQ(messages.size(), 5u);
  EXPECT_EQ(messages[1].parts[0].text, "I look.");
  ASSERT_EQ(messages[1].calls.size(), 2u);
  EXPECT_EQ(messages[1].calls[0].arguments, Json({{"at", 3}}));
  EXPECT_EQ(messages[1].calls[1].arguments, Json::object());
  EXPECT_EQ(messages[2].role, Role::tool);
  EXPECT_EQ(messages[2].call_id, "b");
  EXPECT_EQ(messages[3].parts[0].text, "there");
  EXPECT_EQ(messages[4].role, Role::assistant);
  EXPECT_EQ(messages[4].calls[0].id, "c");
}

TEST(ResponsesItems, WhatIsUnknownIsNamedByItsPlace) {
  EXPECT_EQ(wrong_place(R"([{"role": "user", "content": "a"}, {"type": "web_search_call"}])"),
            "input[1].type");
  EXPECT_EQ(wrong_place(R"([{"role": "user", "content": [{"type": "input_text", "text": "a"},
                                                         {"type": "input_hologram"}]}])"),
            "input[0].content[1].type");
  EXPECT_EQ(wrong_place(R"([{"role": "assistant", "content": [{"type": "input_image"}]}])"),
            "input[0].content[0].type");
  EXPECT_EQ(wrong_place(R"([{"role": "robot", "content": "a"}])"), "input[0].role");
  EXPECT_EQ(wrong_place(R"([{"role": "user", "content": [{"type": "input_image",
                             "image_url": "https://example.org/a.png"}]}])"),
            "input[0].content[0].image_url");
  EXPECT_EQ(wrong_place(R"([{"role": "user", "content": [{"type": "input_file", "file_id": "file_1"}]}])"),
            "input[0].content[0].file_id");
  EXPECT_EQ(wrong_place(R"([{"type": "function_call", "call_id": "a", "name": "b", "arguments": "[1]"}])"),
            "input[0].arguments");
  EXPECT_EQ(wrong_place(R"([{"role": "user", "content": "a", "colour": "red"}])"), "input[0].colour");
  EXPECT_EQ(wrong_place("[7]"), "input[0]");
}

TEST(ResponsesItems, MediaGoToFilesAndBack) {
  const Json items = Json::parse(R"([{"type": "message", "role": "user", "content": [
    {"type": "input_text", "text": "a"},
    {"type": "input_image", "image_url": "data:image/png;base64,aGVsbG8=", "detail": "low"},
    {"type": "input_audio", "input_audio": {"data": "d29ybGQ=", "format": "wav"}}]}])");
  std::vector<KeptFile> kept;
  const auto stored = with_files(items, [&](const KeptFile& file) -> Result<std::string> {
    kept.push_back(file);
    return cat("file_", kept.size());
  });
  ASSERT_TRUE(stored.ok());
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].bytes, "hello");
  EXPECT_EQ(kept[0].type, "image/png");
  EXPECT_EQ(kept[1].bytes, "world");
  EXPECT_EQ(stored->dump().find("base64"), std::string::npos);
  EXPECT_EQ(file_ids(*stored), (std::vector<std::string>{"file_1", "file_2"}));

  const FileLookup files = [&](const std::string& id) -> Result<KeptFile> { return kept[id == "file_2"]; };
  std::vector<WireMessage> messages;
  std::optional<ApiError> problem;
  ASSERT_TRUE(read_items(*stored, "input", files, messages, problem)) << problem->message;
  EXPECT_EQ(messages[0].parts[1].bytes, "hello");
  EXPECT_TRUE(messages[0].parts[1].low_detail);
  EXPECT_EQ(messages[0].parts[2].bytes, "world");

  const auto again = with_data(*stored, files);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)[0]["content"][1]["image_url"], "data:image/png;base64,aGVsbG8=");
  EXPECT_EQ((*again)[0]["content"][2]["input_audio"]["data"], "d29ybGQ=");
}

TEST(ResponsesItems, KeptItemsAreWhole) {
  const Json whole = whole_items(Json::parse(R"([{"role": "user", "content": "a"},
    {"type": "function_call_output", "call_id": "c", "output": "d"}])"),
                                 "1f_in");
  EXPECT_EQ(whole[0], Json::parse(R"({"role": "user", "content": [{"type": "input_text", "text": "a"}],
    "type": "message", "id": "msg_1f_in_0", "status": "completed"})"));
  EXPECT_EQ(whole[1]["id"], "fco_1f_in_1");
}

Json body_with(const Json& more) {
  Json body = {{"model", "tiny"}, {"input", "how many?"}};
  body.update(more);
  return body;
}

std::string wrong_field(const Json& more) {
  std::optional<ApiError> problem;
  EXPECT_FALSE(parse_responses_request(body_with(more), problem)) << more;
  return problem ? problem->param : "";
}

TEST(ResponsesRequest, ReadsItsFields) {
  std::optional<ApiError> problem;
  const auto request = parse_responses_request(
      body_with(
          {{"instructions", "Be short."},
           {"reasoning", {{"effort", "max"}, {"summary", "auto"}}},
           {"text", {{"format", {{"type", "json_schema"}, {"name", "n"}, {"schema", {{"type", "object"}}}}}}},
           {"tools", {{{"type", "function"}, {"name", "look"}}, {{"type", "function"}, {"name", "go"}}}},
           {"tool_choice", {{"type", "allowed_tools"}, {"tools", {{{"type", "function"}, {"name", "go"}}}}}},
           {"max_output_tokens", 50},
           {"max_tool_calls", 2},
           {"truncation", "auto"},
           {"metadata", {{"a", "b"}}},
           {"melete", {{"agents", 3}}},
           {"seed", 7}}),
      problem);
  ASSERT_TRUE(request) << problem->param << " " << problem->message;
  EXPECT_EQ(request->options.effort, "max");
  EXPECT_EQ(request->options.agents, 3);
  EXPECT_EQ(request->options.max_tokens, 50);
  EXPECT_EQ(request->options.grammar->kind, GrammarKind::json_schema);
  ASSERT_EQ(request->options.tools.size(), 1u);
  EXPECT_EQ(request->options.tools[0]["name"], "go");
  EXPECT_TRUE(request->summarises);
  EXPECT_TRUE(request->drops_oldest);
  EXPECT_EQ(request->max_calls, 2);
  EXPECT_EQ(request->echo["tools"].size(), 2u);
  EXPECT_EQ(request->echo["tool_choice"]["mode"], "auto");
  EXPECT_EQ(request->echo["reasoning"]["effort"], "xhigh");
  EXPECT_EQ(request->echo["metadata"], Json({{"a", "b"}}));
}

TEST(ResponsesRequest, WhatItCantTakeIsNamed) {
  EXPECT_EQ(wrong_field({{"inptu", 1}}), "inptu");
  EXPECT_EQ(wrong_field({{"input", 7}}), "input");
  EXPECT_EQ(wrong_field({{"input", Json::array()}}), "input");
  EXPECT_EQ(wrong_field({{"tools", {{{"type", "web_search"}}}}}), "tools[0].type");
  EXPECT_EQ(wrong_field({{"tools", {{{"type", "function"}}}}}), "tools[0].name");
  EXPECT_EQ(wrong_field({{"tool_choice", {{"type", "function"}}}}), "tool_choice.name");
  EXPECT_EQ(wrong_field({{"reasoning", {{"effort", "huge"}}}}), "reasoning.effort");
  EXPECT_EQ(wrong_field({{"text", {{"format", {{"type", "xml"}}}}}}), "text.format.type");
  EXPECT_EQ(wrong_field({{"include", {"file_search_call.results"}}}), "include[0]");
  EXPECT_EQ(wrong_field({{"presence_penalty", 3}}), "presence_penalty");
  EXPECT_EQ(wrong_field({{"conversation", "conv_1"}}), "conversation");
  EXPECT_EQ(wrong_field({{"background", true}, {"store", false}}), "background");
  EXPECT_EQ(wrong_field({{"metadata", {{"a", 1}}}}), "metadata.a");
  EXPECT_EQ(wrong_field({{"melete", {{"events", true}}}}), "melete.events");
}

}  // namespace
}  // namespace melete
