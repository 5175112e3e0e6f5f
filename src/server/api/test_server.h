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

}  // namespace melete
