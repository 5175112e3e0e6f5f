#include "agent/chat_model.h"

#include "engine/prompt_media.h"
#include "text/attachment.h"

namespace melete {

// As other programs sample a model whose makers don't say.
constexpr double kForeignTemperature = 0.7, kForeignTopP = 0.95, kForeignMinP = 0.05;

Result<std::shared_ptr<ChatModel>> ChatModel::load(const std::filesystem::path& model) {
  MELETE_ASSIGN_OR_RETURN(const ModelText text, load_model_text(model));
  MELETE_ASSIGN_OR_RETURN(auto format, make_chat_format(text.chat, text.tokenizer, model.string()));
  MediaLimits limits;
  if (std::filesystem::is_directory(model)) {
    MELETE_ASSIGN_OR_RETURN(limits, read_media_limits(model));
  }
  return std::make_shared<ChatModel>(std::move(format), limits, text.sampling);
}

SamplingAdvice ChatModel::sampling_or(const SamplingAdvice& catalogue) const {
  SamplingAdvice advice = sampling_;
  if (!advice.temperature && catalogue.temperature) advice = catalogue;
  if (!advice.temperature && !advice.top_p && !advice.min_p && !advice.top_k)
    advice = {kForeignTemperature, kForeignTopP, kForeignMinP, 0};
  if (!advice.temperature) advice.temperature = kForeignTemperature;
  return advice;
}

Status ChatModel::check_vocabulary(int64_t engine_entries, const std::filesystem::path& model) const {
  const int64_t entries = tokenizer().vocab_size();
  if (entries <= engine_entries) return ok_status();
  return corrupt("[", model.string(), "] the tokenizer must have at most the model's ", engine_entries,
                 " entries, got ", entries, "; use the tokenizer the model was trained with");
}

Result<std::shared_ptr<const Grammar>> ChatModel::grammar(const GrammarSource& source) const {
  std::call_once(
      made_, [&] { vocabulary_ = std::make_shared<const Vocabulary>(tokenizer(), format_->stop_tokens()); });
  return Grammar::compile(source, vocabulary_);
}

Result<Message> ChatModel::user_message(const std::vector<Part>& attachments,
                                        std::string_view question) const {
  Message message;
  MELETE_ASSIGN_OR_RETURN(message.parts, attached_parts(attachments, question, limits_));
  return message;
}

}  // namespace melete
