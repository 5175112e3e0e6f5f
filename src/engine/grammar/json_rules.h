// JSON's own rules as expressions: white space, strings, numbers, values (RFC 8259).
//
// What a model may write is a part of what the RFC allows, so that every text ends and every reader takes it:
// between parts nothing, one space, or a line break with up to 40 spaces; numbers of at most 18 digits before
// the point, 20 after it and 2 in the exponent; no lone surrogates; at most kMaxCallDepth levels.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "engine/grammar/automaton.h"

namespace melete {

inline constexpr int64_t kMaxIntegerDigits = 18, kMaxFractionDigits = 20;

class JsonRules {
 public:
  // Rules are added to the builder as they are needed; it outlives this object.
  explicit JsonRules(AutomatonBuilder& builder) : builder_(builder) {}

  Expr value();
  Expr object();  // any
  Expr array();   // any
  Expr string();
  Expr number();
  Expr integer();

  Expr space();             // between parts
  Expr string_character();  // one character or escape of a string
  Expr quoted(Expr characters) const { return sequence({bytes("\""), std::move(characters), bytes("\"")}); }
  // A string that is none of the names.
  Expr string_except(const std::vector<std::string>& names);

  // name, colon, value; the name is JSON already or an expression of one.
  Expr member(Expr name, Expr value);
  Expr object_of(ListShape members) { return bracketed("{", std::move(members), "}"); }
  Expr array_of(ListShape items) { return bracketed("[", std::move(items), "]"); }
  // This very value, with white space as anywhere.
  Expr literal(const Json& value);

 private:
  Expr bracketed(const char* open, ListShape shape, const char* close);
  Expr once(int32_t& rule, const char* name, Expr (JsonRules::*body)());
  Expr value_body();
  Expr object_body();
  Expr array_body();
  Expr string_body();
  Expr number_body();
  Expr space_body();
  Expr string_character_body();

  AutomatonBuilder& builder_;
  int32_t value_ = -1, object_ = -1, array_ = -1, string_ = -1, number_ = -1, space_ = -1, character_ = -1;
};

// A JSON string's text, quotes included.
std::string json_string(const std::string& text);

// [0-9], min to max times.
Expr digits(int64_t min, int64_t max);

}  // namespace melete
