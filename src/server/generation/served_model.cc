#include "server/generation/served_model.h"

#include <cmath>

#include "base/side_by_side.h"
#include "engine/ngram.h"
#include "remote/remote_model.h"
#include "text/special_tokens.h"

namespace melete {

namespace {

// A client that goes away while its prompt is computed frees the engine after so long.
constexpr double kMaxStep_s = 0.03;

Result<std::vector<float>> mean_hidden(EngineThread& thread, const Prompt& prompt) {
  Result<std::vector<float>> mean = unavailable("[engine] must be running, got a failure; start it again");
  thread.call([&](SpanEngine& engine) { mean = engine.mean_hidden(prompt); });
  return mean;
}

}  // namespace

Result<std::unique_ptr<ServedModel>> ServedModel::load(const Options& options) {
  EngineLimits limits;
  limits.max_kv_bytes = options.max_kv_bytes;
  limits.max_step_s = kMaxStep_s;
  limits.max_draft = NgramDrafter::kMaxDraft;
  auto [read, loaded] =
      side_by_side([&] { return ChatModel::load(options.path); },
                   [&] { return SpanEngine::load(options.path, options.num_threads, limits); });
  MELETE_ASSIGN_OR_RETURN(std::shared_ptr<const ChatModel> chat, std::move(read));
  MELETE_ASSIGN_OR_RETURN(auto engine, std::move(loaded));
  MELETE_RETURN_IF_ERROR(chat->check_vocabulary(engine->vocab_size(), options.path));
  if (!options.prompt_cache.empty()) {
    const auto recalled = engine->load_prompts(options.prompt_cache);
    if (!recalled.ok() && recalled.error().kind != ErrorKind::not_found) return recalled.error();
  }
  const DecoderShape& shape = engine->shape();
  const ModelFacts facts{shape.family, shape.context_length, shape.media.has_vision, shape.media.has_audio};
  const auto thread = std::make_shared<EngineThread>(std::move(engine));
  auto model = std::make_unique<ServedModel>(
      options.name, std::move(chat), facts,
      [thread](std::stop_token stop) { return thread->connect({}, std::move(stop)); },
      [thread] { return thread->metrics(); }, options.catalogue,
      [thread](const Prompt& prompt) { return mean_hidden(*thread, prompt); });
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
                         Connect connect, Measure measure, SamplingAdvice catalogue, Embed embed)
    : name_(std::move(name)),
      chat_(std::move(chat)),
      facts_(std::move(facts)),
      catalogue_(std::move(catalogue)),
      connect_(std::move(connect)),
      measure_(std::move(measure)),
      embed_(std::move(embed)) {}

Result<std::vector<float>> ServedModel::embed(const std::vector<int32_t>& tokens) const {
  if (!embed_) return unavailable("[", name_, "] must have hidden states for embeddings, got none");
  Prompt prompt;
  if (const auto begin = chat_->tokenizer().special_id(kBeginOfText)) prompt.tokens.push_back(*begin);
  prompt.tokens.insert(prompt.tokens.end(), tokens.begin(), tokens.end());
  MELETE_ASSIGN_OR_RETURN(std::vector<float> mean, embed_(prompt));
  double square = 0;
  for (const float x : mean) square += static_cast<double>(x) * static_cast<double>(x);
  const double scale = square > 0 ? 1 / std::sqrt(square) : 0;
  for (float& x : mean) x = static_cast<float>(static_cast<double>(x) * scale);
  return mean;
}

ServedModel::ServedModel(std::string name, std::shared_ptr<const RemoteModel> remote)
    : name_(std::move(name)),
      chat_(remote_chat(*remote)),
      facts_{"remote", remote->context_length(),  remote->abilities().vision,
             false,    remote->abilities().tools, false},
      remote_(std::move(remote)),
      measure_([] { return EngineMetrics{}; }) {}

SamplingAdvice ServedModel::sampling() const {
  return is_remote() || chat_->is_muse() ? SamplingAdvice{} : chat_->sampling_or(catalogue_);
}

Result<Answer> ServedModel::answer(const std::string& mode, const Request& given, EventSink& sink,
                                   std::stop_token stop) const {
  Request request = given;
  request.stop_requested = [&] { return stop.stop_requested() || given.stop_requested(); };
  EventLog log({&sink});
  if (remote_) {
    auto answer = remote_->answer(mode, request, log);
    // Its nonsense is no fault of who asked.
    if (!answer.ok() && answer.error().kind == ErrorKind::corrupt)
      return Error{ErrorKind::unavailable, answer.error().message};
    return answer;
  }
  const std::unique_ptr<Engine> engine = connect_(stop);
  Services services{*engine, chat_->format()};
  return run_mode(mode, request, services, log);
}

}  // namespace melete
