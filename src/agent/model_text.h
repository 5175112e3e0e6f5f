// The text side of a model's files: its tokenizer, and what they say about conversations.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "text/chat_format.h"

namespace melete {

// How a model's makers want it sampled; empty where they don't say.
struct SamplingAdvice {
  std::optional<double> temperature, top_p, min_p;
  std::optional<int64_t> top_k;
};

struct ModelText {
  std::shared_ptr<const Tokenizer> tokenizer;
  ChatSource chat;
  SamplingAdvice
      sampling;  // generation_config.json's or general.sampling's; values out of range are left out
};

// `model`: a Hugging Face folder (tokenizer.json; tokenizer_config.json, chat_template.jinja and
// generation_config.json where there are any) or a .gguf file. Errors: not_found, corrupt, invalid_argument
// (a tokenizer that isn't supported), each naming the file and the field.
Result<ModelText> load_model_text(const std::filesystem::path& model);

}  // namespace melete
