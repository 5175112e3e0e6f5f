// A loaded model that answers many at once: its text side, and an engine on a thread of its own.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/chat_model.h"
#include "agent/event.h"
#include "agent/mode.h"
#include "engine/engine_thread.h"

namespace melete {

class RemoteModel;

struct ModelFacts {
  std::string family;          // "muse_spark"
  int64_t context_length = 0;  // 0: not known, of a remote one
  bool sees = false, hears = false;
  bool calls = true, scores = true;  // takes tools; gives log-probabilities
};

class ServedModel {
 public:
  struct Options {
    std::filesystem::path path;
    std::string name;          // its id in the API
    SamplingAdvice catalogue;  // where the model's files don't say how it is sampled
    int num_threads = 0;       // 0: all cores
    int64_t max_kv_bytes = int64_t{2} << 30;
    // What is remembered of conversations is read from here if there is such a file; empty: forgotten.
    std::filesystem::path prompt_cache;
  };
  // Errors: as Assistant::load and, of a prompt cache that can't be used, Engine::load_prompts.
  static Result<std::unique_ptr<ServedModel>> load(const Options& options);

  // An engine whose prompts and runs end when a stop is requested.
  using Connect = std::function<std::unique_ptr<Engine>(std::stop_token stop)>;
  using Measure = std::function<EngineMetrics()>;
  using Embed = std::function<Result<std::vector<float>>(const Prompt&)>;
  // From parts: an engine for each answer.
  ServedModel(std::string name, std::shared_ptr<const ChatModel> chat, ModelFacts facts, Connect connect,
              Measure measure, SamplingAdvice catalogue = {}, Embed embed = nullptr);

  // One that another server has.
  ServedModel(std::string name, std::shared_ptr<const RemoteModel> remote);

  const std::string& name() const { return name_; }
  // Whether another server answers: nothing can then be rendered, counted or held to a grammar here.
  bool is_remote() const { return remote_ != nullptr; }
  const ChatModel& chat() const { return *chat_; }
  const ModelFacts& facts() const { return facts_; }
  // How it is sampled where a request doesn't say; empty for a Muse model, whose modes choose, and for a
  // remote one.
  SamplingAdvice sampling() const;
  EngineMetrics metrics() const { return measure_(); }

  // Writes the prompt cache that was given, between two steps. Errors: those of writing a file.
  Status keep_prompts() const { return keep_ ? keep_() : ok_status(); }

  // The mean of the model's last hidden states over the tokens, which come after the token that begins a
  // text, scaled to length 1: [width]. Errors: those of SpanEngine::prefill, unavailable.
  Result<std::vector<float>> embed(const std::vector<int32_t>& tokens) const;

  // One answer on the calling thread, which shares the engine's batch with all others. A stop ends it at the
  // next step, while its prompt waits or is computed too. Errors: those of run_mode; cancelled (a stop before
  // the prompt was computed); of a model on another server unavailable, also where its answer makes no sense.
  Result<Answer> answer(const std::string& mode, const Request& request, EventSink& sink,
                        std::stop_token stop = {}) const;

 private:
  std::string name_;
  std::shared_ptr<const ChatModel> chat_;
  ModelFacts facts_;
  SamplingAdvice catalogue_;
  std::shared_ptr<const RemoteModel> remote_;  // or null
  Connect connect_;
  Measure measure_;
  Embed embed_;
  std::function<Status()> keep_;
};

}  // namespace melete
