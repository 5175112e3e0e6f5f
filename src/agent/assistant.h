// A model ready to talk, for one caller: its engine and its text side.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "agent/chat_model.h"
#include "agent/mode.h"

namespace melete {

class Assistant {
 public:
  // Loads a Hugging Face folder (config, weights, tokenizer.json, chat template, processor_config.json) or a
  // .gguf file. Errors name the file.
  static Result<std::unique_ptr<Assistant>> load(const std::filesystem::path& model, int num_threads = 0);

  // From parts that belong together; the format's tokenizer has at most the engine's vocabulary.
  Assistant(std::unique_ptr<Engine> engine, std::shared_ptr<const ChatModel> chat)
      : engine_(std::move(engine)), chat_(std::move(chat)) {}
  Assistant(std::unique_ptr<Engine> engine, std::shared_ptr<const ChatFormat> format, MediaLimits limits,
            SamplingAdvice sampling = {})
      : Assistant(std::move(engine), std::make_shared<ChatModel>(std::move(format), limits, sampling)) {}

  // What the model remembers of conversations, from a file that keep_prompts() wrote; nothing where there is
  // no such file yet. Then a prompt's beginning that was seen before isn't computed again. Errors: as
  // Engine::load_prompts, apart from not_found.
  Status recall_prompts(const std::filesystem::path& file);
  Status keep_prompts(const std::filesystem::path& file) { return engine_->save_prompts(file); }

  Services services() { return {*engine_, chat_->format()}; }
  const ChatModel& chat() const { return *chat_; }

 private:
  std::unique_ptr<Engine> engine_;
  std::shared_ptr<const ChatModel> chat_;
};

// The answer as messages of the conversation, so that the next question sees it as the model wrote it: what
// was said in passing, the text, location tokens included, and the calls (reasoning is not kept). No other
// special token can come of it, whatever its text spells.
std::vector<Message> to_messages(const Answer& answer);

// What `--json` prints: answer, reasoning, commentary and calls if there are any, marks, votes, tokens,
// timings, memory, seed.
Json to_json(const Answer& answer, const std::string& mode, uint64_t seed);

}  // namespace melete
