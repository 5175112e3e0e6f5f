// Rotary frequencies as config.json and GGUF metadata describe them: plain, linearly scaled, and Llama 3's.
//
// Sources: 2104.09864; linear scaling 2306.15595; llama3: transformers' _compute_llama3_parameters.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/families/family.h"

namespace melete {

// From rope_parameters (or the older rope_theta and rope_scaling) of `object`. layer_type: for configs that
// keep one rope a kind of layer ("full_attention"), else empty. `path` and `problem`: as ConfigFields takes.
std::vector<float> read_rope_json(const nlohmann::json& object, const std::string& layer_type,
                                  int64_t head_dim, double default_theta, std::string& problem);

// From ARCH.rope.* and the tensor rope_freqs.weight, by which Llama 3's frequencies are divided. Errors:
// those of GgufFile; invalid_argument (another kind of scaling, a width that isn't the heads').
Result<std::vector<float>> read_rope_gguf(const ModelFiles& files, int64_t head_dim);

// The file's rows of heads whose neighbours (2j, 2j + 1) rotate together, in the order of halves: row s K/2 +
// j of a head is its 2j + s.
RowOrder halves_from_pairs(int64_t heads, int64_t head_dim);

}  // namespace melete
