// Parses expressions by recursive descent, one function a level of precedence (Jinja 3.1).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/lexer.h"

namespace melete::jinja {

class ExpressionParser {
 public:
  explicit ExpressionParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

 protected:
  // One level of nesting, for as long as it lives; fails beyond kMaxNesting.
  class Nesting {
   public:
    explicit Nesting(ExpressionParser& parser);
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    ExpressionParser& parser_;
  };

  const Token& current() const { return tokens_[pos_]; }
  const Token& ahead() const { return tokens_[std::min(pos_ + 1, tokens_.size() - 1)]; }
  Token take();
  bool is(Token::Kind kind) const { return current().kind == kind; }
  bool is(std::string_view symbol) const { return is(Token::Kind::symbol) && current().text == symbol; }
  bool is_name(std::string_view name) const { return is(Token::Kind::name) && current().text == name; }
  bool skip(std::string_view symbol);
  bool skip_name(std::string_view name);
  void expect(std::string_view symbol);
  void expect(Token::Kind kind, std::string_view shown);
  void expect_name(std::string_view name);
  std::string take_name();
  std::string shown() const;  // the current token, for errors

  [[noreturn]] void fail_here(const auto&... what) const {
    throw Failure{Failure::Kind::syntax, cat("line ", current().line, ": ", what..., ", got ", shown())};
  }

  // `with_condition`: "a if b" is one expression; off where an `if` that follows belongs to the statement.
  ExpressionPtr parse_tuple(bool with_condition = true);
  ExpressionPtr parse_expression(bool with_condition = true);
  // "| filter | filter" after `value`; `at_name`: the first one's bar is left out (a filter block).
  ExpressionPtr parse_filters(ExpressionPtr value, bool at_name = false);

 private:
  using Kind = Expression::Kind;
  using Level = ExpressionPtr (ExpressionParser::*)();

  ExpressionPtr make(Kind kind, std::string text = {}) const;
  void add(Expression& expression, ExpressionPtr operand) const;
  ExpressionPtr binary(Kind kind, std::string text, ExpressionPtr left, ExpressionPtr right) const;
  ExpressionPtr constant(Value value) const;
  ExpressionPtr parse_chain(Level next, const std::vector<std::string_view>& symbols);
  bool is_tuple_end() const;

  ExpressionPtr parse_condition();
  ExpressionPtr parse_or();
  ExpressionPtr parse_and();
  ExpressionPtr parse_not();
  ExpressionPtr parse_compare();
  ExpressionPtr parse_sum();
  ExpressionPtr parse_concat();
  ExpressionPtr parse_product();
  ExpressionPtr parse_power();
  ExpressionPtr parse_unary(bool with_filters);
  ExpressionPtr parse_filtered_unary() { return parse_unary(true); }
  ExpressionPtr parse_primary();
  ExpressionPtr parse_list();
  ExpressionPtr parse_dict();
  ExpressionPtr parse_postfix(ExpressionPtr value);
  ExpressionPtr parse_attribute(ExpressionPtr value);
  ExpressionPtr parse_subscript(ExpressionPtr value);
  ExpressionPtr parse_call(ExpressionPtr function);
  ExpressionPtr parse_test(ExpressionPtr value);
  void parse_arguments(Expression& call);

  std::vector<Token> tokens_;
  size_t pos_ = 0;
  int nesting_ = 0;
};

}  // namespace melete::jinja
