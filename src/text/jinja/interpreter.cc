#include "text/jinja/interpreter.h"

#include <algorithm>

namespace melete::jinja {

class Interpreter::Level {
 public:
  Level(Interpreter& in, int line) : in_(in), outer_line_(in.line_) {
    in.line_ = line;
    if (++in.depth_ > in.options_.limits.depth || ++in.steps_ > in.options_.limits.steps) {
      const bool is_deep = in.depth_ > in.options_.limits.depth;
      --in.depth_;
      throw Failure{Failure::Kind::limit,
                    is_deep
                        ? cat("evaluation must nest at most ", in.options_.limits.depth, " deep, got more")
                        : cat("a template must end within ", in.options_.limits.steps, " steps, got more")};
    }
  }
  // The line stays where an exception was thrown, for its message.
  ~Level() {
    --in_.depth_;
    if (std::uncaught_exceptions() == 0) in_.line_ = outer_line_;
  }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

 private:
  Interpreter& in_;
  int outer_line_;
};

Interpreter::Interpreter(const RenderOptions& options, const Dict& variables)
    : options_(options), scope_(std::make_shared<Scope>()) {
  put_globals(*scope_);
  for (const auto& [key, value] : variables.items()) scope_->variables[key.text()->str()] = value;
  auto top = std::make_shared<Scope>();
  top->parent = scope_;
  scope_ = std::move(top);
}

Interpreter::~Interpreter() {
  for (const auto& scope : scopes_) scope->variables.clear();
  for (const auto& names : namespaces_) names->attributes.clear();
}

MarkedText Interpreter::run(const Body& body) {
  scopes_.push_back(scope_);
  MarkedText out;
  out_ = &out;
  execute(body);
  return out;
}

void Interpreter::charge(size_t bytes) {
  work_ = bytes > options_.limits.work_bytes ? options_.limits.work_bytes + 1 : work_ + bytes;
  if (work_ > options_.limits.work_bytes)
    throw Failure{Failure::Kind::limit, cat("a template must make at most ", options_.limits.work_bytes,
                                            " bytes of values, got more")};
}

Value Interpreter::text(MarkedText text) {
  charge(text.size() + sizeof(Value));
  return Value(std::move(text));
}

Value Interpreter::list(std::vector<Value> items, bool is_tuple) {
  charge((items.size() + 2) * sizeof(Value));
  return Value::list(std::move(items), is_tuple);
}

void Interpreter::append(const Value& value, MarkedText& out) {
  charge(value.weight());
  append_str(value, out);
}

std::shared_ptr<Namespace> Interpreter::make_namespace() {
  namespaces_.push_back(std::make_shared<Namespace>());
  return namespaces_.back();
}

void Interpreter::output(const MarkedText& text) {
  charge(text.size());
  out_->append(text);
  if (out_->size() > options_.limits.output_bytes)
    throw Failure{Failure::Kind::limit,
                  cat("a template must write at most ", options_.limits.output_bytes, " bytes, got more")};
}

Interpreter::Flow Interpreter::execute(const Body& body) {
  for (const auto& statement : body)
    if (const Flow flow = execute(*statement); flow != Flow::go_on) return flow;
  return Flow::go_on;
}

Interpreter::Flow Interpreter::execute(const Statement& statement) {
  const Level level(*this, statement.line);
  using Kind = Statement::Kind;
  switch (statement.kind) {
    case Kind::data: output(MarkedText(statement.text, true)); break;
    case Kind::output: {
      MarkedText text;
      append(evaluate(*statement.value), text);
      output(text);
      break;
    }
    case Kind::branch: return execute_branch(statement);
    case Kind::loop: return execute_loop(statement);
    case Kind::assign: assign(statement.target, evaluate(*statement.value)); break;
    case Kind::capture: execute_capture(statement); break;
    case Kind::macro: scope_->variables[statement.text] = make_macro(statement); break;
    case Kind::call: execute_call(statement); break;
    case Kind::filtered: {
      const Value body = text(capture(statement.bodies[0]));
      MarkedText filtered;
      append(evaluate_filter(*statement.value, &body), filtered);
      output(filtered);
      break;
    }
    case Kind::scope: execute_scope(statement); break;
    case Kind::plain: return execute(statement.bodies[0]);
    case Kind::leave: return Flow::leave;
    case Kind::next: return Flow::next;
  }
  return Flow::go_on;
}

Interpreter::Flow Interpreter::execute_branch(const Statement& statement) {
  for (size_t i = 0; i < statement.conditions.size(); ++i)
    if (evaluate(*statement.conditions[i]).is_truthy()) return execute(statement.bodies[i]);
  return statement.bodies.size() > statement.conditions.size() ? execute(statement.bodies.back())
                                                               : Flow::go_on;
}

namespace {

// A scope of its own inside `current`, until it goes.
class InnerScope {
 public:
  InnerScope(std::shared_ptr<Scope>& current, std::shared_ptr<Scope> parent)
      : current_(current), outer_(current) {
    auto inner = std::make_shared<Scope>();
    inner->parent = std::move(parent);
    current_ = std::move(inner);
  }
  ~InnerScope() { current_ = outer_; }
  InnerScope(const InnerScope&) = delete;
  InnerScope& operator=(const InnerScope&) = delete;

 private:
  std::shared_ptr<Scope>& current_;
  std::shared_ptr<Scope> outer_;
};

}  // namespace

std::vector<Value> Interpreter::loop_items(const Statement& statement) {
  std::vector<Value> items = items_of(evaluate(*statement.value));
  if (!statement.condition) return items;
  std::vector<Value> kept;
  for (Value& item : items) {
    const InnerScope inner(scope_, scope_);
    assign(statement.target, item);
    if (evaluate(*statement.condition).is_truthy()) kept.push_back(std::move(item));
  }
  return kept;
}

Interpreter::Flow Interpreter::execute_loop(const Statement& statement) {
  auto loop = std::make_shared<Loop>();
  loop->items = loop_items(statement);
  if (loop->items.empty()) return statement.bodies.size() > 1 ? execute(statement.bodies[1]) : Flow::go_on;
  for (; loop->index < loop->items.size(); ++loop->index) {
    const InnerScope inner(scope_, scope_);
    scope_->variables["loop"] = Value(loop);
    assign(statement.target, loop->items[loop->index]);
    if (execute(statement.bodies[0]) == Flow::leave) break;
  }
  return Flow::go_on;
}

void Interpreter::execute_scope(const Statement& statement) {
  const InnerScope inner(scope_, scope_);
  for (size_t i = 0; i < statement.conditions.size(); ++i)
    assign(statement.target.parts[i], evaluate(*statement.conditions[i]));
  execute(statement.bodies[0]);
}

MarkedText Interpreter::capture(const Body& body) {
  const InnerScope inner(scope_, scope_);
  MarkedText captured;
  struct Restore {
    MarkedText*& out;
    MarkedText* outer;
    ~Restore() { out = outer; }
  };
  const Restore restore{out_, std::exchange(out_, &captured)};
  execute(body);
  return captured;
}

void Interpreter::execute_capture(const Statement& statement) {
  Value captured = text(capture(statement.bodies[0]));
  if (statement.value) captured = evaluate_filter(*statement.value, &captured);
  assign(statement.target, std::move(captured));
}

void Interpreter::execute_call(const Statement& statement) {
  const Value function = evaluate(*statement.value->operands[0]);
  Arguments arguments = evaluate_arguments(*statement.value, 1);
  arguments.named.emplace_back("caller", make_macro(statement));
  MarkedText result;
  append(call(function, arguments), result);
  output(result);
}

Value Interpreter::make_macro(const Statement& statement) {
  scopes_.push_back(scope_);
  const auto call = [&statement, scope = std::weak_ptr<Scope>(scope_)](Interpreter& in,
                                                                       const Arguments& arguments) {
    return in.call_macro(statement, scope.lock(), arguments);
  };
  return Value::function(statement.text.empty() ? "caller" : statement.text, call);
}

Value Interpreter::call_macro(const Statement& statement, const std::shared_ptr<Scope>& scope,
                              const Arguments& arguments) {
  if (arguments.positional.size() > statement.parameters.size())
    fail("macro '", statement.text, "' takes ", statement.parameters.size(), " arguments, got ",
         arguments.positional.size());
  const InnerScope inner(scope_, scope);
  for (const auto& argument : arguments.named) {
    const auto& name = argument.first;
    const bool is_known =
        name == "caller" || std::any_of(statement.parameters.begin(), statement.parameters.end(),
                                        [&](const Parameter& p) { return p.name == name; });
    if (!is_known) fail("macro '", statement.text, "' has no argument '", name, "'");
    scope_->variables[name] = argument.second;
  }
  for (size_t i = 0; i < statement.parameters.size(); ++i) {
    const Parameter& parameter = statement.parameters[i];
    if (i < arguments.positional.size())
      scope_->variables[parameter.name] = arguments.positional[i];
    else if (!scope_->variables.contains(parameter.name))
      scope_->variables[parameter.name] =
          parameter.fallback ? evaluate(*parameter.fallback) : Value(Undefined{parameter.name});
  }
  return text(capture(statement.bodies[0]));
}

void Interpreter::assign(const Target& target, Value value) {
  if (!target.parts.empty()) {
    const std::vector<Value> items = items_of(value);
    if (items.size() != target.parts.size())
      fail("an assignment to ", target.parts.size(), " names needs as many values, got ", items.size());
    for (size_t i = 0; i < items.size(); ++i) assign(target.parts[i], items[i]);
  } else if (target.object.empty()) {
    scope_->variables[target.name] = std::move(value);
  } else {
    Namespace* names = lookup(target.object).names();
    if (!names) fail("'", target.object, "' must be a namespace to set '", target.name, "'");
    names->attributes[target.name] = std::move(value);
  }
}

Value Interpreter::call(const Value& function, const Arguments& arguments) {
  if (const Callable* callable = function.callable()) return callable->call(*this, arguments);
  if (const Undefined* missing = function.undefined()) fail("'", missing->name, "' is undefined");
  fail("a ", function.type_name(), " can't be called");
}

Value Interpreter::apply_filter(const std::string& name, const Value& value, const Arguments& arguments) {
  const Filter filter = find_filter(name);
  if (!filter) fail("there is no filter '", name, "'");
  return filter(*this, value, arguments);
}

bool Interpreter::apply_test(const std::string& name, const Value& value, const Arguments& arguments) {
  const Test test = find_test(name);
  if (!test) fail("there is no test '", name, "'");
  return test(*this, value, arguments);
}

Value Interpreter::evaluate_filter(const Expression& expression, const Value* given) {
  const Expression* inner = expression.operands[0].get();
  Value value = !inner                                             ? *given
                : inner->kind == Expression::Kind::filter && given ? evaluate_filter(*inner, given)
                                                                   : evaluate(*inner);
  return apply_filter(expression.text, value, evaluate_arguments(expression, 1));
}

std::vector<Value> Interpreter::evaluate_all(const std::vector<ExpressionPtr>& expressions, size_t from) {
  std::vector<Value> values;
  for (size_t i = from; i < expressions.size(); ++i) values.push_back(evaluate(*expressions[i]));
  return values;
}

Arguments Interpreter::evaluate_arguments(const Expression& expression, size_t from) {
  Arguments arguments;
  arguments.positional = evaluate_all(expression.operands, from);
  for (const auto& [name, value] : expression.named) arguments.named.emplace_back(name, evaluate(*value));
  return arguments;
}

Value Interpreter::evaluate_arithmetic(const Expression& expression) {
  const Value left = evaluate(*expression.operands[0]), right = evaluate(*expression.operands[1]);
  return left.is_number() && right.is_number() ? number_arithmetic(expression.text, left, right)
                                               : sequence_arithmetic(expression.text, left, right);
}

Value Interpreter::evaluate(const Expression& expression) {
  const Level level(*this, expression.line);
  const auto operand = [&](size_t i) { return evaluate(*expression.operands[i]); };
  using Kind = Expression::Kind;
  switch (expression.kind) {
    case Kind::constant: return expression.value;
    case Kind::name: return lookup(expression.text);
    case Kind::list: return list(evaluate_all(expression.operands));
    case Kind::tuple: return list(evaluate_all(expression.operands), true);
    case Kind::dict: return evaluate_dict(expression);
    case Kind::attribute: return attribute(operand(0), expression.text);
    case Kind::item: {
      const Value object = operand(0);
      return item(object, operand(1));
    }
    case Kind::slice: return evaluate_slice(expression);
    case Kind::call: {
      const Value function = operand(0);
      return call(function, evaluate_arguments(expression, 1));
    }
    case Kind::filter: return evaluate_filter(expression, nullptr);
    case Kind::test: {
      const Value value = operand(0);
      return apply_test(expression.text, value, evaluate_arguments(expression, 1));
    }
    case Kind::negate: return number_arithmetic("-", Value(int64_t{0}), operand(0));
    case Kind::plus: return number_arithmetic("+", Value(int64_t{0}), operand(0));
    case Kind::logical_not: return !operand(0).is_truthy();
    case Kind::logical_and: {
      Value left = operand(0);
      return left.is_truthy() ? operand(1) : left;
    }
    case Kind::logical_or: {
      Value left = operand(0);
      return left.is_truthy() ? left : operand(1);
    }
    case Kind::arithmetic: return evaluate_arithmetic(expression);
    case Kind::concat: return evaluate_concat(expression);
    case Kind::compare: return evaluate_compare(expression);
    case Kind::conditional:
      if (operand(0).is_truthy()) return operand(1);
      return expression.operands[2] ? operand(2)
                                    : Value(Undefined{"the inline if-expression without an else"});
  }
  return {};
}

}  // namespace melete::jinja
