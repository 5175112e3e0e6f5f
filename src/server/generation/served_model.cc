#include "server/generation/served_model.h"

#include "engine/ngram.h"

namespace melete {

Result<std::unique_ptr<ServedModel>> ServedModel::load(const Options& options) {
  MELETE_ASSIGN_OR_RETURN(std::shared_ptr<const ChatModel> chat, ChatModel::load(options.path));
  EngineLimits limits;
  limits.max_kv_bytes = options.max_kv_bytes;
  limits.max_draft = NgramDrafter::kMaxDraft;
  MELETE_ASSIGN_OR_RETURN(auto engine, SpanEngine::load(options.path, options.num_threads, limits));
  MELETE_RETURN_IF_ERROR(chat->check_vocabulary(engine->vocab_size(), options.path));
  if (!options.prompt_cache.empty()) {
    const auto loaded = engine->load_prompts(options.prompt_cache);
    if (!loaded.ok() && loaded.error().kind != ErrorKind::not_found) return loaded.error();
  }
  const DecoderShape& shape = engine->shape();
  const ModelFacts facts{shape.family, shape.context_length, shape.media.has_vision, shape.media.has_audio};
  const auto thread = std::make_shared<EngineThread>(std::move(engine));
  auto model = std::make_unique<ServedModel>(
      options.name, std::move(chat), facts, [thread] { return thread->connect(); },
      [thread] { return thread->metrics(); }, options.catalogue);
  if (!options.prompt_cache.empty())
    model->keep_ = [thread, file = options.prompt_cache] {
      Status saved = ok_status();
      if (!thread->call([&](SpanEngine& owned) { saved = owned.save_prompts(file); }))
        saved = unavailable("[engine] must run to save prompts, got a failure: ", thread->failure(),
                            "; start the server again");
      return saved;
    };
  return model;
}

ServedModel::ServedModel(std::string name, std::shared_ptr<const ChatModel> chat, ModelFacts facts,
                         Connect connect, Measure measure, SamplingAdvice catalogue)
    : name_(std::move(name)),
      chat_(std::move(chat)),
      facts_(std::move(facts)),
      catalogue_(std::move(catalogue)),
      connect_(std::move(connect)),
      measure_(std::move(measure)) {}

SamplingAdvice ServedModel::sampling() const {
  return chat_->is_muse() ? SamplingAdvice{} : chat_->sampling_or(catalogue_);
}

Result<Answer> ServedModel::answer(const std::string& mode, const Request& request, EventSink& sink) const {
  const std::unique_ptr<Engine> engine = connect_();
  Services services{*engine, chat_->format()};
  EventLog log({&sink});
  return run_mode(mode, request, services, log);
}

}  // namespace melete
