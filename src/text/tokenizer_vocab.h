// Tokenizers from the vocabulary that a GGUF file's metadata states (tokenizer.ggml.*): byte-level BPE and
// SPM (SentencePiece's BPE by scores, with byte fallback).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

namespace melete {

// GGUF's token types.
enum class TokenType : int32_t {
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5,
  byte = 6
};

// Each field is the metadata key in its comment; what a file lacks keeps its default.
struct TokenizerVocab {
  std::string model;                     // tokenizer.ggml.model: "gpt2" (byte-level BPE) or "llama" (SPM)
  std::string pre;                       // tokenizer.ggml.pre: "llama-bpe", "qwen2", "smollm", "gpt-2" ...
  std::vector<std::string> tokens;       // tokenizer.ggml.tokens, by id
  std::vector<int32_t> types;            // tokenizer.ggml.token_type, by id; empty: all normal
  std::vector<std::string> merges;       // tokenizer.ggml.merges: "LEFT RIGHT"; SPM has none
  std::vector<float> scores;             // tokenizer.ggml.scores, by id; SPM only
  int32_t bos = -1;                      // tokenizer.ggml.bos_token_id
  int32_t eos = -1;                      // tokenizer.ggml.eos_token_id
  int32_t eot = -1;                      // tokenizer.ggml.eot_token_id
  int32_t eom = -1;                      // tokenizer.ggml.eom_token_id
  int32_t unknown = -1;                  // tokenizer.ggml.unknown_token_id
  std::optional<bool> add_bos;           // tokenizer.ggml.add_bos_token; absent: SPM and llama-bpe do
  std::optional<bool> add_space_prefix;  // tokenizer.ggml.add_space_prefix; absent: SPM does
};

// `where` names the file in errors. User-defined tokens are ordinary text where they are white space, HTML
// tags or what the merges give anyway; all other special tokens come only of trusted text. Errors: corrupt
// (naming the key), invalid_argument (a model or pre-tokenizer that isn't supported, named beside those that
// are).
Result<std::shared_ptr<const Tokenizer>> make_tokenizer(const TokenizerVocab& vocab, std::string_view where);

// Whether a prompt of plain text begins with bos.
bool adds_bos(const TokenizerVocab& vocab);

}  // namespace melete
