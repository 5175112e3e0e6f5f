// The text side of a model's files: its tokenizer, and what they say about conversations.
#pragma once

#include <filesystem>
#include <memory>

#include "text/chat_format.h"

namespace melete {

struct ModelText {
  std::shared_ptr<const Tokenizer> tokenizer;
  ChatSource chat;
};

// `model`: a Hugging Face folder (tokenizer.json; tokenizer_config.json, chat_template.jinja and
// generation_config.json where there are any) or a .gguf file. Errors: not_found, corrupt, invalid_argument
// (a tokenizer that isn't supported), each naming the file and the field.
Result<ModelText> load_model_text(const std::filesystem::path& model);

}  // namespace melete
