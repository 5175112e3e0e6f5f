// A server on a scripted engine, for tests: every answer follows the same script.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/scripted_run.h"
#include "server/api/api_server.h"
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

// What a router answers, without a network. A stream is read to its end.
class Asked {
 public:
  Asked(Router& router, HttpRequest request) {
    state_ = std::make_shared<ExchangeState>(
        [this] {
          const std::lock_guard lock(mutex_);
          woken_ = true;
          changed_.notify_all();
        },
        size_t{1} << 20);
    router.handle(std::make_shared<Exchange>(std::move(request), state_));
    while (!take()) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return std::exchange(woken_, false); });
    }
    state_->set_gone();
  }
  int status = 0;
  HttpHeaders headers;
  std::string body;

  std::string header(const std::string& name) const {
    for (const auto& [key, value] : headers)
      if (key == name) return value;
    return {};
  }

 private:
  bool take() {
    auto output = state_->take();
    if (output.response) {
      status = output.response->status;
      headers = output.response->headers;
      body = output.response->body;
      return true;
    }
    if (output.stream) {
      status = 200;
      headers = *output.stream;
    }
    body += output.bytes;
    return output.ended || output.abandoned;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  std::shared_ptr<ExchangeState> state_;
};

}  // namespace melete
