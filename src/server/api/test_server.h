// A server on a scripted engine, for tests: every answer follows the same script.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/scripted_run.h"
#include "server/api/api_server.h"
#include "server/http/asked.h"
#include "server/store/test_store.h"

namespace melete {

// One model, "tiny". Runs wait for `gate` before they begin, if there is one.
inline ModelList scripted_models(const std::string& script,
                                 const std::optional<std::shared_future<void>>& gate = {}) {
  auto chat =
      std::make_shared<ChatModel>(make_chat_format({}, small_tokenizer(), "test").value(), MediaLimits{});
  const ModelFacts facts{"muse_spark", 4096, true, false};
  const auto connect = [gate, script](std::stop_token) -> std::unique_ptr<Engine> {
    if (gate) gate->wait();
    auto engine = std::make_unique<ScriptedEngine>(small_tokenizer());
    for (int i = 0; i < 16; ++i) engine->write(script);
    return engine;
  };
  std::vector<std::unique_ptr<ServedModel>> models;
  models.push_back(std::make_unique<ServedModel>(
      "tiny", chat, facts, connect, [] { return EngineMetrics{}; }, SamplingAdvice{},
      [](const Prompt&) {
        return std::vector<float>{3, 4};
      }));
  return ModelList(std::move(models));
}

inline const std::string kThought = "I count to four." + kToAnswer + "There are four of them.<|eot|>";

// A server whose every answer follows one script, asked past its sockets or, by its port, through them.
class ScriptedServerTest : public ::testing::Test {
 protected:
  // Its port; what was kept before is there again.
  uint16_t start(const std::string& script = kThought) { return serve(scripted_models(script, gate_)); }
  uint16_t serve(ModelList models) {
    server_.reset();
    store_.reset();
    store_ = ok(Store::open(folder_.path() / "data"));
    options_.http.port = 0;
    server_ = ok(ApiServer::start(options_, std::move(models), *store_));
    return server_->http().port();
  }
  Asked raw(const std::string& method, const std::string& target, const std::string& body = "",
            HttpHeaders headers = {}) {
    HttpRequest request;
    request.method = method;
    request.path = target.substr(0, target.find('?'));
    if (const size_t at = target.find('?'); at != std::string::npos) request.query = target.substr(at + 1);
    request.body = body;
    request.headers = std::move(headers);
    request.client = "127.0.0.1:1";
    return Asked(server_->router(), std::move(request));
  }
  Json ask(const std::string& method, const std::string& target, const Json& body = nullptr,
           int status = 200) {
    const Asked asked = raw(method, target, body.is_null() ? "" : body.dump());
    EXPECT_EQ(asked.status, status) << method << " " << target << ": " << asked.body;
    return asked.body.empty() ? Json() : Json::parse(asked.body);
  }

  TestFolder folder_;
  ApiServerOptions options_;
  std::optional<std::shared_future<void>> gate_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ApiServer> server_;
};

}  // namespace melete
