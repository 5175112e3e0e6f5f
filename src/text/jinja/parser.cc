#include "text/jinja/parser.h"

#include "text/jinja/expression_parser.h"

namespace melete::jinja {
namespace {

// Statements; expressions are the base class's.
class Parser : public ExpressionParser {
 public:
  using ExpressionParser::ExpressionParser;

  Body parse_all() {
    Body body = parse_body({});
    return body;
  }

 private:
  using Kind = Token::Kind;
  using Names = std::vector<std::string_view>;

  // Statements up to a tag that begins with one of `ends`, whose name is then the current token; or up to the
  // end of the source if there are none.
  Body parse_body(const Names& ends) {
    const Nesting nesting(*this);
    Body body;
    while (!is(Kind::end)) {
      if (is(Kind::data)) {
        auto statement = make(Statement::Kind::data);
        statement->text = take().text;
        body.push_back(std::move(statement));
      } else if (is(Kind::variable_begin)) {
        take();
        auto statement = make(Statement::Kind::output);
        statement->value = parse_tuple();
        expect(Kind::variable_end, "}}");
        body.push_back(std::move(statement));
      } else {
        take();
        for (const std::string_view end : ends)
          if (is_name(end)) return body;
        body.push_back(parse_statement());
      }
    }
    if (!ends.empty()) fail_here("a block must end with {% ", ends.back(), " %}");
    return body;
  }

  // A body and the end of its tag {% end %}.
  Body parse_until(std::string_view end) {
    expect(Kind::block_end, "%}");
    Body body = parse_body({end});
    take();
    expect(Kind::block_end, "%}");
    return body;
  }

  std::unique_ptr<Statement> make(Statement::Kind kind) const {
    auto statement = std::make_unique<Statement>();
    statement->kind = kind;
    statement->line = current().line;
    return statement;
  }

  std::unique_ptr<Statement> parse_statement() {
    if (!is(Kind::name)) fail_here("a tag must begin with a statement's name");
    const std::string name = take().text;
    if (name == "if") return parse_if();
    if (name == "for") return parse_for();
    if (name == "set") return parse_set();
    if (name == "macro") return parse_macro();
    if (name == "call") return parse_call_block();
    if (name == "filter") return parse_filter_block();
    if (name == "with") return parse_with();
    if (name == "generation") return parse_generation();
    if (name == "break" || name == "continue") {
      if (num_loops_ == 0) fail_here("{% ", name, " %} must stand in a loop");
      auto statement = make(name == "break" ? Statement::Kind::leave : Statement::Kind::next);
      expect(Kind::block_end, "%}");
      return statement;
    }
    fail_here("statement '", name,
              "' isn't one of if, for, set, macro, call, filter, with, generation, break, continue");
  }

  std::unique_ptr<Statement> parse_if() {
    auto statement = make(Statement::Kind::branch);
    bool is_last = false;
    do {
      if (!is_last) statement->conditions.push_back(parse_tuple());
      expect(Kind::block_end, "%}");
      statement->bodies.push_back(is_last ? parse_body({"endif"}) : parse_body({"elif", "else", "endif"}));
      is_last = is_name("else");
    } while (take().text != "endif");
    expect(Kind::block_end, "%}");
    return statement;
  }

  std::unique_ptr<Statement> parse_for() {
    auto statement = make(Statement::Kind::loop);
    statement->target = parse_target(false);
    expect_name("in");
    statement->value = parse_tuple(false);
    if (skip_name("if")) statement->condition = parse_expression();
    if (is_name("recursive")) fail_here("recursive loops aren't supported");
    expect(Kind::block_end, "%}");
    ++num_loops_;
    statement->bodies.push_back(parse_body({"else", "endfor"}));
    --num_loops_;
    if (take().text == "else") {
      statement->bodies.push_back(parse_until("endfor"));
      return statement;
    }
    expect(Kind::block_end, "%}");
    return statement;
  }

  std::unique_ptr<Statement> parse_set() {
    auto statement = make(Statement::Kind::assign);
    statement->target = parse_target(true);
    if (skip("=")) {
      statement->value = parse_tuple();
      expect(Kind::block_end, "%}");
      return statement;
    }
    statement->kind = Statement::Kind::capture;
    if (is("|")) statement->value = parse_filters(nullptr);
    statement->bodies.push_back(parse_inner("endset"));
    return statement;
  }

  // A body that loop controls of an outer loop can't leave.
  Body parse_inner(std::string_view end) {
    const int outer = std::exchange(num_loops_, 0);
    Body body = parse_until(end);
    num_loops_ = outer;
    return body;
  }

  Target parse_target(bool with_attributes) {
    const bool in_brackets = skip("(");
    Target target;
    bool is_tuple = false;
    do {
      if (in_brackets ? is(")") : !is(Kind::name)) break;
      Target part;
      part.name = take_name();
      if (with_attributes && skip(".")) {
        part.object = std::exchange(part.name, {});
        part.name = take_name();
      }
      target.parts.push_back(std::move(part));
    } while (skip(",") && (is_tuple = true));
    if (in_brackets) expect(")");
    if (target.parts.empty()) fail_here("an assignment must name what it sets");
    if (is_tuple) return target;
    Target only = std::move(target.parts[0]);
    return only;
  }

  void parse_parameters(Statement& statement) {
    expect("(");
    while (!is(")")) {
      if (!statement.parameters.empty()) {
        expect(",");
        if (is(")")) break;
      }
      Parameter parameter;
      parameter.name = take_name();
      if (skip("=")) parameter.fallback = parse_expression();
      statement.parameters.push_back(std::move(parameter));
    }
    expect(")");
  }

  std::unique_ptr<Statement> parse_macro() {
    auto statement = make(Statement::Kind::macro);
    statement->text = take_name();
    parse_parameters(*statement);
    statement->bodies.push_back(parse_inner("endmacro"));
    return statement;
  }

  std::unique_ptr<Statement> parse_call_block() {
    auto statement = make(Statement::Kind::call);
    if (is("(")) parse_parameters(*statement);
    statement->value = parse_expression();
    if (statement->value->kind != Expression::Kind::call) fail_here("{% call %} must call a macro");
    statement->bodies.push_back(parse_inner("endcall"));
    return statement;
  }

  std::unique_ptr<Statement> parse_filter_block() {
    auto statement = make(Statement::Kind::filtered);
    statement->value = parse_filters(nullptr, true);
    statement->bodies.push_back(parse_inner("endfilter"));
    return statement;
  }

  std::unique_ptr<Statement> parse_with() {
    auto statement = make(Statement::Kind::scope);
    while (!is(Kind::block_end)) {
      if (!statement->target.parts.empty()) expect(",");
      statement->target.parts.push_back(parse_target(false));
      expect("=");
      statement->conditions.push_back(parse_expression());
    }
    statement->bodies.push_back(parse_until("endwith"));
    return statement;
  }

  std::unique_ptr<Statement> parse_generation() {
    auto statement = make(Statement::Kind::plain);
    statement->bodies.push_back(parse_inner("endgeneration"));
    return statement;
  }

  int num_loops_ = 0;
};

}  // namespace

Body parse(std::string_view source) { return Parser(tokenize(source)).parse_all(); }

}  // namespace melete::jinja
