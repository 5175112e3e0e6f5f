// `melete-train debug logits`: the trainer's forward over a file of cases; `melete debug logits --executor
// torch` runs it.
#include <cstdio>

#include "cli/command.h"
#include "model/logits_cases.h"
#include "tensor/torch_model.h"

namespace melete {
namespace {

// Each step runs the whole sequence again: no cache, so nothing but the forward is tested.
std::vector<int32_t> continue_greedily(TorchModel& model, ModelInput input, int64_t num_new_tokens) {
  for (int64_t i = 0; i < num_new_tokens; ++i) {
    const torch::Tensor logits = model.logits(input);
    input.tokens.push_back(static_cast<int32_t>(logits[logits.size(0) - 1].argmax().item<int64_t>()));
    ++input.document_lengths.back();
  }
  return input.tokens;
}

LogitsResult run_case(TorchModel& model, const LogitsCase& given) {
  const torch::NoGradGuard guard;
  const torch::Tensor logits = model.logits(given.input).to(torch::kCPU, torch::kFloat32).contiguous();
  LogitsResult result;
  result.name = given.name;
  result.logits.assign(logits.data_ptr<float>(), logits.data_ptr<float>() + logits.numel());
  if (!given.expected_ids.empty())
    result.output_ids = continue_greedily(model, given.input, given.num_new_tokens());
  return result;
}

class DebugLogitsCommand : public Command {
 public:
  CommandInfo info() const override {
    return {.name = "debug logits",
            .summary = "compute the logits of every case in a safetensors file with the trainer's forward",
            .description = "The layout of the files: melete debug logits --help.",
            .examples = {"debug logits models/melete-nano cases.safetensors out.safetensors"}};
  }

  void declare(CLI::App& app) override {
    app.add_option("model", model_, "a model folder")->required();
    app.add_option("cases", cases_, "the cases' .safetensors file")->required();
    app.add_option("out", out_, "the .safetensors file to write")->required();
  }

  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(TorchModel model, TorchModel::load(model_));
    MELETE_ASSIGN_OR_RETURN(const auto cases, read_logits_cases(cases_, model.config()));
    std::vector<LogitsResult> results;
    for (const LogitsCase& one : cases) {
      results.push_back(run_case(model, one));
      std::fputs(describe_difference(one, results.back()).c_str(), stdout);
    }
    MELETE_RETURN_IF_ERROR(write_logits_results(out_, results, model.config().text.vocab_size));
    return 0;
  }

 private:
  std::string model_, cases_, out_;
};

MELETE_REGISTER_COMMAND(DebugLogitsCommand);

}  // namespace
}  // namespace melete
