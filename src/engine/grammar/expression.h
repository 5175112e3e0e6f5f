// Expressions: what a grammar is written in, whether it comes from a regular expression or a JSON schema.
// Trees of these, with rules that call each other by number, become an automaton over bytes (automaton.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/grammar/code_points.h"

namespace melete {

struct Expression;
using Expr = std::shared_ptr<const Expression>;

inline constexpr int64_t kUnbounded = -1;

struct Expression {
  enum class Kind {
    bytes,            // `text`, as it is
    characters,       // one character of `set`, as UTF-8
    json_characters,  // one character of `set` as it stands inside a JSON string: escaped where it must be
    sequence,         // all of `parts`, in order
    choice,           // one of `parts`
    repeat,           // parts[0], min to max times (kUnbounded)
    list,             // items between separators, see ListShape
    call              // the rule `rule`
  };
  Kind kind = Kind::bytes;
  std::string text = {};
  CodePoints set = {};
  std::vector<Expr> parts = {};
  int64_t min = 0, max = 0;
  int32_t rule = -1;
  std::vector<bool> required = {};
  bool gaps = false;
  Expr rest = nullptr, separator = nullptr;
};

// A list has the items in order, then `rest` (may be null) rest_min to rest_max times, with a separator
// between any two. An item that isn't required may be missing: with `gaps` any such item (members of an
// object), else only together with all that follows it (a tuple).
struct ListShape {
  std::vector<std::pair<Expr, bool>> items = {};  // and whether it is required
  bool gaps = false;
  Expr rest = nullptr;
  int64_t rest_min = 0, rest_max = kUnbounded;
  Expr separator = nullptr;
};

Expr bytes(std::string text);
Expr characters(CodePoints set);
Expr json_characters(CodePoints set);
Expr sequence(std::vector<Expr> parts);
Expr choice(std::vector<Expr> parts);  // of none: nothing matches
Expr repeat(Expr part, int64_t min, int64_t max);
Expr list(ListShape shape);
Expr call(int32_t rule);

inline Expr optional(Expr part) { return repeat(std::move(part), 0, 1); }

// The expression with its characters spelled as inside a JSON string. It must have no bytes, lists or calls.
Expr inside_json_string(const Expr& text);

}  // namespace melete
