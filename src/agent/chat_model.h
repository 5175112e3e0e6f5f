// What a model's files say about talking to it, apart from the engine that computes it: the format of its
// conversations, the limits of its processor, how it is sampled, and its vocabulary for grammars. Safe to use
// from many threads.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "agent/model_text.h"
#include "engine/grammar/grammar.h"
#include "media/part.h"
#include "media/preprocess.h"
#include "text/chat_format.h"

namespace melete {

class ChatModel {
 public:
  // The text side of what Assistant::load takes. Errors name the file.
  static Result<std::shared_ptr<ChatModel>> load(const std::filesystem::path& model);

  ChatModel(std::shared_ptr<const ChatFormat> format, MediaLimits limits, SamplingAdvice sampling = {})
      : format_(std::move(format)), limits_(limits), sampling_(sampling) {}

  const ChatFormat& format() const { return *format_; }
  const MediaLimits& limits() const { return limits_; }
  const Tokenizer& tokenizer() const { return format_->tokenizer(); }
  const SamplingAdvice& sampling() const { return sampling_; }  // the model's files'

  // Whether the model answers; one without a chat template goes on with the text.
  bool holds_conversations() const { return format_->name() != "text"; }
  // Whether the modes choose how this model is sampled: those of the Muse format are made for them.
  bool is_muse() const { return format_->name() == "muse"; }

  // Of a model that is sampled as its files advise where the request doesn't say, else as `catalogue` does,
  // else with temperature 0.7, top-p 0.95, min-p 0.05.
  SamplingAdvice sampling_or(const SamplingAdvice& catalogue) const;

  // Error: corrupt, if the tokenizer has more entries than the engine of this model.
  Status check_vocabulary(int64_t engine_entries, const std::filesystem::path& model) const;

  // Compiles what an answer is held to, for Request::grammar. Errors: those of Grammar::compile.
  Result<std::shared_ptr<const Grammar>> grammar(const GrammarSource& source) const;

  // The user's message: media first, then tables as text, a blank line, then the question; the layout of the
  // training data. Errors: those of preprocess().
  Result<Message> user_message(const std::vector<Part>& attachments, std::string_view question) const;

 private:
  std::shared_ptr<const ChatFormat> format_;
  MediaLimits limits_;
  SamplingAdvice sampling_;
  mutable std::once_flag made_;
  mutable std::shared_ptr<const Vocabulary> vocabulary_;  // made when a grammar needs it
};

}  // namespace melete
