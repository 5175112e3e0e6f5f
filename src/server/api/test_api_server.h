// A server on a scripted engine, and clients that ask it: for tests of the surfaces.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/test_model.h"
#include "server/api/test_server.h"
#include "server/http/test_client.h"

namespace melete {

class ApiServerTest : public ScriptedServerTest {
 protected:
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
    return serve(ModelList(std::move(models)));
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

  std::unique_ptr<TestModel> files_;
  std::shared_ptr<EngineThread> engine_;
};

}  // namespace melete
