// `x is TEST`.
#include <unordered_map>

#include "text/jinja/builtins.h"
#include "text/jinja/text_functions.h"

namespace melete::jinja {
namespace {

const Value& other(const Arguments& arguments) { return required(arguments, 0, "other"); }

bool is_iterable(const Value& value) {
  return value.list() || value.dict() || value.text() || value.undefined();
}

bool has_case(const Value& value, bool is_upper) {
  if (!value.text()) return false;
  const std::string same = is_upper ? upper(*value.text()).str() : lower(*value.text()).str();
  const std::string swapped = is_upper ? lower(*value.text()).str() : upper(*value.text()).str();
  return same == value.text()->str() && swapped != same;
}

bool is_same(const Value& a, const Value& b) {
  if (a.text() || b.text()) return a.text() == b.text();
  if (a.list() || b.list()) return a.list() == b.list();
  if (a.dict() || b.dict()) return a.dict() == b.dict();
  if (a.boolean() || b.boolean()) return a.boolean() && b.boolean() && *a.boolean() == *b.boolean();
  return equal(a, b);
}

int64_t remainder_of(const Value& value, const Value& divisor) {
  const int64_t by = integer_of(divisor, "a divisor"), number = integer_of(value, "a number");
  if (by == 0) fail("division by zero");
  return by == -1 ? 0 : number % by;
}

using In = Interpreter&;
using V = const Value&;
using A = const Arguments&;

const std::unordered_map<std::string_view, Test>& tests() {
  static const Test kEqual = [](In in, V v, A a) { return in.charge(v.weight() / 4), equal(v, other(a)); };
  static const Test kUnequal = [](In in, V v, A a) { return in.charge(v.weight() / 4), !equal(v, other(a)); };
  static const Test kLess = [](In in, V v, A a) { return in.charge(v.weight() / 4), less(v, other(a)); };
  static const Test kGreater = [](In in, V v, A a) { return in.charge(v.weight() / 4), less(other(a), v); };
  static const Test kAtMost = [](In in, V v, A a) { return in.charge(v.weight() / 4), !less(other(a), v); };
  static const Test kAtLeast = [](In in, V v, A a) { return in.charge(v.weight() / 4), !less(v, other(a)); };
  static const std::unordered_map<std::string_view, Test> all = {
      {"defined", [](In, V v, A) { return !v.undefined(); }},
      {"undefined", [](In, V v, A) { return v.undefined() != nullptr; }},
      {"none", [](In, V v, A) { return v.is_none(); }},
      {"boolean", [](In, V v, A) { return v.boolean() != nullptr; }},
      {"true", [](In, V v, A) { return v.boolean() && *v.boolean(); }},
      {"false", [](In, V v, A) { return v.boolean() && !*v.boolean(); }},
      {"integer", [](In, V v, A) { return v.integer() != nullptr; }},
      {"float", [](In, V v, A) { return v.real() != nullptr; }},
      {"number", [](In, V v, A) { return v.is_number(); }},
      {"string", [](In, V v, A) { return v.text() != nullptr; }},
      {"mapping", [](In, V v, A) { return v.dict() != nullptr; }},
      {"iterable", [](In, V v, A) { return is_iterable(v); }},
      {"sequence", [](In, V v, A) { return is_iterable(v); }},
      {"callable", [](In, V v, A) { return v.callable() != nullptr; }},
      {"sameas", [](In, V v, A a) { return is_same(v, other(a)); }},
      {"in", [](In in, V v, A a) { return in.contains(other(a), v); }},
      {"odd", [](In, V v, A) { return remainder_of(v, Value(int64_t{2})) != 0; }},
      {"even", [](In, V v, A) { return remainder_of(v, Value(int64_t{2})) == 0; }},
      {"divisibleby", [](In, V v, A a) { return remainder_of(v, required(a, 0, "num")) == 0; }},
      {"upper", [](In, V v, A) { return has_case(v, true); }},
      {"lower", [](In, V v, A) { return has_case(v, false); }},
      {"filter", [](In, V v, A) { return v.text() && find_filter(v.text()->str()) != nullptr; }},
      {"test", [](In, V v, A) { return v.text() && find_test(v.text()->str()) != nullptr; }},
      {"equalto", kEqual},
      {"eq", kEqual},
      {"==", kEqual},
      {"ne", kUnequal},
      {"!=", kUnequal},
      {"lt", kLess},
      {"lessthan", kLess},
      {"<", kLess},
      {"gt", kGreater},
      {"greaterthan", kGreater},
      {">", kGreater},
      {"le", kAtMost},
      {"<=", kAtMost},
      {"ge", kAtLeast},
      {">=", kAtLeast},
  };
  return all;
}

}  // namespace

Test find_test(const std::string& name) {
  const auto found = tests().find(name);
  return found == tests().end() ? nullptr : found->second;
}

}  // namespace melete::jinja
