// A Hugging Face tokenizer.json of the byte-level BPE kind, read and checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/pretokenizer.h"

namespace melete {

struct TokenizerSpec {
  std::vector<std::string> token_bytes;  // by id; added tokens by their spelling; empty: unused id
  std::vector<Merge> merges;
  std::vector<AddedToken> added;
  std::vector<SplitKind> steps;
  bool nfc = false;
  bool add_prefix_space = false;
  bool ignore_merges = false;
};

// Errors: corrupt naming the field (JSON, types, unknown parts, ids out of range or given twice),
// invalid_argument (a kind that isn't supported, named).
Result<TokenizerSpec> parse_tokenizer_json(std::string_view text, std::string_view where);

// The tokenizer.json of a tokenizer trained here: Qwen2's pattern (digits single), no normalizer. The first
// num_special tokens are added tokens; locations among them aren't `special`.
std::string write_tokenizer_json(const std::vector<std::string>& token_bytes, size_t num_special,
                                 const std::vector<Merge>& merges);

}  // namespace melete
