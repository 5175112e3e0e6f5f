#include "model/checkpoint.h"

#include <map>

#include "base/file.h"
#include "model/hf_layout.h"
#include "model/safetensors_header.h"

namespace melete {
namespace {

constexpr size_t kNamedProblems = 5;

bool is_float(DataType type) {
  return type == DataType::f32 || type == DataType::bf16 || type == DataType::f16 || type == DataType::f64;
}

// Small and sensitive: the reference keeps them in float32 (_keep_in_fp32_modules_strict).
bool stays_float32(WeightRole role) {
  return role == WeightRole::router || role == WeightRole::router_bias || role == WeightRole::residual_gate;
}

// "a; b; c and 4 more"
std::string joined(const std::vector<std::string>& problems) {
  std::string text;
  for (size_t i = 0; i < std::min(problems.size(), kNamedProblems); ++i)
    text += (i > 0 ? "; " : "") + problems[i];
  if (problems.size() > kNamedProblems) text += cat(" and ", problems.size() - kNamedProblems, " more");
  return text;
}

Status write_json(const std::filesystem::path& path, const Json& json) {
  return write_file(path, json_text(json, 2) + "\n");
}

Status check_values(const ModelConfig& config, std::span<const WeightValues> weights,
                    std::string_view where) {
  std::map<std::string_view, const WeightValues*> given;
  for (const WeightValues& weight : weights) given.emplace(weight.spec.name, &weight);
  const std::vector<WeightSpec> specs = weight_specs(config);
  for (const WeightSpec& spec : specs) {
    const auto found = given.find(spec.name);
    if (found == given.end() || found->second->spec.shape != spec.shape)
      return invalid_argument("[", where, "] tensor ", quoted_name(spec.name), " must be given with shape ",
                              to_string(spec.shape), ", got ",
                              found == given.end() ? "none" : to_string(found->second->spec.shape),
                              "; save all weights of the config");
  }
  if (weights.size() != specs.size())
    return invalid_argument("[", where, "] the weights must be the config's ", specs.size(), ", got ",
                            weights.size(), "; save each once");
  return ok_status();
}

}  // namespace

Status check_tensors(const ModelConfig& config, const TensorFile& tensors) {
  std::vector<std::string> problems;
  size_t num_found = 0;
  const std::vector<WeightSpec> specs = weight_specs(config);
  for (const WeightSpec& spec : specs) {
    const TensorView* view = tensors.find(spec.name);
    if (view == nullptr) {
      problems.push_back(cat("tensor ", quoted_name(spec.name), " is missing"));
      continue;
    }
    ++num_found;
    if (view->shape != spec.shape)
      problems.push_back(cat("tensor ", quoted_name(spec.name), " has shape ", to_string(view->shape),
                             " instead of ", to_string(spec.shape)));
    else if (!is_float(view->type))
      problems.push_back(cat("tensor ", quoted_name(spec.name), " has type ", name_of(view->type),
                             " instead of a float type"));
  }
  if (num_found != tensors.tensors().size()) {
    std::map<std::string_view, int> expected;
    for (const WeightSpec& spec : specs) expected.emplace(spec.name, 0);
    for (const auto& [name, view] : tensors.tensors())
      if (!expected.contains(name))
        problems.push_back(cat("tensor ", quoted_name(name), " is not part of the model"));
  }
  if (problems.empty()) return ok_status();
  return invalid_argument("[", tensors.name(),
                          "] the tensors must be those of config.json, got: ", joined(problems),
                          "; check that config and weights belong together");
}

Result<Checkpoint> open_checkpoint(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  MELETE_ASSIGN_OR_RETURN(const std::string text, read_file(path, uint64_t{16} << 20));
  MELETE_ASSIGN_OR_RETURN(ModelConfig config, parse_model_config(text, path.string()));
  MELETE_ASSIGN_OR_RETURN(TensorFile tensors, TensorFile::open(folder));
  MELETE_RETURN_IF_ERROR(check_tensors(config, tensors));
  return Checkpoint{std::move(config), std::move(tensors)};
}

Status save_weights(const std::filesystem::path& folder, const ModelConfig& config,
                    std::span<const WeightValues> weights, const SaveOptions& options) {
  const std::string where = folder.string();
  if (const std::string problem = config.problem(); !problem.empty())
    return invalid_argument("[", where, "] ", problem, "; correct the config");
  if (options.type != DataType::f32 && options.type != DataType::bf16)
    return invalid_argument("[", where, "] weights must be saved as F32 or BF16, got ", name_of(options.type),
                            "; choose one");
  MELETE_RETURN_IF_ERROR(check_values(config, weights, where));
  std::vector<TensorSource> sources;
  for (const WeightValues& weight : weights)
    sources.push_back({weight.spec.name, stays_float32(weight.spec.role) ? DataType::f32 : options.type,
                       weight.spec.shape, weight.values});
  MELETE_RETURN_IF_ERROR(write_model_tensors(folder, sources, options.metadata, options.max_shard_bytes));
  Json json = to_json(config);
  json["dtype"] = options.type == DataType::bf16 ? "bfloat16" : "float32";
  return write_json(folder / "config.json", json);
}

Status save_checkpoint(const std::filesystem::path& folder, const ModelConfig& config,
                       std::span<const WeightValues> weights, const TextFiles& text,
                       const SaveOptions& options) {
  if (text.tokenizer_json.empty() || text.tokenizer_config_json.empty())
    return invalid_argument("[", folder.string(),
                            "] tokenizer.json and tokenizer_config.json must have text, got none; give both");
  MELETE_RETURN_IF_ERROR(save_weights(folder, config, weights, options));
  MELETE_RETURN_IF_ERROR(write_file(folder / "tokenizer.json", text.tokenizer_json));
  MELETE_RETURN_IF_ERROR(write_file(folder / "tokenizer_config.json", text.tokenizer_config_json));
  if (!text.chat_template_jinja.empty())
    MELETE_RETURN_IF_ERROR(write_file(folder / "chat_template.jinja", text.chat_template_jinja));
  MELETE_RETURN_IF_ERROR(write_json(folder / "generation_config.json", generation_config_json(config)));
  MELETE_RETURN_IF_ERROR(
      write_json(folder / "processor_config.json", processor_config_json(config, options.limits)));
  for (const auto& [name, json] : preprocessor_files(config, options.limits))
    MELETE_RETURN_IF_ERROR(write_json(folder / name, json));
  return ok_status();
}

}  // namespace melete
