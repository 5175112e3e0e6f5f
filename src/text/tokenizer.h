// Tokenizers by byte-pair encoding: over bytes (Sennrich et al. 1508.07909, as GPT-2), trained here or
// loaded, and over characters (SentencePiece 1808.06226: Gemma, Llama 2). Loaded from a Hugging Face
// tokenizer.json, with the ids of the `tokenizers` package, or from a GGUF vocabulary
// (text/tokenizer_vocab.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace melete {

// A part of trusted text: a special token, or text between special tokens.
struct TextPiece {
  int32_t special = -1;  // id, or -1: `text` is ordinary
  std::string text;
};

// Immutable and safe to use from many threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Text from users, files and tools: never yields a special token, whatever it spells. Any bytes are
  // accepted; with no normalizer, decode(encode(text)) == text.
  virtual std::vector<int32_t> encode(std::string_view text) const = 0;
  // Text that we wrote ourselves (templates, traces): special tokens are recognised by their spelling.
  virtual std::vector<int32_t> encode_trusted(std::string_view text) const = 0;
  // The special tokens of trusted text and the text between them; encoding the pieces is
  // encode_trusted(text).
  virtual std::vector<TextPiece> split_trusted(std::string_view text) const = 0;

  // Ids of stretches that follow each other. Text in them never yields a special token; neighbouring texts
  // are one, so that cutting text into pieces changes nothing.
  virtual std::vector<int32_t> encode_pieces(std::span<const TextPiece> pieces) const = 0;

  // The bytes of one token; a part of a UTF-8 character is possible, so streams must buffer (text/utf8.h).
  virtual std::string_view token_bytes(int32_t id) const = 0;
  // True for added tokens (control and location tokens), but for those that a file doesn't call special and
  // that are white space, HTML tags or come out of its merges anyway: they are ordinary.
  virtual bool is_special(int32_t id) const = 0;
  virtual std::optional<int32_t> special_id(std::string_view spelling) const = 0;
  // The largest id plus one.
  virtual int64_t vocab_size() const = 0;

  // Bytes of all tokens joined, special tokens by their spelling. Unknown ids give an empty piece.
  std::string decode(std::span<const int32_t> ids) const;
};

// Errors: not_found, corrupt (naming the field), invalid_argument (a kind of tokenizer that isn't supported).
Result<std::shared_ptr<const Tokenizer>> load_tokenizer(const std::filesystem::path& tokenizer_json);
Result<std::shared_ptr<const Tokenizer>> parse_tokenizer(std::string_view tokenizer_json,
                                                         std::string_view where);

// Trains on `lines` and returns the text of a tokenizer.json with `vocab_size` entries (fewer only if the
// lines have no more pairs to merge), the special tokens (text/special_tokens.h) first, then the 256 bytes,
// then merges. Digits stay single. Special tokens spelled in the lines are left out. The same counts of lines
// in any order give the same bytes. Errors: invalid_argument (vocab_size too small).
Result<std::string> train_tokenizer(const std::vector<std::string>& lines, int64_t vocab_size);

}  // namespace melete
