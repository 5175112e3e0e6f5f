#include "text/jinja/expression_parser.h"

#include <algorithm>

#include "text/jinja/parser.h"

namespace melete::jinja {

ExpressionParser::Nesting::Nesting(ExpressionParser& parser) : parser_(parser) {
  if (++parser.nesting_ > kMaxNesting) {
    --parser.nesting_;
    throw Failure{Failure::Kind::syntax, cat("line ", parser.current().line, ": nesting must be at most ",
                                             kMaxNesting, ", got more")};
  }
}

Token ExpressionParser::take() {
  Token token = current();
  if (pos_ + 1 < tokens_.size()) ++pos_;
  return token;
}

bool ExpressionParser::skip(std::string_view symbol) {
  if (!is(symbol)) return false;
  take();
  return true;
}

bool ExpressionParser::skip_name(std::string_view name) {
  if (!is_name(name)) return false;
  take();
  return true;
}

void ExpressionParser::expect(std::string_view symbol) {
  if (!skip(symbol)) fail_here("expected '", symbol, "'");
}

void ExpressionParser::expect(Token::Kind kind, std::string_view shown) {
  if (!is(kind)) fail_here("expected ", shown);
  take();
}

void ExpressionParser::expect_name(std::string_view name) {
  if (!skip_name(name)) fail_here("expected '", name, "'");
}

std::string ExpressionParser::take_name() {
  if (!is(Token::Kind::name)) fail_here("expected a name");
  return take().text;
}

std::string ExpressionParser::shown() const {
  switch (current().kind) {
    case Token::Kind::data: return "text";
    case Token::Kind::variable_begin: return "{{";
    case Token::Kind::variable_end: return "}}";
    case Token::Kind::block_begin: return "{%";
    case Token::Kind::block_end: return "%}";
    case Token::Kind::end: return "the end of the template";
    default: return "'" + current().text.substr(0, 80) + "'";
  }
}

ExpressionPtr ExpressionParser::make(Kind kind, std::string text) const {
  auto expression = std::make_unique<Expression>();
  expression->kind = kind;
  expression->line = current().line;
  expression->text = std::move(text);
  return expression;
}

// Long chains (a.b.c ..., a + b + ...) are deep trees too.
void ExpressionParser::add(Expression& expression, ExpressionPtr operand) const {
  if (operand) expression.depth = std::max(expression.depth, operand->depth + 1);
  if (expression.depth > 2 * kMaxNesting)
    throw Failure{Failure::Kind::syntax,
                  cat("line ", expression.line, ": an expression has too many parts in a row")};
  expression.operands.push_back(std::move(operand));
}

ExpressionPtr ExpressionParser::binary(Kind kind, std::string text, ExpressionPtr left,
                                       ExpressionPtr right) const {
  auto expression = make(kind, std::move(text));
  add(*expression, std::move(left));
  add(*expression, std::move(right));
  return expression;
}

ExpressionPtr ExpressionParser::constant(Value value) const {
  auto expression = make(Kind::constant);
  expression->value = std::move(value);
  return expression;
}

bool ExpressionParser::is_tuple_end() const {
  return is(Token::Kind::variable_end) || is(Token::Kind::block_end) || is(")");
}

ExpressionPtr ExpressionParser::parse_tuple(bool with_condition) {
  ExpressionPtr first = parse_expression(with_condition);
  if (!is(",")) return first;
  auto tuple = make(Kind::tuple);
  add(*tuple, std::move(first));
  while (skip(",") && !is_tuple_end()) add(*tuple, parse_expression(with_condition));
  return tuple;
}

ExpressionPtr ExpressionParser::parse_expression(bool with_condition) {
  const Nesting nesting(*this);
  return with_condition ? parse_condition() : parse_or();
}

ExpressionPtr ExpressionParser::parse_condition() {
  ExpressionPtr value = parse_or();
  while (skip_name("if")) {
    auto conditional = make(Kind::conditional);
    add(*conditional, parse_or());
    add(*conditional, std::move(value));
    add(*conditional, skip_name("else") ? parse_expression() : nullptr);
    value = std::move(conditional);
  }
  return value;
}

ExpressionPtr ExpressionParser::parse_or() {
  ExpressionPtr left = parse_and();
  while (skip_name("or")) left = binary(Kind::logical_or, {}, std::move(left), parse_and());
  return left;
}

ExpressionPtr ExpressionParser::parse_and() {
  ExpressionPtr left = parse_not();
  while (skip_name("and")) left = binary(Kind::logical_and, {}, std::move(left), parse_not());
  return left;
}

ExpressionPtr ExpressionParser::parse_not() {
  if (!skip_name("not")) return parse_compare();
  const Nesting nesting(*this);
  auto expression = make(Kind::logical_not);
  add(*expression, parse_not());
  return expression;
}

ExpressionPtr ExpressionParser::parse_compare() {
  auto compare = make(Kind::compare);
  add(*compare, parse_sum());
  while (true) {
    std::string op;
    for (const std::string_view symbol : {"==", "!=", "<=", ">=", "<", ">"})
      if (op.empty() && skip(symbol)) op = symbol;
    if (op.empty() && skip_name("in")) op = "in";
    if (op.empty() && is_name("not") && ahead().kind == Token::Kind::name && ahead().text == "in") {
      take(), take();
      op = "not in";
    }
    if (op.empty()) break;
    compare->operators.push_back(std::move(op));
    add(*compare, parse_sum());
  }
  return compare->operators.empty() ? std::move(compare->operands[0]) : std::move(compare);
}

ExpressionPtr ExpressionParser::parse_chain(Level next, const std::vector<std::string_view>& symbols) {
  ExpressionPtr left = (this->*next)();
  while (true) {
    const auto found =
        std::find_if(symbols.begin(), symbols.end(), [&](std::string_view s) { return is(s); });
    if (found == symbols.end()) return left;
    take();
    left = binary(Kind::arithmetic, std::string(*found), std::move(left), (this->*next)());
  }
}

ExpressionPtr ExpressionParser::parse_sum() {
  return parse_chain(&ExpressionParser::parse_concat, {"+", "-"});
}

ExpressionPtr ExpressionParser::parse_concat() {
  ExpressionPtr first = parse_product();
  if (!is("~")) return first;
  auto concat = make(Kind::concat);
  add(*concat, std::move(first));
  while (skip("~")) add(*concat, parse_product());
  return concat;
}

ExpressionPtr ExpressionParser::parse_product() {
  return parse_chain(&ExpressionParser::parse_power, {"*", "/", "//", "%"});
}

ExpressionPtr ExpressionParser::parse_power() {
  return parse_chain(&ExpressionParser::parse_filtered_unary, {"**"});
}

ExpressionPtr ExpressionParser::parse_unary(bool with_filters) {
  const Nesting nesting(*this);
  ExpressionPtr value;
  if (is("-") || is("+")) {
    value = make(take().text == "-" ? Kind::negate : Kind::plus);
    add(*value, parse_unary(false));
  } else {
    value = parse_primary();
  }
  value = parse_postfix(std::move(value));
  return with_filters ? parse_filters(std::move(value)) : std::move(value);
}

ExpressionPtr ExpressionParser::parse_primary() {
  if (is(Token::Kind::name)) {
    const std::string name = take().text;
    if (name == "true" || name == "True") return constant(true);
    if (name == "false" || name == "False") return constant(false);
    if (name == "none" || name == "None") return constant({});
    return make(Kind::name, name);
  }
  if (is(Token::Kind::string)) {
    std::string text;
    while (is(Token::Kind::string)) text += take().text;
    return constant(Value::text(std::move(text), true));
  }
  if (is(Token::Kind::integer)) return constant(take().integer);
  if (is(Token::Kind::real)) return constant(take().real);
  if (is("[")) return parse_list();
  if (is("{")) return parse_dict();
  if (!skip("(")) fail_here("expected a value");
  if (skip(")")) return make(Kind::tuple);
  ExpressionPtr inside = parse_tuple();
  expect(")");
  return inside;
}

ExpressionPtr ExpressionParser::parse_list() {
  expect("[");
  auto list = make(Kind::list);
  while (!is("]")) {
    if (!list->operands.empty()) {
      expect(",");
      if (is("]")) break;
    }
    add(*list, parse_expression());
  }
  expect("]");
  return list;
}

ExpressionPtr ExpressionParser::parse_dict() {
  expect("{");
  auto dict = make(Kind::dict);
  while (!is("}")) {
    if (!dict->operands.empty()) {
      expect(",");
      if (is("}")) break;
    }
    add(*dict, parse_expression());
    expect(":");
    add(*dict, parse_expression());
  }
  expect("}");
  return dict;
}

ExpressionPtr ExpressionParser::parse_postfix(ExpressionPtr value) {
  while (true) {
    if (is("."))
      value = parse_attribute(std::move(value));
    else if (is("["))
      value = parse_subscript(std::move(value));
    else if (is("("))
      value = parse_call(std::move(value));
    else
      return value;
  }
}

ExpressionPtr ExpressionParser::parse_attribute(ExpressionPtr value) {
  expect(".");
  if (is(Token::Kind::integer)) {
    auto index = constant(take().integer);
    return binary(Kind::item, {}, std::move(value), std::move(index));
  }
  auto attribute = make(Kind::attribute, take_name());
  add(*attribute, std::move(value));
  return attribute;
}

ExpressionPtr ExpressionParser::parse_subscript(ExpressionPtr value) {
  expect("[");
  ExpressionPtr begin = is(":") ? nullptr : parse_expression();
  if (skip("]")) return binary(Kind::item, {}, std::move(value), std::move(begin));
  auto slice = make(Kind::slice);
  add(*slice, std::move(value));
  add(*slice, std::move(begin));
  for (int part = 0; part < 2; ++part) {
    const bool is_given = part == 0 ? (expect(":"), true) : skip(":");
    add(*slice, is_given && !is("]") && !is(":") ? parse_expression() : nullptr);
  }
  expect("]");
  return slice;
}

void ExpressionParser::parse_arguments(Expression& call) {
  expect("(");
  bool is_first = true;
  while (!is(")")) {
    if (!is_first) {
      expect(",");
      if (is(")")) break;
    }
    is_first = false;
    const bool is_named = is(Token::Kind::name) && ahead().kind == Token::Kind::symbol && ahead().text == "=";
    if (!is_named) {
      if (!call.named.empty()) fail_here("named arguments must come last");
      add(call, parse_expression());
      continue;
    }
    std::string name = take_name();
    take();
    ExpressionPtr value = parse_expression();
    call.depth = std::max(call.depth, value->depth + 1);
    call.named.emplace_back(std::move(name), std::move(value));
  }
  expect(")");
}

ExpressionPtr ExpressionParser::parse_call(ExpressionPtr function) {
  auto call = make(Kind::call);
  add(*call, std::move(function));
  parse_arguments(*call);
  return call;
}

ExpressionPtr ExpressionParser::parse_filters(ExpressionPtr value, bool at_name) {
  while (true) {
    if (at_name || skip("|")) {
      at_name = false;
      auto filter = make(Kind::filter, take_name());
      add(*filter, std::move(value));
      if (is("(")) parse_arguments(*filter);
      value = std::move(filter);
    } else if (value && is_name("is")) {
      value = parse_test(std::move(value));
    } else if (value && is("(")) {
      value = parse_call(std::move(value));
    } else {
      return value;
    }
  }
}

ExpressionPtr ExpressionParser::parse_test(ExpressionPtr value) {
  expect_name("is");
  const bool is_negated = skip_name("not");
  auto test = make(Kind::test, take_name());
  add(*test, std::move(value));
  const bool has_operand = (is(Token::Kind::name) && !is_name("else") && !is_name("or") && !is_name("and") &&
                            !is_name("is") && !is_name("if") && !is_name("in") && !is_name("not")) ||
                           is(Token::Kind::string) || is(Token::Kind::integer) || is(Token::Kind::real) ||
                           is("[") || is("{");
  if (is("("))
    parse_arguments(*test);
  else if (has_operand)
    add(*test, parse_postfix(parse_primary()));
  if (!is_negated) return test;
  auto negation = make(Kind::logical_not);
  add(*negation, std::move(test));
  return negation;
}

}  // namespace melete::jinja
