#include "engine/families/rope.h"

#include <cmath>
#include <numbers>

#include "model/config_fields.h"

namespace melete {
namespace {

void divide(std::vector<float>& frequencies, double factor) {
  for (float& f : frequencies) f = static_cast<float>(f / factor);
}

// Long waves are stretched by `factor`, short ones kept, and those between mixed.
void scale_as_llama3(std::vector<float>& frequencies, double factor, double low, double high,
                     double context) {
  for (float& f : frequencies) {
    const double wave = 2 * std::numbers::pi / f;
    if (wave < context / high) continue;
    const double smooth = wave > context / low ? 0 : (context / wave - low) / (high - low);
    f = static_cast<float>((1 - smooth) * f / factor + smooth * f);
  }
}

// `object` states the type and its numbers; theta may stand in it or outside.
std::vector<float> frequencies_of(const nlohmann::json& object, const std::string& path, int64_t head_dim,
                                  double theta, std::string& problem) {
  ConfigFields f(object, path, problem);
  theta = f.number("rope_theta", theta);
  f.require("partial_rotary_factor", 1.0);
  if (!(theta >= 1 && theta <= 1e12)) f.wrong("rope_theta", "between 1 and 1e12", theta);
  const char* key = f.find("rope_type") != nullptr ? "rope_type" : "type";
  const nlohmann::json* type = f.given(key);
  std::vector<float> frequencies = rope_frequencies(head_dim, theta);
  if (type == nullptr || *type == "default") return frequencies;
  const double factor = f.number("factor", 1);
  if (!(factor >= 1e-3 && factor <= 1e6)) f.wrong("factor", "between 0.001 and 1e6", factor);
  if (*type == "linear") {
    divide(frequencies, factor);
  } else if (*type == "llama3") {
    const double low = f.number("low_freq_factor", 1), high = f.number("high_freq_factor", 4);
    const double context = f.number("original_max_position_embeddings", 8192);
    if (!(low > 0 && high > low && context > 0))
      f.wrong("high_freq_factor", "above low_freq_factor, both and the original context above 0", high);
    else
      scale_as_llama3(frequencies, factor, low, high, context);
  } else {
    f.wrong(key, "\"default\", \"linear\" or \"llama3\"", *type);
  }
  return frequencies;
}

nlohmann::json object_or_empty(ConfigFields& fields, const char* name) {
  const nlohmann::json* value = fields.given(name);
  if (value == nullptr) return nlohmann::json::object();
  if (value->is_object()) return *value;
  fields.wrong(name, "an object", *value);
  return nlohmann::json::object();
}

}  // namespace

std::vector<float> read_rope_json(const nlohmann::json& object, const std::string& layer_type,
                                  int64_t head_dim, double default_theta, std::string& problem) {
  ConfigFields top(object, "", problem);
  top.require("partial_rotary_factor", 1.0);
  const double theta = top.number("rope_theta", default_theta);
  if (top.given("rope_parameters") == nullptr)
    return frequencies_of(object_or_empty(top, "rope_scaling"), "rope_scaling.", head_dim, theta, problem);
  const nlohmann::json parameters = object_or_empty(top, "rope_parameters");
  if (layer_type.empty() || !parameters.contains(layer_type))
    return frequencies_of(parameters, "rope_parameters.", head_dim, theta, problem);
  ConfigFields kinds(parameters, "rope_parameters.", problem);
  return frequencies_of(object_or_empty(kinds, layer_type.c_str()), cat("rope_parameters.", layer_type, "."),
                        head_dim, theta, problem);
}

Result<std::vector<float>> read_rope_gguf(const ModelFiles& files, int64_t head_dim) {
  const GgufFile& gguf = *files.gguf;
  const std::string p = files.architecture + ".rope.";
  MELETE_ASSIGN_OR_RETURN(const double theta, gguf.number(p + "freq_base", 10000));
  MELETE_ASSIGN_OR_RETURN(const int64_t rotated, gguf.integer(p + "dimension_count", head_dim));
  MELETE_ASSIGN_OR_RETURN(const std::string type, gguf.text(p + "scaling.type", "linear"));
  MELETE_ASSIGN_OR_RETURN(const double old_factor, gguf.number(p + "scale_linear", 1));
  MELETE_ASSIGN_OR_RETURN(const double factor, gguf.number(p + "scaling.factor", old_factor));
  std::string problem;
  if (!(theta >= 1 && theta <= 1e12)) problem = cat("freq_base must be between 1 and 1e12, got ", theta);
  if (rotated != head_dim)
    problem = cat("dimension_count must be the heads' width of ", head_dim, ", got ", rotated);
  if (type != "none" && type != "linear")
    problem = cat("scaling.type must be \"none\" or \"linear\", got ", quoted_name(type));
  if (!(factor >= 1e-3 && factor <= 1e6))
    problem = cat("scaling.factor must be between 0.001 and 1e6, got ", factor);
  if (!problem.empty())
    return invalid_argument("[", gguf.name(), "] ", p, problem, "; this model can't be computed here");
  std::vector<float> frequencies = rope_frequencies(head_dim, theta);
  if (type == "linear") divide(frequencies, factor);
  if (files.tensors.find("rope_freqs.weight") == nullptr) return frequencies;
  std::vector<float> divisors(frequencies.size());
  MELETE_RETURN_IF_ERROR(files.tensors.copy_floats("rope_freqs.weight", divisors));
  for (size_t i = 0; i < frequencies.size(); ++i) {
    if (!(divisors[i] >= 1e-3f && divisors[i] <= 1e6f))
      return corrupt("[", gguf.name(), "] rope_freqs.weight must hold factors between 0.001 and 1e6, got ",
                     divisors[i], "; take another file");
    frequencies[i] /= divisors[i];
  }
  return frequencies;
}

RowOrder halves_from_pairs(int64_t heads, int64_t head_dim) {
  RowOrder order;
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t s = 0; s < 2; ++s)
      for (int64_t j = 0; j < head_dim / 2; ++j) order.push_back(h * head_dim + 2 * j + s);
  return order;
}

}  // namespace melete
