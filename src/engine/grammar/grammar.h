// Constrained decoding: what a model may write is held to a JSON schema or a regular expression, token by
// token.
//
//   auto vocabulary = std::make_shared<const Vocabulary>(tokenizer, stop_tokens);
//   auto grammar = Grammar::compile({GrammarKind::regex, "[0-9]+"}, vocabulary);
//   sampling.constraint = std::make_shared<GrammarConstraint>(*grammar, max_tokens);
//
// Promises: the text of the tokens is always a beginning of some text of the grammar; an end token is allowed
// exactly where the text is complete; special tokens never stand inside; with a budget of at least
// shortest_tokens() + 1, the text is complete and ended within the budget. The mask is a function of the text
// so far and the budget left, whatever else runs.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "engine/engine.h"
#include "engine/grammar/vocabulary.h"

namespace melete {

enum class GrammarKind {
  json_schema,  // text: the schema (json_schema.h says what it may have)
  regex,        // text: the expression (regex.h), which the whole answer matches
  json_object,  // any JSON object
  json          // any JSON value
};

struct GrammarSource {
  GrammarKind kind = GrammarKind::json;
  std::string text = {};
};

class GrammarWorkspace;

// Safe to use from many threads.
class Grammar {
 public:
  // Errors: invalid_argument (naming the keyword and its place, or the construct), exhausted (too large).
  static Result<std::shared_ptr<const Grammar>> compile(const GrammarSource& source,
                                                        std::shared_ptr<const Vocabulary> vocabulary);
  // Whether it compiles with a vocabulary that has every byte: the same errors, before a model is there.
  static Status check(const GrammarSource& source);

  Grammar(std::shared_ptr<const Automaton> automaton, std::shared_ptr<const Vocabulary> vocabulary);

  const Vocabulary& vocabulary() const { return *vocabulary_; }
  // Tokens of a short complete text: a budget that is always enough, but for the end token.
  int64_t shortest_tokens() const;
  // Whether the whole text is of the grammar.
  bool matches(std::string_view text) const;

 private:
  friend class GrammarConstraint;

  // A workspace with room. Those that hold the last one, which is full, go on with this one.
  std::shared_ptr<GrammarWorkspace> workspace() const;

  std::shared_ptr<const Automaton> automaton_;
  std::shared_ptr<const Vocabulary> vocabulary_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<GrammarWorkspace> workspace_;
};

class GrammarConstraint : public TokenConstraint {
 public:
  // max_tokens: the budget, the end token included. Near its end only tokens are allowed from which the text
  // can still be completed.
  GrammarConstraint(std::shared_ptr<const Grammar> grammar, int64_t max_tokens);

  std::span<const uint32_t> mask() override;
  void accept(int32_t id) override;  // a token that the mask allows, else Bug
  std::unique_ptr<TokenConstraint> clone() const override {
    return std::make_unique<GrammarConstraint>(*this);
  }

  // Reads a text that stands already; false, with nothing changed, if the grammar doesn't go that way.
  bool accept_text(std::string_view text);
  bool is_complete() const;

 private:
  void take_room();

  std::shared_ptr<const Grammar> grammar_;
  std::shared_ptr<GrammarWorkspace> workspace_;
  int32_t state_ = 0;
  int64_t tokens_left_ = 0;
  bool ended_ = false;
  std::shared_ptr<const MaskWords> mask_;
};

}  // namespace melete
