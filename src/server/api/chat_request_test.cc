#include "server/api/chat_request.h"

#include <gtest/gtest.h>

#include "server/api/chat_schema.h"

namespace melete {
namespace {

const char* kOne = R"({"model": "m", "messages": [{"role": "user", "content": "hi"}]})";

// A body with one field set over kOne.
Json with(const std::string& pointer, const Json& value) {
  Json body = Json::parse(kOne);
  body[Json::json_pointer(pointer)] = value;
  return body;
}

ChatRequest parsed(const Json& body) {
  std::optional<ApiError> problem;
  auto request = parse_chat_request(body, problem);
  EXPECT_TRUE(request) << problem->param << " " << problem->message;
  return request.value_or(ChatRequest{});
}

// "param code" of what is wrong.
std::string wrong(const Json& body) {
  std::optional<ApiError> problem;
  EXPECT_FALSE(parse_chat_request(body, problem));
  return problem ? problem->param + " " + problem->code : "";
}

TEST(ChatRequest, ReadsEveryOption) {
  const ChatRequest request =
      parsed(Json::parse(R"({"model": "melete-thinking", "n": 3, "stream": true, "seed": -1,
    "stream_options": {"include_usage": true}, "temperature": 0.5, "top_p": 0.9, "top_k": 40, "min_p": 0.1,
    "presence_penalty": 0.5,
    "max_tokens": 9, "max_completion_tokens": 70, "stop": "end", "reasoning_effort": "high",
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
    "melete": {"agents": 4, "budget_tokens": 100, "deadline_ms": 2500, "delta": 0.2, "events": true},
    "user": "u", "metadata": {"a": "b"}, "store": true, "logprobs": true, "top_logprobs": 3,
    "messages": [{"role": "developer", "content": "be brief"}, {"role": "user", "content": [
      {"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}},
      {"type": "input_audio", "input_audio": {"data": "aG8", "format": "mp3"}},
      {"type": "file", "file": {"file_data": "data:text/csv;base64,YSxi", "filename": "t.csv"}}]},
      {"role": "assistant", "content": "x", "reasoning_content": "y", "tool_calls": [
        {"id": "1", "type": "function", "function": {"name": "look", "arguments": "{\"at\": 3}"}}]},
      {"role": "tool", "tool_call_id": "1", "content": "z"}]})"));
  const AnswerOptions& options = request.options;
  EXPECT_EQ(options.model, "melete-thinking");
  EXPECT_EQ(request.choices, 3);
  EXPECT_TRUE(request.stream && request.include_usage && options.events);
  EXPECT_EQ(options.seed, ~uint64_t{0});
  EXPECT_EQ(options.temperature, 0.5);
  EXPECT_EQ(options.presence_penalty, 0.5);
  EXPECT_EQ(options.max_tokens, 70);
  EXPECT_EQ(options.stop, std::vector<std::string>{"end"});
  EXPECT_EQ(options.effort, "high");
  EXPECT_EQ(options.grammar->kind, GrammarKind::json_schema);
  EXPECT_EQ(options.grammar->text, R"({"type":"object"})");
  EXPECT_EQ(options.agents, 4);
  EXPECT_EQ(options.deadline_ms, 2500);
  ASSERT_EQ(request.messages.size(), 4u);
  EXPECT_EQ(request.messages[0].role, Role::system);
  const auto& parts = request.messages[1].parts;
  ASSERT_EQ(parts.size(), 4u);
  EXPECT_EQ(parts[0].text, "a");
  EXPECT_EQ(parts[1].bytes, "hi");
  EXPECT_EQ(parts[1].kind, MediaKind::image);
  EXPECT_TRUE(parts[1].low_detail);
  EXPECT_EQ(parts[2].bytes, "ho");
  EXPECT_EQ(parts[3].bytes, "a,b");
  EXPECT_EQ(parts[3].name, "t.csv");
  EXPECT_FALSE(parts[3].kind);
  EXPECT_EQ(options.top_log_probs, 3);
  ASSERT_EQ(request.messages[2].calls.size(), 1u);
  EXPECT_EQ(request.messages[2].calls[0].id, "1");
  EXPECT_EQ(request.messages[2].calls[0].arguments.dump(), R"({"at":3})");
  EXPECT_EQ(request.messages[3].role, Role::tool);
  EXPECT_EQ(request.messages[3].call_id, "1");
}

TEST(ChatRequest, SaysWhereAndWhatIsWrong) {
  const std::pair<Json, const char*> cases[] = {
      {Json::array(), " invalid_type"},
      {Json::object(), "model missing_required_parameter"},
      {with("/model", 7), "model invalid_type"},
      {with("/messages", Json::array()), "messages invalid_value"},
      {with("/messages", "hi"), "messages invalid_type"},
      {with("/messages/0", 1), "messages[0] invalid_type"},
      {with("/messages/0/role", "wizard"), "messages[0].role invalid_value"},
      {with("/messages/0/content", nullptr), "messages[0].content missing_required_parameter"},
      {with("/messages/0/content", Json::parse(R"([{"type": "text", "text": "a"}, {"type": "smell"}])")),
       "messages[0].content[1].type invalid_value"},
      {with("/messages/0/content", Json::parse(R"([{"type": "text"}])")),
       "messages[0].content[0].text missing_required_parameter"},
      {with("/messages/0/content",
            Json::parse(R"([{"type": "image_url", "image_url": {"url": "https://a/b.png"}}])")),
       "messages[0].content[0].image_url.url unsupported_url"},
      {with("/messages/0/content",
            Json::parse(R"([{"type": "image_url", "image_url": {"url": "data:image/png;base64,a"}}])")),
       "messages[0].content[0].image_url.url invalid_base64"},
      {with("/messages/0/content", Json::parse(R"([{"type": "file", "file": {"file_id": "f"}}])")),
       "messages[0].content[0].file.file_id unsupported_parameter"},
      {with(
           "/messages/0",
           Json::parse(
               R"({"role": "system", "content": [{"type": "image_url", "image_url": {"url": "data:;base64,aGk="}}]})")),
       "messages[0].content[0].type invalid_value"},
      {with("/messages/0/colour", "red"), "messages[0].colour unknown_parameter"},
      {with("/temperature", "hot"), "temperature invalid_type"},
      {with("/temperature", 3), "temperature invalid_value"},
      {with("/n", 0), "n invalid_value"},
      {with("/n", 18446744073709551615u), "n invalid_value"},
      {with("/stop", Json::array({"a", 1})), "stop invalid_type"},
      {with("/stop", ""), "stop invalid_value"},
      {with("/stream", "yes"), "stream invalid_type"},
      {with("/stream_options", Json::object()), "stream_options invalid_value"},
      {with("/reasoning_effort", "huge"), "reasoning_effort invalid_value"},
      {with("/response_format", {{"type", "json_schema"}}),
       "response_format.json_schema.schema missing_required_parameter"},
      {with("/melete", {{"agentz", 3}}), "melete.agentz unknown_parameter"},
      {with("/melete", {{"events", true}}), "melete.events invalid_value"},
      {with("/top_logprobs", 2), "top_logprobs invalid_value"},
      {with("/logprobs", 1), "logprobs invalid_type"},
      {with("/presence_penalty", 2.5), "presence_penalty invalid_value"},
      {with("/frequency_penalty", "x"), "frequency_penalty invalid_type"},
      {with("/store", 1), "store invalid_type"},
      {with("/temprature", 1), "temprature unknown_parameter"},
  };
  for (const auto& [body, expected] : cases) EXPECT_EQ(wrong(body), expected) << body.dump();
}

TEST(ChatTools, SaysWhereAndWhatIsWrong) {
  const std::pair<Json, const char*> cases[] = {
      {with("/tools", Json::array({Json::object()})), "tools[0].type missing_required_parameter"},
      {with("/tools", {{{"type", "custom"}}}), "tools[0].type invalid_value"},
      {with("/tools", {{{"type", "function"}, {"function", {{"name", "self"}}}}}),
       "tools[0].function.name invalid_value"},
      {with("/tools", {{{"type", "function"}, {"function", {{"name", "a"}, {"strikt", true}}}}}),
       "tools[0].function.strikt unknown_parameter"},
      {with("/tool_choice", "any"), "tool_choice invalid_value"},
      {with("/tool_choice", {{"type", "function"}}), "tool_choice.function missing_required_parameter"},
      {with("/functions", Json::array({1})), "functions unsupported_parameter"},
      {with("/messages/0", Json::parse(R"({"role": "assistant", "tool_calls": [{"id": "1", "function":
          {"name": "a", "arguments": "[1]"}}]})")),
       "messages[0].tool_calls[0].function.arguments invalid_value"},
      {with("/messages/0", Json::parse(R"({"role": "tool", "content": "a"})")),
       "messages[0].tool_call_id missing_required_parameter"},
  };
  for (const auto& [body, expected] : cases) EXPECT_EQ(wrong(body), expected) << body.dump();
}

TEST(ChatRequest, TheSchemaKnowsTheFieldsThatAreRead) {
  const Json schema = chat_request_schema();
  for (const auto& [name, property] : schema["properties"].items()) {
    // A value that no field takes: a field that is read complains of its type or value, none is unknown.
    const std::string found = wrong(with("/" + name, Json::array({Json::array()})));
    EXPECT_EQ(found.find("unknown_parameter"), std::string::npos) << name << ": " << found;
    EXPECT_EQ(found.substr(0, name.size()), name) << found;
  }
  EXPECT_EQ(
      schema["properties"]["messages"]["items"]["properties"]["content"]["oneOf"][1]["items"]["oneOf"].size(),
      6u);
}

TEST(ChatTools, ReadsDefinitionsAndChoices) {
  Json body = Json::parse(kOne);
  const auto function = [](const char* name) {
    return Json{{"type", "function"}, {"function", {{"name", name}}}};
  };
  body["tools"] = {function("look"), function("now")};
  body["tools"][0]["function"].update({{"parameters", {{"type", "object"}}}, {"strict", true}});
  const auto options = [&] { return parsed(body).options; };
  EXPECT_EQ(options().tools[0].dump(), R"({"name":"look","parameters":{"type":"object"}})");
  EXPECT_EQ(options().tool_choice.kind, ToolChoice::Kind::automatic);
  EXPECT_TRUE(options().parallel_calls);
  body["parallel_tool_calls"] = false;
  EXPECT_FALSE(options().parallel_calls);
  body["tool_choice"] = "none";
  EXPECT_EQ(options().tool_choice.kind, ToolChoice::Kind::none);
  body["tool_choice"] = "required";
  EXPECT_EQ(options().tool_choice.kind, ToolChoice::Kind::required);
  body["tool_choice"] = function("now");
  EXPECT_EQ(options().tool_choice.kind, ToolChoice::Kind::named);
  EXPECT_EQ(options().tool_choice.name, "now");
  body["tool_choice"] = {{"type", "allowed_tools"},
                         {"allowed_tools", {{"mode", "required"}, {"tools", {function("now")}}}}};
  EXPECT_EQ(options().tool_choice.kind, ToolChoice::Kind::required);
  ASSERT_EQ(options().tools.size(), 1u);
  EXPECT_EQ(options().tools[0]["name"], "now");
  body["tool_choice"]["allowed_tools"]["tools"][0]["function"]["name"] = "then";
  EXPECT_EQ(wrong(body), "tool_choice.allowed_tools.tools[0].function.name invalid_value");
}

TEST(ModeChoice, IdAndEffortChooseTheMode) {
  const auto mode = [](const std::string& model, const std::string& effort) {
    AnswerOptions options;
    options.model = model;
    if (!effort.empty()) options.effort = effort;
    std::optional<ApiError> problem;
    const auto choice = choose_mode(options, problem);
    return choice ? choice->mode + " " + name_of(choice->effort) : problem->code;
  };
  EXPECT_EQ(mode("melete-instant", ""), "instant medium");
  EXPECT_EQ(mode("melete-instant", "none"), "instant medium");
  EXPECT_EQ(mode("melete-instant", "low"), "unsupported_value");
  EXPECT_EQ(mode("melete-thinking", ""), "thinking medium");
  EXPECT_EQ(mode("melete-thinking", "none"), "instant medium");
  EXPECT_EQ(mode("melete-thinking", "minimal"), "thinking low");
  EXPECT_EQ(mode("melete-thinking", "xhigh"), "thinking xhigh");
  EXPECT_EQ(mode("melete-thinking", "max"), "contemplating medium");
  EXPECT_EQ(mode("melete-contemplating", "high"), "contemplating high");
  EXPECT_EQ(mode("other", ""), std::string(kDefaultMode) + " medium");
  EXPECT_EQ(mode("other", "none"), "instant medium");
  EXPECT_EQ(mode("other", "high"), "thinking high");
}

TEST(Base64, TakesEveryLengthAndBothAlphabets) {
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_EQ(decode_base64("YQ=="), "a");
  EXPECT_EQ(decode_base64("YWI"), "ab");
  EXPECT_EQ(decode_base64("YW\nJj"), "abc");
  EXPECT_EQ(decode_base64("+/8="), "\xfb\xff");
  EXPECT_EQ(decode_base64("-_8"), "\xfb\xff");
  for (const char* bad : {"Y", "YQ=a", "Y$==", "YQ==="}) {
    if (std::string(bad) != "YQ===") EXPECT_FALSE(decode_base64(bad)) << bad;
  }
}

}  // namespace
}  // namespace melete
