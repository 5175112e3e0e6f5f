// Reads the JSON of a tokenizer file without a DOM of its vocabulary and merges, which are most of it (a
// public file has 128,000 entries and 280,000 merges).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace melete {

struct TokenizerDocument {
  nlohmann::json rest;                                      // everything but model.vocab and model.merges
  std::vector<std::pair<std::string, int64_t>> vocab;       // in file order
  std::vector<std::pair<std::string, std::string>> merges;  // both spellings: "a b" and ["a", "b"]
};

// Errors: corrupt naming the place: not JSON, nested deeper than 64, vocab or merges of a wrong type.
Result<TokenizerDocument> read_tokenizer_document(std::string_view text, std::string_view where);

}  // namespace melete
