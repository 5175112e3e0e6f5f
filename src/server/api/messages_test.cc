// Anthropic's messages: the body, and answers through the whole server.
#include <gtest/gtest.h>

#include "server/api/messages_request.h"
#include "server/api/messages_schema.h"
#include "server/api/test_api_server.h"
#include "text/tool_markup.h"

namespace melete {
namespace {

Json with(const std::string& pointer, const Json& value) {
  Json body =
      Json::parse(R"({"model": "m", "max_tokens": 900, "messages": [{"role": "user", "content": "hi"}]})");
  body[Json::json_pointer(pointer)] = value;
  return body;
}

MessagesRequest parsed(const Json& body) {
  std::optional<ApiError> problem;
  auto request = parse_messages_request(body, false, problem);
  EXPECT_TRUE(request) << problem->param << " " << problem->message;
  return request.value_or(MessagesRequest{});
}

std::string wrong(const Json& body) {
  std::optional<ApiError> problem;
  EXPECT_FALSE(parse_messages_request(body, false, problem)) << body.dump();
  return problem ? problem->param + " " + problem->code : "";
}

TEST(MessagesRequest, ReadsEveryOption) {
  const MessagesRequest request = parsed(Json::parse(R"({"model": "melete-thinking", "max_tokens": 900,
    "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}], "stream": true,
    "temperature": 0.5, "top_p": 0.9, "top_k": 40, "stop_sequences": ["a", "b"], "metadata": {"user_id": "u"},
    "thinking": {"type": "enabled", "budget_tokens": 500, "display": "omitted"},
    "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object"}}},
    "tools": [{"name": "look", "input_schema": {"type": "object"}, "description": "d"}],
    "tool_choice": {"type": "tool", "name": "look", "disable_parallel_tool_use": true},
    "melete": {"agents": 4, "events": true},
    "messages": [
      {"role": "user", "content": [{"type": "text", "text": "a"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
        {"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}]},
      {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "b"}, {"type": "tool_use", "id": "1", "name": "look", "input": {"at": 3}}]},
      {"role": "user", "content": [{"type": "text", "text": "c"},
        {"type": "tool_result", "tool_use_id": "1", "is_error": true, "content": [{"type": "text", "text": "d"}]}]}]})"));
  const AnswerOptions& options = request.options;
  EXPECT_EQ(options.max_tokens, 900);
  EXPECT_EQ(options.budget_tokens, 500);
  EXPECT_EQ(options.effort, "high");
  EXPECT_EQ(options.agents, 4);
  EXPECT_EQ(options.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(options.grammar->text, R"({"type":"object"})");
  EXPECT_EQ(options.tools[0].dump(), R"({"name":"look","description":"d","parameters":{"type":"object"}})");
  EXPECT_EQ(options.tool_choice.name, "look");
  EXPECT_FALSE(options.parallel_calls);
  EXPECT_TRUE(request.stream && request.omits_thinking);
  ASSERT_EQ(request.messages.size(), 5u);
  EXPECT_EQ(request.messages[0].role, Role::system);
  ASSERT_EQ(request.messages[1].parts.size(), 4u);
  EXPECT_EQ(request.messages[1].parts[1].bytes, "hi");
  EXPECT_EQ(request.messages[1].parts[1].kind, MediaKind::image);
  EXPECT_EQ(request.messages[1].parts[2].text, "T");
  EXPECT_EQ(request.messages[1].parts[3].text, "x");
  EXPECT_EQ(request.messages[2].parts.size(), 1u);
  EXPECT_EQ(request.messages[2].calls[0].arguments.dump(), R"({"at":3})");
  EXPECT_EQ(request.messages[3].role, Role::tool);
  EXPECT_EQ(request.messages[3].call_id, "1");
  EXPECT_EQ(request.messages[3].parts[0].text + request.messages[3].parts[1].text, "Error:d");
  EXPECT_EQ(request.messages[4].parts[0].text, "c");
}

TEST(MessagesRequest, ThinkingAndIdChooseTheMode) {
  const auto mode = [](const char* model, const Json& thinking, const Json& effort = {}) {
    Json body = with("/model", model);
    if (!thinking.is_null()) body["thinking"] = thinking;
    if (!effort.is_null()) body["output_config"] = {{"effort", effort}};
    const MessagesRequest request = parsed(body);
    std::optional<ApiError> problem;
    const auto choice = choose_mode(request.options, problem);
    return choice ? choice->mode + " " + name_of(choice->effort) : problem->param;
  };
  const Json adaptive = {{"type", "adaptive"}}, disabled = {{"type", "disabled"}};
  EXPECT_EQ(mode("tiny", {}), "instant medium");
  EXPECT_EQ(mode("tiny", disabled), "instant medium");
  EXPECT_EQ(mode("tiny", adaptive), "thinking medium");
  EXPECT_EQ(mode("tiny", adaptive, "low"), "thinking low");
  EXPECT_EQ(mode("tiny", {}, "max"), "contemplating medium");
  EXPECT_EQ(mode("tiny", {{"type", "enabled"}, {"budget_tokens", 10}}), "thinking medium");
  EXPECT_EQ(mode("melete-thinking", {}), "thinking medium");
  EXPECT_EQ(mode("melete-thinking", disabled), "instant medium");
  EXPECT_EQ(mode("melete-contemplating", adaptive, "high"), "contemplating high");
  EXPECT_EQ(mode("melete-instant", adaptive), "thinking.type");
}

TEST(MessagesRequest, SaysWhereAndWhatIsWrong) {
  const auto block = [](const char* json) {
    return with("/messages/0/content", Json::array({Json::parse(json)}));
  };
  const std::pair<Json, const char*> cases[] = {
      {with("/max_tokens", nullptr), "max_tokens missing_required_parameter"},
      {with("/messages", Json::array()), "messages invalid_value"},
      {with("/messages/0/role", "tool"), "messages[0].role invalid_value"},
      {with("/messages/0/content", 1), "messages[0].content invalid_type"},
      {with("/system", Json::array({{{"type", "image"}}})), "system[0].type invalid_value"},
      {block(R"({"type": "smell"})"), "messages[0].content[0].type invalid_value"},
      {block(R"({"type": "tool_use", "id": "1", "name": "a", "input": {}})"),
       "messages[0].content[0].type invalid_value"},
      {block(R"({"type": "image", "source": {"type": "url", "url": "http://a/b.png"}})"),
       "messages[0].content[0].source.url unsupported_url"},
      {block(R"({"type": "image", "source": {"type": "file", "file_id": "f"}})"),
       "messages[0].content[0].source.type unsupported_parameter"},
      {block(R"({"type": "image", "source": {"type": "base64", "data": "a"}})"),
       "messages[0].content[0].source.data invalid_base64"},
      {block(R"({"type": "text", "text": "a", "colour": 1})"),
       "messages[0].content[0].colour unknown_parameter"},
      {block(R"({"type": "tool_result", "tool_use_id": "1", "content": [{"type": "tool_result"}]})"),
       "messages[0].content[0].content[0].type invalid_value"},
      {with("/stop_sequences", Json::array({""})), "stop_sequences[0] invalid_value"},
      {with("/thinking", {{"type", "enabled"}}), "thinking.budget_tokens missing_required_parameter"},
      {with("/thinking", {{"type", "enabled"}, {"budget_tokens", 900}}),
       "thinking.budget_tokens invalid_value"},
      {with("/tools", {{{"type", "web_search_20250305"}, {"name", "web_search"}}}),
       "tools[0].type invalid_value"},
      {with("/tools", {{{"name", "a"}}}), "tools[0].input_schema missing_required_parameter"},
      {with("/tool_choice", {{"type", "tool"}}), "tool_choice.name missing_required_parameter"},
      {with("/output_config", {{"effort", "none"}}), "output_config.effort invalid_value"},
      {with("/mcp_servers", {1}), "mcp_servers unsupported_parameter"},
      {with("/temprature", 1), "temprature unknown_parameter"},
  };
  for (const auto& [body, expected] : cases) EXPECT_EQ(wrong(body), expected) << body.dump();
  const Json schema = messages_request_schema();
  for (const auto& [name, property] : schema["properties"].items()) {
    const std::string found = wrong(with("/" + name, Json::array({Json::array()})));
    EXPECT_EQ(found.find("unknown_parameter"), std::string::npos) << found;
  }
}

class MessagesApiTest : public ApiServerTest {
 protected:
  static Json question(const std::string& model, const Json& more = Json::object()) {
    Json made = body(model, {{"max_tokens", 900}});
    made.update(more);
    return made;
  }
  Json answer(uint16_t port, const Json& request, int status = 200) {
    return ask(port, request, status, "/v1/messages");
  }
  // The events of a stream put together as a message, as a client does; `types` gets their names.
  static Json streamed(uint16_t port, Json request, std::string& types) {
    request["stream"] = true;
    TestClient client(port);
    client.post("/v1/messages", request.dump());
    const std::string all = client.read_until("0\r\n\r\n");
    Json message;
    std::string input;
    for (size_t at = all.find("event: "); at != std::string::npos; at = all.find("event: ", at + 1)) {
      const std::string name = all.substr(at + 7, all.find('\n', at) - at - 7);
      const size_t data = all.find("data: ", at) + 6;
      const Json event = Json::parse(all.substr(data, all.find("\n\n", data) - data));
      EXPECT_EQ(event["type"], name);
      if (name != "content_block_delta") types += name + " ";
      if (name == "message_start") message = event["message"];
      if (name == "content_block_start") {
        EXPECT_EQ(event["index"], message["content"].size());
        message["content"].push_back(event["content_block"]);
        input.clear();
      }
      if (name == "content_block_delta") {
        EXPECT_EQ(event["index"], message["content"].size() - 1);
        Json& block = message["content"].back();
        for (const char* member : {"text", "thinking", "signature"})
          if (event["delta"].contains(member))
            block[member] = block[member].get<std::string>() + event["delta"][member].get<std::string>();
        if (event["delta"].contains("partial_json")) input += event["delta"]["partial_json"];
        if (!input.empty() && Json::accept(input)) block["input"] = Json::parse(input);
      }
      if (name == "message_delta") {
        message.update(event["delta"]);
        message["usage"].update(event["usage"]);
      }
    }
    return message;
  }
  static void expect_equal_but_for_id(Json streamed, Json whole) {
    for (Json* one : {&streamed, &whole})
      for (const char* member : {"id", "melete"}) one->erase(member);
    EXPECT_EQ(streamed, whole);
  }
};

TEST_F(MessagesApiTest, AnswersWithThinkingWholeAndAsAStream) {
  const uint16_t port = start(kThought);
  const Json request = question("melete-thinking", {{"system", "be brief"}});
  const Json whole = answer(port, request);
  EXPECT_EQ(whole["type"], "message");
  EXPECT_EQ(whole["content"][0]["type"], "thinking");
  EXPECT_EQ(whole["content"][0]["thinking"], "I count to four.");
  EXPECT_FALSE(whole["content"][0]["signature"].get<std::string>().empty());
  EXPECT_EQ(whole["content"][1]["text"], "There are four of them.");
  EXPECT_EQ(whole["stop_reason"], "end_turn");
  EXPECT_GT(whole["usage"]["input_tokens"], 0);
  EXPECT_GT(whole["usage"]["output_tokens_details"]["thinking_tokens"], 0);
  std::string types;
  expect_equal_but_for_id(streamed(port, request, types), whole);
  EXPECT_EQ(
      types,
      "message_start ping content_block_start content_block_stop content_block_start content_block_stop "
      "message_delta message_stop ");
  Json hidden = question("tiny", {{"thinking", {{"type", "adaptive"}, {"display", "omitted"}}}});
  EXPECT_EQ(answer(port, hidden)["content"][0]["thinking"], "");
  EXPECT_EQ(streamed(port, hidden, types)["content"][0]["thinking"], "");
  const Json voted = answer(port, question("melete-contemplating", {{"melete", {{"agents", 3}}}}));
  EXPECT_EQ(voted["melete"]["vote"]["counts"][0]["votes"], 2);
  EXPECT_EQ(voted["content"][1]["text"], "There are four of them.");
}

TEST_F(MessagesApiTest, StopSequencesAndLimitsAreToldApart) {
  const uint16_t port = start("There are four of them.<|eot|>");
  const Json stopped = answer(port, question("tiny", {{"stop_sequences", {"xyz", " of"}}}));
  EXPECT_EQ(stopped["content"][0]["text"], "There are four");
  EXPECT_EQ(stopped["stop_reason"], "stop_sequence");
  EXPECT_EQ(stopped["stop_sequence"], " of");
  const Json cut = answer(port, question("tiny", {{"max_tokens", 3}}));
  EXPECT_EQ(cut["stop_reason"], "max_tokens");
  EXPECT_EQ(cut["stop_sequence"], nullptr);
}

TEST_F(MessagesApiTest, CallsAndWhatIsSaidBeforeThemAreBlocks) {
  const uint16_t port = start(" to=commentary<|message|>I look.<|eom|><|start|>assistant to=look<|message|>" +
                              tool_call_text("look", {{"at", 3}}) + "<|eot|>");
  const Json tools = Json::parse(R"([{"name": "look", "input_schema": {"type": "object",
      "properties": {"at": {"type": "integer"}}, "required": ["at"]}}])");
  const Json request = question("tiny", {{"tools", tools}});
  const Json whole = answer(port, request);
  EXPECT_EQ(whole["stop_reason"], "tool_use");
  ASSERT_EQ(whole["content"].size(), 2u);
  EXPECT_EQ(whole["content"][0]["text"], "I look.");
  EXPECT_EQ(whole["content"][1]["name"], "look");
  EXPECT_EQ(whole["content"][1]["input"], Json({{"at", 3}}));
  std::string types;
  Json pieces = streamed(port, request, types);
  pieces["content"][1]["id"] = whole["content"][1]["id"];  // another seed, another id
  expect_equal_but_for_id(pieces, whole);
  server_.reset();
  const uint16_t held = start(R"({"name": "look", "arguments": {"at": 3}}<|eot|>)");
  const Json must = question("tiny", {{"tools", tools}, {"tool_choice", {{"type", "any"}}}});
  EXPECT_EQ(answer(held, must)["content"][0]["input"], Json({{"at", 3}}));
  EXPECT_EQ(streamed(held, must, types)["content"][0]["input"], Json({{"at", 3}}));
}

TEST_F(MessagesApiTest, CountsTokensAndRefusesInItsShape) {
  const uint16_t port = start("4<|eot|>");
  Json request = question("tiny");
  const Json whole = answer(port, request);
  request.erase("max_tokens");
  EXPECT_EQ(ask(port, request, 200, "/v1/messages/count_tokens")["input_tokens"],
            whole["usage"]["input_tokens"]);
  const Json missing = answer(port, request, 400);
  EXPECT_EQ(missing["type"], "error");
  EXPECT_EQ(missing["error"]["type"], "invalid_request_error");
  EXPECT_EQ(missing["error"]["message"], "max_tokens must be given");
  EXPECT_EQ(answer(port, question("gpt"), 404)["error"]["type"], "not_found_error");
  TestClient client(port);
  client.get("/openapi.json");
  const Json openapi = Json::parse(client.read_answer().body);
  const Json& error = openapi["paths"]["/v1/messages"]["post"]["responses"]["default"]["content"];
  EXPECT_EQ(error["application/json"]["schema"]["$ref"], "#/components/schemas/AnthropicError");
  for (const Json& member : openapi["components"]["schemas"]["AnthropicError"]["required"])
    EXPECT_TRUE(missing.contains(member)) << member;
  const std::string text = question("tiny").dump();
  client.send(
      "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nanthropic-version: 2020-01-01\r\nx-request-id: r7\r\n"
      "Content-Length: " +
      std::to_string(text.size()) + "\r\n\r\n" + text);
  const auto old = client.read_answer();
  EXPECT_EQ(old.status(), 400);
  EXPECT_NE(old.head.find("\r\nrequest-id: r7\r\n"), std::string::npos) << old.head;
}

}  // namespace
}  // namespace melete
