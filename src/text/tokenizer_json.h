// A Hugging Face tokenizer.json, read and checked: byte-level BPE, and BPE over characters with byte fallback
// (Gemma, Llama 2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer_spec.h"

namespace melete {

// Errors: corrupt naming the field (JSON, types, unknown parts, ids out of range or given twice),
// invalid_argument (a kind that isn't supported, named).
Result<TokenizerSpec> parse_tokenizer_json(std::string_view text, std::string_view where);

// The tokenizer.json of a tokenizer trained here: Qwen2's pattern (digits single), no normalizer. The first
// num_special tokens are added tokens; locations among them aren't `special`.
std::string write_tokenizer_json(const std::vector<std::string>& token_bytes, size_t num_special,
                                 const std::vector<Merge>& merges);

}  // namespace melete
