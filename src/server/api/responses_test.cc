// The Responses surface over a scripted engine: the scenarios of the specification's compliance test, and
// what is kept of a response.
#include <gtest/gtest.h>

#include <future>

#include "server/api/responses_check.h"
#include "server/api/test_server.h"
#include "text/tool_markup.h"

namespace melete {
namespace {

constexpr const char* kPicture =
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAADgAAAA4CAIAAAAn5KxJAAAAQ0lEQVR42u3OQQkAAAgEsIty/"
    "ZMYy4cphMECLNO+EFFR"
    "UVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFR0bNW4KK1OMgvZAAAAABJRU5ErkJggg==";

Json user(const Json& content) { return {{"type", "message"}, {"role", "user"}, {"content", content}}; }

std::vector<Json> events_of(std::string_view text) {
  std::vector<Json> events;
  for (size_t at = text.find("data: {"); at != std::string_view::npos; at = text.find("data: {", at + 1))
    events.push_back(Json::parse(text.substr(at + 6, text.find("\n\n", at) - at - 6)));
  return events;
}

std::vector<std::string> types_of(const std::vector<Json>& events) {
  std::vector<std::string> types;
  for (const Json& event : events)
    if (types.empty() || types.back() != event["type"]) types.push_back(event["type"]);
  return types;
}

const Json kWeather = Json::parse(R"({"type": "function", "name": "get_weather",
  "description": "Get the current weather for a location", "parameters": {"type": "object",
  "properties": {"location": {"type": "string"}}, "required": ["location"]}})");

class ResponsesTest : public ScriptedServerTest {
 protected:
  ResponsesTest() { options_.max_running = 4; }
  // A response that is as the specification wants it.
  Json respond(Json body) {
    if (!body.contains("model")) body["model"] = "melete-thinking";
    Json response = ask("POST", "/v1/responses", body);
    EXPECT_EQ(problems_of(response), std::vector<std::string>()) << response.dump(1);
    return response;
  }
  std::vector<Json> stream(Json body) {
    if (!body.contains("model")) body["model"] = "melete-thinking";
    body["stream"] = true;
    const Asked asked = raw("POST", "/v1/responses", body.dump());
    EXPECT_EQ(asked.status, 200) << asked.body;
    EXPECT_TRUE(asked.body.ends_with("data: [DONE]\n\n")) << asked.body;
    const auto events = events_of(asked.body);
    EXPECT_EQ(problems_of(events), std::vector<std::string>()) << asked.body;
    return events;
  }
  static std::string text_of(const Json& response) {
    std::string text;
    for (const Json& item : response["output"])
      if (item["type"] == "message") text += item["content"][0]["text"].get<std::string>();
    return text;
  }
};

TEST_F(ResponsesTest, ComplianceBasic) {
  start();
  const Json response = respond({{"input", {user("Say hello in exactly 3 words.")}}});
  EXPECT_EQ(response["status"], "completed");
  ASSERT_EQ(response["output"].size(), 2u);
  EXPECT_EQ(response["output"][0]["content"][0]["text"], "I count to four.");
  EXPECT_EQ(text_of(response), "There are four of them.");
  EXPECT_GT(response["usage"]["output_tokens_details"]["reasoning_tokens"], 0);
  EXPECT_EQ(response["melete"]["mode"], "thinking");
}

TEST_F(ResponsesTest, ComplianceStreaming) {
  start();
  const auto events = stream({{"input", {user("Count from 1 to 5.")}}});
  EXPECT_EQ(types_of(events),
            (std::vector<std::string>{
                "response.created", "response.in_progress", "response.output_item.added",
                "response.content_part.added", "response.reasoning.delta", "response.reasoning.done",
                "response.content_part.done", "response.output_item.done", "response.output_item.added",
                "response.content_part.added", "response.output_text.delta", "response.output_text.done",
                "response.content_part.done", "response.output_item.done", "response.completed"}));
  EXPECT_EQ(text_of(events.back()["response"]), "There are four of them.");
}

TEST_F(ResponsesTest, ComplianceSystemPrompt) {
  start();
  const Json response = respond(
      {{"input",
        {{{"type", "message"}, {"role", "system"}, {"content", "You are a pirate."}}, user("Say hello.")}}});
  EXPECT_EQ(response["status"], "completed");
  const auto count = [&](const Json& body) {
    return ask("POST", "/v1/responses/input_tokens", body)["input_tokens"].get<int64_t>();
  };
  EXPECT_GT(count({{"input", "Say hello."}, {"instructions", "You are a pirate."}}),
            count({{"input", "Say hello."}}));
}

TEST_F(ResponsesTest, ComplianceToolCall) {
  start("I look." + std::string("<|eom|><|start|>assistant to=get_weather<|message|>") +
        tool_call_text("get_weather", {{"location", "Oslo"}}) + "<|eot|>");
  const Json body = {{"input", {user("What's the weather like in Oslo?")}}, {"tools", {kWeather}}};
  const Json response = respond(body);
  const Json& call = response["output"].back();
  EXPECT_EQ(call["type"], "function_call");
  EXPECT_EQ(call["name"], "get_weather");
  EXPECT_EQ(Json::parse(call["arguments"].get<std::string>()), Json({{"location", "Oslo"}}));
  EXPECT_EQ(response["status"], "completed");

  const auto events = stream(body);
  const auto types = types_of(events);
  EXPECT_EQ(std::vector<std::string>(types.end() - 5, types.end()),
            (std::vector<std::string>{"response.output_item.added", "response.function_call_arguments.delta",
                                      "response.function_call_arguments.done", "response.output_item.done",
                                      "response.completed"}));
  EXPECT_EQ(events.back()["response"]["output"].back()["arguments"], call["arguments"]);

  start();
  const Json said = respond(
      {{"previous_response_id", response["id"]},
       {"input", {{{"type", "function_call_output"}, {"call_id", call["call_id"]}, {"output", "rain"}}}},
       {"tools", {kWeather}}});
  EXPECT_EQ(text_of(said), "There are four of them.");
}

TEST_F(ResponsesTest, ComplianceImage) {
  start();
  const Json response = respond({{"input",
                                  {user({{{"type", "input_text"}, {"text", "What do you see?"}},
                                         {{"type", "input_image"}, {"image_url", kPicture}}})}}});
  EXPECT_EQ(response["status"], "completed");
  const Json items = ask("GET", "/v1/responses/" + response["id"].get<std::string>() + "/input_items");
  EXPECT_EQ(items["data"][0]["content"][1]["image_url"], kPicture);
  EXPECT_EQ(store_->files(kTestOwner).list()->size(), 1u);
}

TEST_F(ResponsesTest, ComplianceMultiTurn) {
  start();
  const Json history = {user("My name is Alice."),
                        {{"type", "message"}, {"role", "assistant"}, {"content", "Hello Alice!"}},
                        user("What is my name?")};
  EXPECT_EQ(respond({{"input", history}})["status"], "completed");
}

TEST_F(ResponsesTest, AChainIsTheWholeConversation) {
  start();
  const auto tokens = [](const Json& response) { return response["usage"]["input_tokens"].get<int64_t>(); };
  const Json first = respond({{"input", "One."}});
  const Json second = respond({{"input", "Two."}, {"previous_response_id", first["id"]}});
  const Json third = respond({{"input", "Three."}, {"previous_response_id", second["id"]}});
  const Json flat = respond({{"input",
                              {user("One."),
                               {{"role", "assistant"}, {"content", "There are four of them."}},
                               user("Two."),
                               {{"role", "assistant"}, {"content", "There are four of them."}},
                               user("Three.")}}});
  EXPECT_EQ(tokens(third), tokens(flat));
  EXPECT_GT(tokens(third), tokens(second));
  ask("DELETE", "/v1/responses/" + first["id"].get<std::string>());
  const Json gone =
      ask("POST", "/v1/responses", {{"input", "Four."}, {"previous_response_id", third["id"]}}, 404);
  EXPECT_EQ(gone["error"]["param"], "previous_response_id");
}

TEST_F(ResponsesTest, AKeptResponseIsGivenAgainToTheByte) {
  start();
  for (const Json& more :
       {Json({{"model", "melete-thinking"}}),
        Json({{"model", "melete-thinking"}, {"reasoning", {{"summary", "auto"}}}}),
        Json({{"model", "melete-contemplating"}, {"melete", {{"agents", 3}, {"events", true}}}})}) {
    Json body = {{"input", "how many?"}};
    body.update(more);
    const auto events = stream(body);
    const std::string id = events.back()["response"]["id"];
    EXPECT_EQ(ask("GET", "/v1/responses/" + id), events.back()["response"]);
    EXPECT_EQ(events_of(raw("GET", "/v1/responses/" + id + "?stream=true").body), events);
    const auto rest = events_of(raw("GET", "/v1/responses/" + id + "?stream=true&starting_after=3").body);
    EXPECT_EQ(rest, std::vector<Json>(events.begin() + 4, events.end()));
    ask("DELETE", "/v1/responses/" + id);
    ask("GET", "/v1/responses/" + id, nullptr, 404);
  }
}

TEST_F(ResponsesTest, AgentsTellTheirEventsToThoseWhoAsk) {
  start();
  const auto events = stream({{"model", "tiny"},
                              {"input", "how many?"},
                              {"reasoning", {{"effort", "max"}}},
                              {"melete", {{"agents", 3}, {"events", true}}}});
  int64_t spawned = 0;
  for (const Json& event : events) spawned += event["type"] == "melete:agent.spawned";
  EXPECT_EQ(spawned, 3);
  EXPECT_EQ(events.back()["response"]["melete"]["mode"], "contemplating");
  EXPECT_EQ(text_of(events.back()["response"]), "There are four of them.");
}

TEST_F(ResponsesTest, SummariesRepeatTheReasoning) {
  start();
  const Json response = respond({{"input", "how many?"}, {"reasoning", {{"summary", "detailed"}}}});
  EXPECT_EQ(response["output"][0]["summary"][0]["text"], "I count to four.");
}

TEST_F(ResponsesTest, WhatIsCutIsIncomplete) {
  start("a b c d e f g h i j k l m n o p<|eot|>");
  const auto events = stream({{"model", "melete-instant"}, {"input", "abc"}, {"max_output_tokens", 3}});
  EXPECT_EQ(events.back()["type"], "response.incomplete");
  const Json& response = events.back()["response"];
  EXPECT_EQ(response["status"], "incomplete");
  EXPECT_EQ(response["incomplete_details"]["reason"], "max_output_tokens");
  EXPECT_EQ(response["output"][0]["status"], "incomplete");
}

TEST_F(ResponsesTest, InTheBackgroundItGoesOnAndCanBeCancelled) {
  std::promise<void> open;
  gate_ = open.get_future().share();
  start();
  const Json queued = respond({{"input", "how many?"}, {"background", true}});
  EXPECT_EQ(queued["status"], "queued");
  const std::string id = queued["id"];
  const Json other = respond({{"input", "how many?"}, {"background", true}});
  std::thread opener([&] {
    while (server_->num_answering() < 2) std::this_thread::yield();
    open.set_value();
  });
  const auto events = events_of(raw("GET", "/v1/responses/" + id + "?stream=true").body);
  opener.join();
  EXPECT_EQ(problems_of(events), std::vector<std::string>());
  EXPECT_EQ(events[1]["type"], "response.queued");
  EXPECT_EQ(ask("GET", "/v1/responses/" + id)["status"], "completed");
  const Json late = ask("POST", "/v1/responses/" + id + "/cancel", nullptr, 400);
  EXPECT_EQ(late["error"]["code"], "invalid_value");
}

TEST_F(ResponsesTest, ACancelledOneSaysSo) {
  std::promise<void> open;
  gate_ = open.get_future().share();
  start();
  // All four workers are taken, so that the fifth waits.
  for (int i = 0; i < 4; ++i) respond({{"input", "how many?"}, {"background", true}});
  const std::string id = respond({{"input", "how many?"}, {"background", true}})["id"];
  const Json cancelled = ask("POST", "/v1/responses/" + id + "/cancel");
  EXPECT_EQ(cancelled["status"], "cancelled");
  EXPECT_EQ(problems_of(cancelled), std::vector<std::string>());
  EXPECT_EQ(ask("GET", "/v1/responses/" + id), cancelled);
  EXPECT_EQ(ask("POST", "/v1/responses/" + id + "/cancel"), cancelled);
  const auto events = events_of(raw("GET", "/v1/responses/" + id + "?stream=true").body);
  EXPECT_EQ(events.back()["response"], cancelled);
  open.set_value();
}

TEST_F(ResponsesTest, WhatIsNotKeptIsGone) {
  start();
  const Json response = respond({{"input", "how many?"}, {"store", false}});
  EXPECT_EQ(response["store"], false);
  ask("GET", "/v1/responses/" + response["id"].get<std::string>(), nullptr, 404);
  EXPECT_TRUE(store_->responses(kTestOwner).list()->empty());
}

TEST_F(ResponsesTest, TruncationDropsTheOldest) {
  start();
  const Json history = {
      user(std::string(30'000, 'x')), {{"role", "assistant"}, {"content", "Yes."}}, user("And?")};
  const Json refused = ask("POST", "/v1/responses", {{"input", history}}, 400);
  EXPECT_EQ(refused["error"]["code"], "context_length_exceeded");
  EXPECT_EQ(refused["error"]["param"], "input");
  const Json response = respond({{"input", history}, {"truncation", "auto"}});
  EXPECT_LT(response["usage"]["input_tokens"], 200);
}

TEST_F(ResponsesTest, ListsInputItemsByPages) {
  start();
  const Json response =
      respond({{"input", {user("a"), {{"role", "assistant"}, {"content", "b"}}, user("c")}}});
  const std::string path = "/v1/responses/" + response["id"].get<std::string>() + "/input_items";
  const Json page = ask("GET", path + "?order=asc&limit=2");
  ASSERT_EQ(page["data"].size(), 2u);
  EXPECT_EQ(page["data"][0]["content"][0]["text"], "a");
  EXPECT_EQ(page["has_more"], true);
  const Json next = ask("GET", path + "?order=asc&after=" + page["last_id"].get<std::string>());
  ASSERT_EQ(next["data"].size(), 1u);
  EXPECT_EQ(next["data"][0]["content"][0]["text"], "c");
  EXPECT_EQ(ask("GET", path)["data"][0]["content"][0]["text"], "c");
  std::vector<std::string> wrong;
  for (const Json& item : page["data"]) check_item(item, "item", wrong);
  EXPECT_EQ(wrong, std::vector<std::string>());
  ask("GET", path + "?limit=1000", nullptr, 400);
}

TEST_F(ResponsesTest, AFormerServersUnfinishedResponseHasFailed) {
  start();
  StoredResponse row;
  row.id = "resp_00";
  row.status = "in_progress";
  row.model = "tiny";
  const Json response = respond({{"input", "how many?"}});
  row.request = store_->responses(kTestOwner).get(response["id"])->request;
  row.output = row.request["response"];
  ASSERT_TRUE(store_->responses(kTestOwner).create(row).ok());
  start();
  const Json failed = ask("GET", "/v1/responses/resp_00");
  EXPECT_EQ(failed["status"], "failed");
  EXPECT_EQ(problems_of(failed), std::vector<std::string>());
  EXPECT_EQ(ask("POST", "/v1/responses", {{"input", "a"}, {"previous_response_id", "resp_00"}},
                400)["error"]["param"],
            "previous_response_id");
}

}  // namespace
}  // namespace melete
