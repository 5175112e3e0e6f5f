// A server on a scripted engine, and clients that ask it: for tests of the surfaces.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/scripted_run.h"
#include "agent/test_model.h"
#include "server/api/api_server.h"
#include "server/http/test_client.h"
#include "server/store/test_store.h"

namespace melete {

// Every answer follows the same script.
class ApiServerTest : public ::testing::Test {
 protected:
  uint16_t start(const std::string& script) {
    auto chat =
        std::make_shared<ChatModel>(make_chat_format({}, small_tokenizer(), "test").value(), MediaLimits{});
    ModelFacts facts{"muse_spark", 4096, true, false};
    auto connect = [this, script](std::stop_token) -> std::unique_ptr<Engine> {
      if (gate_) gate_->wait();
      auto engine = std::make_unique<ScriptedEngine>(small_tokenizer());
      for (int i = 0; i < 16; ++i) engine->write(script);
      return engine;
    };
    std::vector<std::unique_ptr<ServedModel>> models;
    models.push_back(
        std::make_unique<ServedModel>("tiny", chat, facts, connect, [] { return EngineMetrics{}; }));
    return serve(std::move(models));
  }
  // A real engine of random weights.
  uint16_t start_engine(const EngineLimits& limits = {}) {
    if (!files_) files_ = std::make_unique<TestModel>();
    engine_ = std::make_shared<EngineThread>(SpanEngine::load(files_->folder(), 1, limits).value());
    const ModelFacts facts{"muse_spark", engine_->shape().context_length, false, false};
    std::vector<std::unique_ptr<ServedModel>> models;
    models.push_back(std::make_unique<ServedModel>(
        "tiny", ChatModel::load(files_->folder()).value(), facts,
        [engine = engine_](std::stop_token stop) { return engine->connect({}, std::move(stop)); },
        [engine = engine_] { return engine->metrics(); }, SamplingAdvice{},
        [engine = engine_](const Prompt& prompt) {
          Result<std::vector<float>> mean = unavailable("no engine");
          engine->call([&](SpanEngine& span) { mean = span.mean_hidden(prompt); });
          return mean;
        }));
    return serve(std::move(models));
  }
  uint16_t serve(std::vector<std::unique_ptr<ServedModel>> models) {
    options_.http.port = 0;
    server_.reset();
    store_.reset();
    store_ = ok(Store::open(folder_.path() / "data"));
    auto server = ApiServer::start(options_, ModelList(std::move(models)), *store_);
    EXPECT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(server).value();
    return server_->http().port();
  }

  static Json body(const std::string& model, const Json& more = Json::object()) {
    Json body = {{"model", model}, {"messages", {{{"role", "user"}, {"content", "how many?"}}}}};
    body.update(more);
    return body;
  }
  static Json ask(uint16_t port, const Json& request, int status = 200,
                  const std::string& path = "/v1/chat/completions") {
    TestClient client(port);
    client.post(path, request.dump());
    const auto answer = client.read_answer();
    EXPECT_EQ(answer.status(), status) << answer.body;
    return Json::parse(answer.body);
  }
  // The chunks of a stream; the last is "[DONE]", left out.
  static std::vector<Json> stream(uint16_t port, Json request) {
    request["stream"] = true;
    TestClient client(port);
    client.post("/v1/chat/completions", request.dump());
    std::string all = client.read_until("0\r\n\r\n");
    EXPECT_NE(all.find("data: [DONE]\n\n"), std::string::npos) << all;
    std::vector<Json> chunks;
    for (size_t at = all.find("data: {"); at != std::string::npos; at = all.find("data: {", at + 1))
      chunks.push_back(Json::parse(all.substr(at + 6, all.find("\n\n", at) - at - 6)));
    return chunks;
  }
  static std::string joined(const std::vector<Json>& chunks, const char* member, int index = 0) {
    std::string all;
    for (const Json& chunk : chunks)
      for (const Json& choice : chunk["choices"])
        if (choice["index"] == index) all += choice["delta"].value(member, "");
    return all;
  }

  ApiServerOptions options_;
  std::unique_ptr<TestModel> files_;
  std::shared_ptr<EngineThread> engine_;
  std::optional<std::shared_future<void>> gate_;
  TestFolder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ApiServer> server_;
};

inline const std::string kThought = "I count to four." + kToAnswer + "There are four of them.<|eot|>";

}  // namespace melete
