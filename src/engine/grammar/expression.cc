#include "engine/grammar/expression.h"

#include "base/check.h"

namespace melete {
namespace {

Expr make(Expression e) { return std::make_shared<const Expression>(std::move(e)); }

}  // namespace

Expr bytes(std::string text) { return make({.kind = Expression::Kind::bytes, .text = std::move(text)}); }

Expr characters(CodePoints set) {
  return make({.kind = Expression::Kind::characters, .set = std::move(set)});
}

Expr json_characters(CodePoints set) {
  return make({.kind = Expression::Kind::json_characters, .set = std::move(set)});
}

Expr sequence(std::vector<Expr> parts) {
  if (parts.size() == 1) return parts[0];
  return make({.kind = Expression::Kind::sequence, .parts = std::move(parts)});
}

Expr choice(std::vector<Expr> parts) {
  if (parts.size() == 1) return parts[0];
  return make({.kind = Expression::Kind::choice, .parts = std::move(parts)});
}

Expr repeat(Expr part, int64_t min, int64_t max) {
  if (min == 1 && max == 1) return part;
  return make({.kind = Expression::Kind::repeat, .parts = {std::move(part)}, .min = min, .max = max});
}

Expr list(ListShape shape) {
  Expression e{.kind = Expression::Kind::list, .min = shape.rest_min, .max = shape.rest_max};
  for (auto& [item, is_required] : shape.items) {
    e.parts.push_back(std::move(item));
    e.required.push_back(is_required);
  }
  e.gaps = shape.gaps;
  e.rest = std::move(shape.rest);
  e.separator = std::move(shape.separator);
  return make(std::move(e));
}

Expr call(int32_t rule) { return make({.kind = Expression::Kind::call, .rule = rule}); }

Expr inside_json_string(const Expr& text) {
  using Kind = Expression::Kind;
  Expression copy = *text;
  MELETE_CHECK(copy.kind != Kind::bytes && copy.kind != Kind::list && copy.kind != Kind::call);
  if (copy.kind == Kind::characters) copy.kind = Kind::json_characters;
  for (Expr& part : copy.parts) part = inside_json_string(part);
  return make(std::move(copy));
}

}  // namespace melete
