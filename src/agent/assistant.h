// A model ready to talk: engine, format of its conversations, limits of its processor; and a conversation
// with files.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "agent/mode.h"
#include "agent/model_text.h"
#include "media/part.h"
#include "media/preprocess.h"

namespace melete {

class Assistant {
 public:
  // Loads a Hugging Face folder (config, weights, tokenizer.json, chat template, processor_config.json) or a
  // .gguf file. Errors name the file.
  static Result<std::unique_ptr<Assistant>> load(const std::filesystem::path& model, int num_threads = 0);

  // From parts that belong together; the format's tokenizer has at most the engine's vocabulary.
  Assistant(std::unique_ptr<Engine> engine, std::shared_ptr<const ChatFormat> format, MediaLimits limits,
            SamplingAdvice sampling = {})
      : engine_(std::move(engine)), format_(std::move(format)), limits_(limits), sampling_(sampling) {}

  Services services() { return {*engine_, *format_}; }
  const MediaLimits& limits() const { return limits_; }
  const Tokenizer& tokenizer() const { return format_->tokenizer(); }
  const SamplingAdvice& sampling() const { return sampling_; }  // the model's files'

  // Whether the model answers; one without a chat template goes on with the text.
  bool holds_conversations() const { return format_->name() != "text"; }
  // Whether the modes choose how this model is sampled: those of the Muse format are made for them.
  bool is_muse() const { return format_->name() == "muse"; }

  // Compiles what an answer is held to, for Request::grammar. Errors: those of Grammar::compile.
  Result<std::shared_ptr<const Grammar>> grammar(const GrammarSource& source);

  // The user's message: media first, then tables as text, a blank line, then the question; the layout of the
  // training data. Errors: those of preprocess().
  Result<Message> user_message(const std::vector<Part>& attachments, std::string_view question) const;

 private:
  std::unique_ptr<Engine> engine_;
  std::shared_ptr<const ChatFormat> format_;
  MediaLimits limits_;
  std::shared_ptr<const Vocabulary> vocabulary_;  // made when a grammar needs it
  SamplingAdvice sampling_;
};

// The answer as messages of the conversation, so that the next question sees it as the model wrote it: what
// was said in passing, the text, location tokens included, and the calls (reasoning is not kept). No other
// special token can come of it, whatever its text spells.
std::vector<Message> to_messages(const Answer& answer);

// What `--json` prints: answer, reasoning, commentary and calls if there are any, marks, votes, tokens,
// timings, seed.
Json to_json(const Answer& answer, const std::string& mode, uint64_t seed);

}  // namespace melete
