// `melete debug logits|prompt`: what the model computes and reads, for comparison with other programs
// (tools/check_hf.py).
#include <cstdio>
#include <filesystem>

#include "base/file.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/trainer.h"
#include "engine/case_prompt.h"
#include "engine/engine.h"
#include "engine/prompt_media.h"
#include "media/decode.h"
#include "model/logits_cases.h"
#include "text/attachment.h"
#include "text/conversation.h"
#include "text/tokenizer.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

// What cases of this model may hold: a Muse folder's media, and text only for every other model.
Result<ModelConfig> config_of(const fs::path& model, const Engine& engine) {
  ModelConfig text_only;
  text_only.text.vocab_size = engine.vocab_size();
  text_only.text.max_positions = engine.context_length();
  const fs::path path = model / "config.json";
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return text_only;
  MELETE_ASSIGN_OR_RETURN(const std::string text, read_file(path, uint64_t{16} << 20));
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const std::string type = json.is_object() ? json.value("model_type", "") : "";
  if (!type.starts_with("muse_")) return text_only;
  return parse_model_config(text, path.string());
}

class DebugLogitsCommand : public Command {
 public:
  CommandInfo info() const override {
    return {
        .name = "debug logits",
        .summary = "compute the logits of every case in a safetensors file",
        .description =
            "Reads CASE.input_ids and the media inputs that transformers takes; writes CASE.logits and, "
            "for a case with output_ids, the greedy continuation of the same length as CASE.output_ids. "
            "Cases that hold logits are compared, and the largest differences printed.",
        .examples = {"debug logits models/melete-nano cases.safetensors out.safetensors --executor torch"}};
  }

  void declare(CLI::App& app) override {
    app.add_option("model", model_, "a model folder or .gguf file")->required();
    app.add_option("cases", cases_, "the cases' .safetensors file")->required();
    app.add_option("out", out_, "the .safetensors file to write")->required();
    app.add_option("--weights", weights_,
                   "how the engine keeps matrices: auto (as the file), f32, bf16, w8, w8a8 or w4")
        ->capture_default_str();
    app.add_option("--executor", executor_, "engine, or torch, the trainer's forward")
        ->check(CLI::IsMember({"engine", "torch"}))
        ->capture_default_str();
  }

  Result<int> run() override {
    if (executor_ == "torch") return exec_trainer({"debug", "logits", model_, cases_, out_});
    MELETE_ASSIGN_OR_RETURN(const WeightType weights, parse_weight_type(weights_));
    MELETE_ASSIGN_OR_RETURN(const auto engine, Engine::load(model_, 0, int64_t{2} << 30, weights));
    MELETE_ASSIGN_OR_RETURN(const ModelConfig config, config_of(model_, *engine));
    MELETE_ASSIGN_OR_RETURN(const auto cases, read_logits_cases(cases_, config));
    std::vector<LogitsResult> results;
    for (const LogitsCase& one : cases) {
      MELETE_ASSIGN_OR_RETURN(LogitsResult result, run_logits_case(*engine, one));
      std::fputs(describe_difference(one, result).c_str(), stdout);
      results.push_back(std::move(result));
    }
    MELETE_RETURN_IF_ERROR(write_logits_results(out_, results, engine->vocab_size()));
    return 0;
  }

 private:
  std::string model_, cases_, out_, executor_ = "engine", weights_ = "auto";
};

// The prompt that a conversation with files becomes, as tensors under the names that transformers' processor
// uses.
class DebugPromptCommand : public Command {
 public:
  CommandInfo info() const override {
    return {.name = "debug prompt",
            .summary = "write the token ids and tower inputs of one user message",
            .description =
                "Files come before the text, in the order given. Writes a safetensors file with the case "
                "\"prompt\" in the layout that debug logits reads.",
            .examples = {
                "debug prompt models/melete-nano out.safetensors --text 'What is this?' --file photo.png"}};
  }

  void declare(CLI::App& app) override {
    app.add_option("model", model_, "a model folder")->required();
    app.add_option("out", out_, "the .safetensors file to write")->required();
    app.add_option("--text", text_, "the user's text");
    app.add_option("--file", files_, "a picture, sound or clip; may be given several times");
  }

  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(const auto tokenizer, load_tokenizer(fs::path(model_) / "tokenizer.json"));
    MELETE_ASSIGN_OR_RETURN(const MediaLimits limits, read_media_limits(model_));
    Message message;
    std::vector<Part> attachments;
    for (const std::string& file : files_) {
      MELETE_ASSIGN_OR_RETURN(Part part, decode_file(file));
      attachments.push_back(std::move(part));
    }
    MELETE_ASSIGN_OR_RETURN(message.parts, attached_parts(attachments, text_, limits));
    Conversation conversation;
    conversation.messages.push_back(std::move(message));
    MELETE_ASSIGN_OR_RETURN(const Prompt prompt, render(conversation, *tokenizer, Opening::free));
    MELETE_RETURN_IF_ERROR(write_prompt(out_, "prompt", prompt));
    std::printf("%zu tokens, %zu media\n", prompt.tokens.size(), prompt.media.size());
    return 0;
  }

 private:
  std::string model_, out_, text_;
  std::vector<std::string> files_;
};

MELETE_REGISTER_COMMAND(DebugLogitsCommand);
MELETE_REGISTER_COMMAND(DebugPromptCommand);

}  // namespace
}  // namespace melete
