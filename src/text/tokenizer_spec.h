// A tokenizer as data, read and checked: what every kind of file is turned into before it is built.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/pretokenizer.h"
#include "text/tokenizer.h"

namespace melete {

struct TokenizerSpec {
  enum class Model { byte_level, ranked_characters, scored_characters };  // text/bpe.h, text/char_bpe.h
  enum class Prefix { none, first, each };  // a space before the text, or after every special token too

  Model model = Model::byte_level;
  std::vector<std::string> token_bytes;  // by id; added tokens by their spelling; empty: unused id
  std::vector<Merge> merges;
  std::vector<float> scores;      // by id; scored_characters only
  std::vector<int32_t> fallback;  // character models: ids of the entries of single bytes (<0x0A>)
  std::vector<AddedToken> added;
  std::vector<SplitKind> steps;  // byte_level only
  Prefix prefix = Prefix::none;
  bool split_words = false;  // character models: each space begins a stretch of its own
  bool nfc = false;
  bool ignore_merges = false;
};

// Whether users may write this user-defined token: white space and HTML tags are text, not control.
bool is_ordinary_spelling(std::string_view token);

std::shared_ptr<const Tokenizer> build_tokenizer(TokenizerSpec spec);

}  // namespace melete
