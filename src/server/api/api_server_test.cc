#include "server/api/api_server.h"

#include <gtest/gtest.h>

#include <thread>

#include "server/api/test_api_server.h"

namespace melete {
namespace {

TEST_F(ApiServerTest, AnswersInTheThreeModes) {
  const uint16_t port = start(kThought);
  const Json thought = ask(port, body("melete-thinking"));
  const Json& choice = thought["choices"][0];
  EXPECT_EQ(thought["object"], "chat.completion");
  EXPECT_EQ(thought["model"], "melete-thinking");
  EXPECT_EQ(choice["message"]["content"], "There are four of them.");
  EXPECT_EQ(choice["message"]["reasoning_content"], "I count to four.");
  EXPECT_EQ(choice["finish_reason"], "stop");
  EXPECT_EQ(choice["melete"]["mode"], "thinking");
  EXPECT_GT(thought["usage"]["completion_tokens_details"]["reasoning_tokens"], 0);
  const Json voted = ask(port, body("tiny", {{"reasoning_effort", "max"}, {"melete", {{"agents", 3}}}}));
  EXPECT_EQ(voted["choices"][0]["message"]["content"], "There are four of them.");
  EXPECT_EQ(voted["choices"][0]["melete"]["vote"]["counts"][0]["votes"], 2);
  server_.reset();
  const uint16_t instant = start("Four.<|eot|>");
  EXPECT_EQ(ask(instant, body("melete-instant"))["choices"][0]["message"]["content"], "Four.");
}

TEST_F(ApiServerTest, StreamsAddUpToTheWholeAnswer) {
  const uint16_t port = start(kThought);
  for (const char* model : {"melete-thinking", "melete-contemplating"}) {
    const auto chunks = stream(port, body(model, {{"n", 2}, {"stream_options", {{"include_usage", true}}}}));
    for (const int index : {0, 1}) {
      EXPECT_EQ(joined(chunks, "content", index), "There are four of them.");
      EXPECT_EQ(joined(chunks, "reasoning_content", index), "I count to four.");
    }
    int64_t finished = 0;
    for (const Json& chunk : chunks)
      for (const Json& choice : chunk["choices"]) finished += choice["finish_reason"] == "stop";
    EXPECT_EQ(finished, 2);
    EXPECT_GT(chunks.back()["usage"]["total_tokens"], 0);
    EXPECT_TRUE(chunks.back()["choices"].empty());
  }
}

TEST_F(ApiServerTest, EventsComeToThoseWhoAsk) {
  const auto chunks =
      stream(start(kThought), body("melete-contemplating", {{"melete", {{"agents", 3}, {"events", true}}}}));
  std::vector<std::string> kinds;
  for (const Json& chunk : chunks)
    if (chunk.contains("melete")) kinds.push_back(chunk["melete"]["event"]["kind"]);
  EXPECT_EQ(std::count(kinds.begin(), kinds.end(), "agent.spawned"), 3);
  EXPECT_EQ(std::count(kinds.begin(), kinds.end(), "decision"), 1);
  EXPECT_EQ(kinds.back(), "run.completed");
}

TEST_F(ApiServerTest, StopStringsEndTheAnswer) {
  const uint16_t port = start(kThought);
  const Json stopped = ask(port, body("melete-thinking", {{"stop", " of"}}));
  EXPECT_EQ(stopped["choices"][0]["message"]["content"], "There are four");
  EXPECT_EQ(stopped["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(joined(stream(port, body("melete-thinking", {{"stop", {" of", "x"}}})), "content"),
            "There are four");
}

TEST_F(ApiServerTest, MaxTokensCutTheAnswer) {
  const Json cut = ask(start("a b c d e f g h i j k l m n o p q r s t u v w x y z<|eot|>"),
                       body("melete-instant", {{"max_tokens", 3}}));
  EXPECT_EQ(cut["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(cut["usage"]["completion_tokens"], 3);
}

TEST_F(ApiServerTest, ErrorsHaveOpenAIsShape) {
  const uint16_t port = start(kThought);
  const Json unknown = ask(port, body("gpt"), 404);
  EXPECT_EQ(unknown["error"]["code"], "model_not_found");
  EXPECT_EQ(unknown["error"]["param"], "model");
  EXPECT_EQ(ask(port, body("tiny", {{"temperature", "x"}}), 400)["error"]["type"], "invalid_request_error");
  const Json endless = ask(
      port, body("tiny", {{"messages", {{{"role", "user"}, {"content", std::string(90'000, 'x')}}}}}), 400);
  EXPECT_EQ(endless["error"]["code"], "context_length_exceeded");
  const Json schema =
      ask(port,
          body("tiny", {{"response_format",
                         {{"type", "json_schema"}, {"json_schema", {{"schema", {{"type", "thing"}}}}}}}}),
          400);
  EXPECT_EQ(schema["error"]["param"], "response_format.json_schema.schema");
  const Json deaf =
      ask(port,
          body("tiny", {{"messages",
                         {{{"role", "user"},
                           {"content", {{{"type", "input_audio"}, {"input_audio", {{"data", "bm8="}}}}}}}}}}),
          400);
  EXPECT_EQ(deaf["error"]["param"], "messages[0].content[0]");
  EXPECT_EQ(deaf["error"]["code"], "invalid_media");
  TestClient client(port);
  for (const std::string& bad :
       {std::string("{\"model\": "), std::string(10'000, '['), std::string("{\"model\":\"\xff\"}")}) {
    client.post("/v1/chat/completions", bad);
    const auto answer = client.read_answer();
    EXPECT_EQ(answer.status(), 400) << answer.body;
    EXPECT_EQ(Json::parse(answer.body)["error"]["code"], "invalid_json");
  }
  client.get("/v1/nothing");
  EXPECT_EQ(Json::parse(client.read_answer().body)["error"]["type"], "not_found_error");
}

TEST_F(ApiServerTest, PingsComeBeforeThePromptIsComputed) {
  options_.http.limits.ping = std::chrono::milliseconds(5);
  std::promise<void> open;
  gate_ = open.get_future().share();
  const uint16_t port = start(kThought);
  TestClient client(port);
  client.post("/v1/chat/completions", body("melete-thinking", {{"stream", true}}).dump());
  EXPECT_EQ(client.read_until(": ping\n\n").find("data:"), std::string::npos);
  open.set_value();
  EXPECT_NE(client.read_until("0\r\n\r\n").find("data: [DONE]"), std::string::npos);
}

TEST_F(ApiServerTest, AFullQueueSaysSoAtOnce) {
  options_.max_running = 1;
  options_.max_waiting = 1;
  std::promise<void> open;
  gate_ = open.get_future().share();
  const uint16_t port = start(kThought);
  TestClient first(port), second(port);
  const std::string request = body("tiny").dump();
  first.post("/v1/chat/completions", request);
  second.post("/v1/chat/completions", request);
  // The two are one running and one waiting once three at a time don't fit, whichever came first.
  const Json full = ask(port, body("tiny", {{"n", 3}}), 429);
  EXPECT_EQ(full["error"]["type"], "rate_limit_error");
  open.set_value();
  EXPECT_EQ(first.read_answer().status(), 200);
  EXPECT_EQ(second.read_answer().status(), 200);
}

TEST_F(ApiServerTest, AClientThatGoesAwayLeavesTheQueue) {
  options_.max_running = 1;
  options_.max_waiting = 1;
  std::promise<void> open;
  gate_ = open.get_future().share();
  const uint16_t port = start(kThought);
  const auto waiting = [&](const std::string& count) {
    TestClient other(port);
    other.get("/metrics");
    return other.read_answer().body.find("\nmelete_answers_waiting " + count + "\n") != std::string::npos;
  };
  const auto running = [&] { return server_->num_answering() == 1; };
  TestClient first(port), second(port), third(port);
  first.post("/v1/chat/completions", body("tiny").dump());
  while (!running()) std::this_thread::yield();
  second.post("/v1/chat/completions", body("tiny").dump());
  while (!waiting("1")) {
  }
  second.close();
  while (!waiting("0")) {
  }
  third.post("/v1/chat/completions", body("tiny").dump());
  while (!waiting("1")) {
  }
  open.set_value();
  EXPECT_EQ(first.read_answer().status(), 200);
  EXPECT_EQ(third.read_answer().status(), 200);
}

TEST_F(ApiServerTest, AClientThatGoesAwayEndsItsAnswer) {
  std::string endless;
  for (int i = 0; i < 20'000; ++i) endless += "a ";
  const uint16_t port = start(endless + "<|eot|>");
  TestClient client(port);
  client.post("/v1/chat/completions",
              body("melete-instant", {{"stream", true}, {"max_tokens", 1 << 20}}).dump());
  client.read_until("data: ");
  client.close();
  std::string metrics;
  for (int i = 0; i < 2000 && metrics.find("finish=\"cancelled\"") == std::string::npos; ++i) {
    TestClient other(port);
    other.get("/metrics");
    metrics = other.read_answer().body;
  }
  EXPECT_NE(metrics.find("melete_answers_total{mode=\"instant\",finish=\"cancelled\"} 1"), std::string::npos)
      << metrics;
}

TEST_F(ApiServerTest, ListsModelsAndDescribesItself) {
  TestClient client(start(kThought));
  client.get("/v1/models");
  const Json models = Json::parse(client.read_answer().body);
  ASSERT_EQ(models["data"].size(), 4u);
  EXPECT_EQ(models["data"][0]["id"], "melete-instant");
  EXPECT_EQ(models["data"][0]["capabilities"]["reasoning_efforts"], Json::array({"none"}));
  EXPECT_EQ(models["data"][3]["id"], "tiny");
  EXPECT_EQ(models["data"][3]["capabilities"]["input"], Json::array({"text", "image", "video"}));
  EXPECT_EQ(models["data"][3]["capabilities"]["tools"], true);
  client.get("/v1/models/tiny");
  EXPECT_EQ(Json::parse(client.read_answer().body), models["data"][3]);
  client.get("/v1/models/none");
  EXPECT_EQ(client.read_answer().status(), 404);
  client.get("/openapi.json");
  const Json openapi = Json::parse(client.read_answer().body);
  for (const Route& route : server_->router().routes()) {
    std::string method = route.method;
    for (char& c : method) c = static_cast<char>(std::tolower(c));
    const Json& operation = openapi["paths"][route.path][method];
    EXPECT_EQ(operation["summary"], route.summary);
    EXPECT_TRUE(operation["responses"].contains("200") || operation["responses"].contains("204"));
  }
  EXPECT_EQ(openapi["paths"]["/v1/models/{id}"]["get"]["parameters"][0]["name"], "id");
  EXPECT_EQ(openapi["components"]["schemas"]["Error"]["required"], Json::array({"error"}));
  std::map<std::string, int> times;
  std::vector<const Json*> left = {&openapi};
  while (!left.empty()) {
    const Json& each = *left.back();
    left.pop_back();
    if (each.is_object() && (each.contains("properties") || each.contains("oneOf"))) ++times[each.dump()];
    if (each.is_structured())
      for (const Json& inner : each) left.push_back(&inner);
  }
  EXPECT_GT(times.size(), 80u);
  for (const auto& [schema, count] : times)
    EXPECT_TRUE(schema.size() < 300 || count == 1) << count << " times: " << schema;
}

}  // namespace
}  // namespace melete
