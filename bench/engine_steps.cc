// our side of `./dev bench engine`: loads a model, then answers commands on standard input
//
// usage: bench_engine_steps MODEL THREADS [WEIGHTS]
//        bench_engine_steps random muse_spark|muse_glimmer FOLDER
// Answers are lines of JSON; the first, {}, says that the model is loaded. Commands:
//   ids TEXT       the text's tokens
//   greedy N ID... the N likeliest tokens after the prompt, and their logits' distances to the second best
//   prompt ID...   reads a prompt and keeps it: seconds until the logits after its last token are there
//   steps S N      seconds of N steps of S continuations of that prompt
//   peak           most memory that this process ever held
//   model          weights that one token is multiplied with, and their bytes
//   machine        read bandwidth and arithmetic peaks of all threads
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "agent/model_text.h"
#include "base/json.h"
#include "base/random.h"
#include "base/side_by_side.h"
#include "engine/engine.h"
#include "engine/families/family.h"
#include "engine/span_engine.h"
#include "kernels/quant.h"
#include "machine.h"
#include "model/checkpoint.h"

namespace melete {
namespace {

int64_t peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return 1024 * std::stoll(line.substr(6));
  return 0;
}

Prompt read_prompt(std::istream& line) {
  Prompt prompt;
  for (int32_t id = 0; line >> id;) prompt.tokens.push_back(id);
  return prompt;
}

// A model of SmolLM2-135M's sizes with the architecture's own parts and random weights.
ModelConfig random_config(Architecture architecture) {
  ModelConfig config;
  config.architecture = architecture;
  TextConfig& c = config.text;
  c.vocab_size = 49152;
  c.hidden_size = 576;
  c.intermediate_size = 1536;
  c.num_layers = 30;
  c.num_heads = 9;
  c.num_kv_heads = 3;
  c.head_dim = 64;
  c.max_positions = 8192;
  c.sliding_window = 512;
  for (int64_t i = 0; i < c.num_layers; ++i) {
    const bool full = i % 4 == 3;
    c.is_sliding.push_back(full ? 0 : 1);
    c.rope_theta.push_back(full ? 0 : 500000);
    c.is_sparse.push_back(0);
  }
  c.qk_scale = 5;
  c.eos_token_ids = {1};
  c.bos_token_id = 0;
  return config;
}

Status write_random(const std::string& architecture, const std::filesystem::path& folder) {
  const ModelConfig config =
      random_config(architecture == "muse_glimmer" ? Architecture::muse_glimmer : Architecture::muse_spark);
  Random random(1);
  std::vector<std::vector<float>> values;
  std::vector<WeightValues> weights;
  for (const WeightSpec& spec : weight_specs(config)) {
    int64_t count = 1;
    for (const int64_t size : spec.shape) count *= size;
    std::vector<float>& v = values.emplace_back(static_cast<size_t>(count));
    for (float& x : v) x = static_cast<float>(0.04 * random.normal());
    weights.push_back({spec, {}});
  }
  for (size_t i = 0; i < weights.size(); ++i) weights[i].values = values[i];
  SaveOptions options;
  options.type = DataType::bf16;
  return save_weights(folder, config, weights, options);
}

// What a decode step multiplies one row with: all matrices, but not a table that is only looked up.
Json weights_of(const std::filesystem::path& model, WeightType type) {
  int64_t count = 0, bytes = 0;
  const auto add = [&](const TensorFile& tensors) {
    const bool has_head =
        tensors.find("output.weight") != nullptr || tensors.find("lm_head.weight") != nullptr;
    for (const auto& [name, view] : tensors.tensors()) {
      if (view.shape.size() != 2 || (has_head && name.find("embd") != name.npos) ||
          (has_head && name.find("embed") != name.npos))
        continue;
      count += view.num_elements();
      const bool is_rounded = type == WeightType::w8 || type == WeightType::w8a8;
      bytes += is_rounded ? view.num_elements() * 34 / 32 : static_cast<int64_t>(view.bytes.size());
    }
  };
  if (model.extension() == ".gguf") {
    const auto file = GgufFile::open(model);
    if (file.ok()) add(file->tensors());
  } else {
    const auto folder = open_checkpoint(model);
    if (folder.ok()) add(folder->tensors);
  }
  return {{"weights", count}, {"bytes", bytes}};
}

class Ours {
 public:
  Ours(std::unique_ptr<Engine> engine, std::filesystem::path model, int threads, WeightType type)
      : engine_(std::move(engine)), model_(std::move(model)), threads_(threads), type_(type) {}

  Result<Json> answer(const std::string& text) {
    std::istringstream line(text);
    std::string command;
    line >> command;
    if (command == "ids") {
      MELETE_ASSIGN_OR_RETURN(const ModelText model_text, load_model_text(model_));
      std::string rest;
      std::getline(line >> std::ws, rest);
      return Json{{"ids", model_text.tokenizer->encode(rest)}};
    }
    if (command == "greedy") return greedy(line);
    if (command == "prompt") return prompt(line);
    if (command == "steps") return steps(line);
    if (command == "model") return weights_of(model_, type_);
    if (command == "machine") {
      ThreadPool pool(threads_);
      const Machine m = measure_machine(pool);
      return Json{{"bytes_per_s", m.bytes_per_s},
                  {"f32_per_s", m.f32_per_s},
                  {"int8_per_s", m.int8_per_s},
                  {"isa", name_of(active_isa())}};
    }
    return Json{{"peak_bytes", peak_bytes()}};
  }

 private:
  Result<Json> greedy(std::istream& line) {
    Sampling how;
    line >> how.max_tokens;
    MELETE_ASSIGN_OR_RETURN(const SequenceId sequence, engine_->prefill(read_prompt(line)));
    std::vector<int32_t> ids;
    std::vector<float> gaps;
    engine_->start(sequence, how, [&](const SampledToken& token) {
      ids.push_back(token.id);
      gaps.push_back(token.top[0].log_prob - token.top[1].log_prob);
      return true;
    });
    while (engine_->step()) {
    }
    engine_->release(sequence);
    return Json{{"ids", ids}, {"gaps", gaps}};
  }

  Result<Json> prompt(std::istream& line) {
    if (kept_) engine_->release(*kept_);
    kept_.reset();
    const Prompt prompt = read_prompt(line);
    const double start = now();
    MELETE_ASSIGN_OR_RETURN(kept_, engine_->prefill(prompt));
    return Json{{"seconds", now() - start}};
  }

  // One step more than is timed: the first samples from the prompt's logits alone.
  Result<Json> steps(std::istream& line) {
    int sequences = 0;
    int64_t count = 0;
    line >> sequences >> count;
    if (!kept_) return invalid_argument("[bench] steps must come after prompt; send one first");
    MELETE_ASSIGN_OR_RETURN(const auto children, engine_->fork(*kept_, sequences));
    for (int i = 0; i < sequences; ++i) {
      Sampling how;
      how.temperature = 1;
      how.stream = static_cast<uint64_t>(i);
      how.max_tokens = count + 1;
      engine_->start(children[static_cast<size_t>(i)], how, [](const SampledToken&) { return true; });
    }
    engine_->step();
    const double start = now();
    while (engine_->step()) {
    }
    const double seconds = now() - start;
    for (const SequenceId child : children) engine_->release(child);
    return Json{{"seconds", seconds}};
  }

  std::unique_ptr<Engine> engine_;
  std::filesystem::path model_;
  int threads_;
  WeightType type_;
  std::optional<SequenceId> kept_;
};

int fail(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return 1;
}

int run(const char* model, int threads, const char* weights) {
  const auto type = parse_weight_type(weights);
  if (!type.ok()) return fail(type.error());
  EngineLimits limits;
  limits.max_cached_bytes = 0;  // every round computes its prompt
  // Both at once, as Assistant::load does; folders of random weights have no tokenizer.
  const auto read_text = [&] {
    const bool is_gguf = std::filesystem::path(model).extension() == ".gguf";
    return is_gguf ? std::optional(load_model_text(model)) : std::nullopt;
  };
  auto [text, engine] =
      side_by_side(read_text, [&] { return SpanEngine::load(model, threads, limits, *type); });
  if (!engine.ok()) return fail(engine.error());
  if (text && !text->ok()) return fail(text->error());
  Ours ours(std::move(engine).value(), model, threads, *type);
  std::puts("{}");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    const auto answer = ours.answer(line);
    if (!answer.ok()) return fail(answer.error());
    std::puts(answer->dump().c_str());
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace melete

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "random") == 0) {
    const auto status = melete::write_random(argv[2], argv[3]);
    return status.ok() ? 0 : melete::fail(status.error());
  }
  if (argc < 3) return 2;
  return melete::run(argv[1], std::atoi(argv[2]), argc > 3 ? argv[3] : "auto");
}
