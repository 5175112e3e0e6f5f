// Runs a parsed template. Names are looked up through scopes: a loop's body, a macro and a captured block
// have one of their own, as in Jinja.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/template.h"

namespace melete::jinja {

struct Scope {
  std::unordered_map<std::string, Value> variables;
  std::shared_ptr<Scope> parent;
};

class Interpreter {
 public:
  Interpreter(const RenderOptions& options, const Dict& variables);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  // Throws Failure.
  MarkedText run(const Body& body);

  const RenderOptions& options() const { return options_; }
  int line() const { return line_; }

  // For filters, tests, methods and functions.
  // Counts work of `bytes`; fails beyond the limit. Before anything large is made.
  void charge(size_t bytes);
  Value text(MarkedText text);
  // Appends str(value).
  void append(const Value& value, MarkedText& out);
  Value list(std::vector<Value> items, bool is_tuple = false);
  Value apply_filter(const std::string& name, const Value& value, const Arguments& arguments);
  bool apply_test(const std::string& name, const Value& value, const Arguments& arguments);
  Value call(const Value& function, const Arguments& arguments);
  Value attribute(const Value& object, const std::string& name);
  Value item(const Value& object, const Value& key);
  // What a for loop goes over; fails for what can't be gone over.
  std::vector<Value> items_of(const Value& value);
  bool contains(const Value& container, const Value& value);
  std::shared_ptr<Namespace> make_namespace();

 private:
  enum class Flow { go_on, leave, next };
  class Level;  // one level of evaluation, for as long as it lives

  Flow execute(const Body& body);
  Flow execute(const Statement& statement);
  Flow execute_branch(const Statement& statement);
  Flow execute_loop(const Statement& statement);
  std::vector<Value> loop_items(const Statement& statement);
  void execute_scope(const Statement& statement);
  void execute_capture(const Statement& statement);
  void execute_call(const Statement& statement);
  Value make_macro(const Statement& statement);
  Value call_macro(const Statement& statement, const std::shared_ptr<Scope>& scope,
                   const Arguments& arguments);
  MarkedText capture(const Body& body);
  void assign(const Target& target, Value value);
  void output(const MarkedText& text);

  Value evaluate(const Expression& expression);
  Value lookup(const std::string& name);
  Value evaluate_dict(const Expression& expression);
  Value evaluate_slice(const Expression& expression);
  Value evaluate_arithmetic(const Expression& expression);
  Value evaluate_concat(const Expression& expression);
  bool evaluate_compare(const Expression& expression);
  bool compare(const std::string& op, const Value& left, const Value& right);
  Value evaluate_filter(const Expression& expression, const Value* given);
  Value number_arithmetic(const std::string& op, const Value& left, const Value& right);
  Value sequence_arithmetic(const std::string& op, const Value& left, const Value& right);
  Value repeated(const Value& value, int64_t times);
  std::vector<Value> evaluate_all(const std::vector<ExpressionPtr>& expressions, size_t from = 0);
  Arguments evaluate_arguments(const Expression& expression, size_t from);

  const RenderOptions& options_;
  std::shared_ptr<Scope> scope_;
  MarkedText* out_ = nullptr;
  int64_t steps_ = 0;
  size_t work_ = 0;
  int depth_ = 0, line_ = 1;
  // Held until the end and emptied then: both can hold themselves.
  std::vector<std::shared_ptr<Scope>> scopes_;
  std::vector<std::shared_ptr<Namespace>> namespaces_;
};

// The registries of builtins.
using Filter = Value (*)(Interpreter&, const Value&, const Arguments&);
using Test = bool (*)(Interpreter&, const Value&, const Arguments&);
Filter find_filter(const std::string& name);                      // null: none
Test find_test(const std::string& name);                          // null: none
Value find_method(const Value& object, const std::string& name);  // undefined: none
void put_globals(Scope& scope);

Value format_text(Interpreter& in, const MarkedText& format,
                  const std::vector<Value>& values);  // the % operator

// Code points of a text, by their first bytes; the last entry is the text's size.
std::vector<size_t> character_starts(const MarkedText& text);
// Python's slice of `size` items: the indices taken.
std::vector<size_t> slice_indices(size_t size, const Value& begin, const Value& end, const Value& step);

}  // namespace melete::jinja
