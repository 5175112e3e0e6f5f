#include "engine/grammar/json_rules.h"

#include <map>
#include <memory>

#include "text/unicode.h"

namespace melete {
namespace {

constexpr int64_t kMaxIndent = 40;
// Of a name that must not be written again, so many characters are compared.
constexpr size_t kMaxComparedCharacters = 100;

struct NameTree {
  std::map<int32_t, std::unique_ptr<NameTree>> next;
  bool is_name = false;
};

void insert(NameTree& tree, std::string_view name) {
  NameTree* at = &tree;
  size_t length = 0;
  for (size_t i = 0; i < name.size() && length < kMaxComparedCharacters; ++length) {
    const Char c = char_at(name, i);
    auto& child = at->next[c.code_point];
    if (!child) child = std::make_unique<NameTree>();
    at = child.get();
    i += c.length;
  }
  // A longer name forbids all that begins as it does.
  if (length == kMaxComparedCharacters) at->next.clear();
  at->is_name = true;
}

// The characters that make, from here on, none of the tree's names. `rest`: any characters.
Expr other_names(const NameTree& tree, const Expr& rest, size_t depth = 0) {
  std::vector<Expr> ways;
  CodePoints used;
  for (const auto& [code_point, child] : tree.next) {
    used.add(code_point, code_point);
    ways.push_back(sequence(
        {json_characters(CodePoints(code_point, code_point)), other_names(*child, rest, depth + 1)}));
  }
  if (depth < kMaxComparedCharacters) ways.push_back(sequence({json_characters(used.complement()), rest}));
  if (!tree.is_name) ways.push_back(bytes(""));
  return choice(std::move(ways));
}

Expr one_of(std::string_view ascii) { return characters(CodePoints::of(ascii)); }

}  // namespace

std::string json_string(const std::string& text) { return json_text(text); }

Expr digits(int64_t min, int64_t max) { return repeat(characters(CodePoints('0', '9')), min, max); }

// The rule is made known before its body is built, since bodies call each other.
Expr JsonRules::once(int32_t& rule, const char* name, Expr (JsonRules::*body)()) {
  if (rule < 0) {
    rule = builder_.add_rule(name);
    builder_.define(rule, (this->*body)());
  }
  return call(rule);
}

Expr JsonRules::value() { return once(value_, "any value", &JsonRules::value_body); }
Expr JsonRules::object() { return once(object_, "any object", &JsonRules::object_body); }
Expr JsonRules::array() { return once(array_, "any array", &JsonRules::array_body); }
Expr JsonRules::string() { return once(string_, "any string", &JsonRules::string_body); }
Expr JsonRules::number() { return once(number_, "any number", &JsonRules::number_body); }
Expr JsonRules::space() { return once(space_, "white space", &JsonRules::space_body); }
Expr JsonRules::string_character() {
  return once(character_, "a character", &JsonRules::string_character_body);
}

Expr JsonRules::value_body() {
  return choice({object(), array(), string(), number(), bytes("true"), bytes("false"), bytes("null")});
}

Expr JsonRules::object_body() {
  ListShape members;
  members.rest = member(string(), value());
  return object_of(std::move(members));
}

Expr JsonRules::array_body() {
  ListShape items;
  items.rest = value();
  return array_of(std::move(items));
}

Expr JsonRules::space_body() {
  return optional(choice({bytes(" "), sequence({bytes("\n"), repeat(bytes(" "), 0, kMaxIndent)})}));
}

Expr JsonRules::string_character_body() {
  CodePoints plain(0x20, 0x10FFFF);
  plain = plain.without(CodePoints::of("\"\\"));
  const Expr hex = one_of("0123456789abcdefABCDEF");
  const Expr no_surrogate = choice({sequence({one_of("0123456789abcefABCEF"), hex, hex, hex}),
                                    sequence({one_of("dD"), one_of("01234567"), hex, hex})});
  const Expr pair = sequence(
      {one_of("dD"), one_of("89abAB"), hex, hex, bytes("\\u"), one_of("dD"), one_of("cdefCDEF"), hex, hex});
  return choice({characters(plain), sequence({bytes("\\"), one_of("\"\\/bfnrt")}),
                 sequence({bytes("\\u"), choice({no_surrogate, pair})})});
}

Expr JsonRules::string_body() { return quoted(repeat(string_character_body(), 0, kUnbounded)); }

Expr JsonRules::integer() {
  return sequence(
      {optional(bytes("-")),
       choice({bytes("0"), sequence({characters(CodePoints('1', '9')), digits(0, kMaxIntegerDigits - 1)})})});
}

Expr JsonRules::number_body() {
  const Expr fraction = sequence({bytes("."), digits(1, kMaxFractionDigits)});
  const Expr exponent = sequence({one_of("eE"), optional(one_of("+-")), digits(1, 2)});
  return sequence({integer(), optional(fraction), optional(exponent)});
}

Expr JsonRules::string_except(const std::vector<std::string>& names) {
  if (names.empty()) return string();
  NameTree tree;
  for (const std::string& name : names) insert(tree, name);
  CodePoints all(0, 0x10FFFF);
  return quoted(other_names(tree, repeat(json_characters(all), 0, kUnbounded)));
}

Expr JsonRules::member(Expr name, Expr value) {
  return sequence({std::move(name), bytes(":"), optional(bytes(" ")), std::move(value)});
}

Expr JsonRules::bracketed(const char* open, ListShape shape, const char* close) {
  shape.separator = sequence({bytes(","), space()});
  return sequence({bytes(open), space(), list(std::move(shape)), space(), bytes(close)});
}

Expr JsonRules::literal(const Json& value) {
  ListShape shape;
  if (value.is_object()) {
    for (const auto& [name, inner] : value.items())
      shape.items.emplace_back(member(bytes(json_string(name)), literal(inner)), true);
    return object_of(std::move(shape));
  }
  if (value.is_array()) {
    for (const Json& inner : value) shape.items.emplace_back(literal(inner), true);
    return array_of(std::move(shape));
  }
  return bytes(json_text(value));
}

}  // namespace melete
