// What the tests of grammars share: automata over all bytes, vocabularies of real tokenizers, and texts drawn
// at random from what the masks allow.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/random.h"
#include "engine/grammar/grammar.h"
#include "engine/grammar/grammar_workspace.h"
#include "engine/grammar/json_schema.h"
#include "engine/grammar/regex.h"

namespace melete {

inline std::shared_ptr<const Tokenizer> nano_tokenizer() {
  static const auto tokenizer =
      load_tokenizer(std::filesystem::path(MELETE_SOURCE_DIR) / "testdata/text/melete.json").value();
  return tokenizer;
}

inline std::shared_ptr<const Vocabulary> nano_vocabulary() {
  static const auto vocabulary = std::make_shared<const Vocabulary>(
      *nano_tokenizer(), std::vector<int32_t>{*nano_tokenizer()->special_id("<|eot|>")});
  return vocabulary;
}

inline std::shared_ptr<const Grammar> grammar_of(GrammarKind kind, const std::string& text) {
  auto grammar = Grammar::compile({kind, text}, nano_vocabulary());
  EXPECT_TRUE(grammar.ok()) << text << ": " << (grammar.ok() ? "" : grammar.error().message);
  return grammar.ok() ? *grammar : nullptr;
}
inline std::shared_ptr<const Grammar> schema_grammar(const std::string& schema) {
  return grammar_of(GrammarKind::json_schema, schema);
}

// The error of a source that must not compile.
inline std::string refusal(GrammarKind kind, const std::string& text) {
  const Status checked = Grammar::check({kind, text});
  EXPECT_FALSE(checked.ok()) << text;
  return checked.ok() ? "" : checked.error().message;
}

inline bool allows(std::span<const uint32_t> mask, int32_t id) {
  return static_cast<size_t>(id) / 32 < mask.size() &&
         (mask[static_cast<size_t>(id) / 32] >> (id % 32) & 1) != 0;
}

struct Written {
  std::string text;
  int64_t num_tokens = 0;  // the end token included
  bool ended = false;
};

// Draws allowed tokens until an end token; with probability `hurry` the end token as soon as it is allowed.
inline Written write_at_random(const std::shared_ptr<const Grammar>& grammar, int64_t max_tokens,
                               uint64_t seed, double hurry = 0.5) {
  GrammarConstraint constraint(grammar, max_tokens);
  Random random(seed);
  Written written;
  const int32_t end = grammar->vocabulary().end_tokens().at(0);
  while (!written.ended && written.num_tokens < max_tokens) {
    const auto mask = constraint.mask();
    std::vector<int32_t> ids;
    for (int32_t id = 0; id < static_cast<int32_t>(mask.size() * 32); ++id)
      if (allows(mask, id)) ids.push_back(id);
    EXPECT_FALSE(ids.empty()) << "nothing goes on after " << written.text;
    if (ids.empty()) break;
    int32_t id = ids[static_cast<size_t>(random.integer(0, std::ssize(ids) - 1))];
    if (allows(mask, end) && random.uniform() < hurry) id = end;
    constraint.accept(id);
    written.text += grammar->vocabulary().bytes_of(id);
    ++written.num_tokens;
    written.ended = id == end;
  }
  return written;
}

}  // namespace melete
