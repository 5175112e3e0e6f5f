// Names, attributes, items and operators.
#include <algorithm>
#include <cmath>

#include "text/jinja/interpreter.h"
#include "text/unicode.h"

namespace melete::jinja {
namespace {

[[noreturn]] void fail_operands(const std::string& op, const Value& left, const Value& right) {
  for (const Value* side : {&left, &right})
    if (const Undefined* missing = side->undefined()) fail("'", missing->name, "' is undefined");
  fail("'", op, "' can't join ", left.type_name(), " and ", right.type_name());
}

int64_t checked(bool overflows, const int64_t& value) {  // by reference: read after the operation
  if (overflows) fail("an integer must fit 64 bits");
  return value;
}

int64_t floor_divide(int64_t a, int64_t b) {
  if (b == 0) fail("division by zero");
  if (b == -1) {
    int64_t result = 0;
    return checked(__builtin_sub_overflow(int64_t{0}, a, &result), result);
  }
  return a / b - ((a % b != 0) && ((a < 0) != (b < 0)));
}

int64_t integer_power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (exponent > 0) {
    if (exponent & 1) result = checked(__builtin_mul_overflow(result, base, &result), result);
    exponent >>= 1;
    if (exponent > 0) base = checked(__builtin_mul_overflow(base, base, &base), base);
  }
  return result;
}

Value loop_attribute(const std::shared_ptr<Loop>& loop, const std::string& name) {
  const auto index = static_cast<int64_t>(loop->index), size = static_cast<int64_t>(loop->items.size());
  if (name == "index") return index + 1;
  if (name == "index0") return index;
  if (name == "revindex") return size - index;
  if (name == "revindex0") return size - index - 1;
  if (name == "first") return index == 0;
  if (name == "last") return index + 1 == size;
  if (name == "length") return size;
  if (name == "depth") return int64_t{loop->depth};
  if (name == "depth0") return int64_t{loop->depth - 1};
  if (name == "previtem") return index > 0 ? loop->items[loop->index - 1] : Value(Undefined{"loop.previtem"});
  if (name == "nextitem")
    return index + 1 < size ? loop->items[loop->index + 1] : Value(Undefined{"loop.nextitem"});
  if (name == "cycle")
    return Value::function("cycle", [loop](Interpreter&, const Arguments& arguments) {
      if (arguments.positional.empty()) fail("loop.cycle needs values");
      return arguments.positional[loop->index % arguments.positional.size()];
    });
  if (name == "changed")
    return Value::function("changed", [loop](Interpreter& in, const Arguments& arguments) {
      const Value now = in.list(arguments.positional, true);
      const bool is_same = loop->last_changed && equal(*loop->last_changed, now);
      loop->last_changed = std::make_shared<Value>(now);
      return Value(!is_same);
    });
  return Undefined{"loop." + name};
}

}  // namespace

std::vector<size_t> character_starts(const MarkedText& text) {
  std::vector<size_t> starts;
  for (size_t pos = 0; pos < text.size(); pos += char_at(text.str(), pos).length) starts.push_back(pos);
  starts.push_back(text.size());
  return starts;
}

std::vector<size_t> slice_indices(size_t size, const Value& begin, const Value& end, const Value& step) {
  const auto count = static_cast<int64_t>(size);
  const auto number = [&](const Value& value, int64_t fallback) {
    if (value.is_none()) return fallback;
    const auto found = value.as_integer();
    if (!found) fail("a slice needs integers, got ", value.type_name());
    return *found;
  };
  const int64_t stride = number(step, 1);
  if (stride == 0) fail("a slice's step must not be 0");
  const int64_t low = stride < 0 ? -1 : 0, high = stride < 0 ? count - 1 : count;
  const auto bound = [&](const Value& value, int64_t fallback) {
    int64_t at = number(value, fallback);
    if (!value.is_none() && at < 0) at = at < -count ? -1 - count : at + count;
    return std::clamp(at, low, high);
  };
  const int64_t first = bound(begin, stride < 0 ? high : low), last = bound(end, stride < 0 ? low : high);
  std::vector<size_t> indices;
  for (int64_t at = first; stride < 0 ? at > last : at < last;) {
    indices.push_back(static_cast<size_t>(at));
    if (__builtin_add_overflow(at, stride, &at)) break;
  }
  return indices;
}

Value Interpreter::lookup(const std::string& name) {
  for (const Scope* scope = scope_.get(); scope; scope = scope->parent.get())
    if (const auto found = scope->variables.find(name); found != scope->variables.end()) return found->second;
  return Undefined{name};
}

Value Interpreter::attribute(const Value& object, const std::string& name) {
  if (const Undefined* missing = object.undefined()) fail("'", missing->name, "' is undefined");
  if (const Namespace* names = object.names()) {
    const auto found = names->attributes.find(name);
    return found == names->attributes.end() ? Value(Undefined{name}) : found->second;
  }
  if (object.loop()) return loop_attribute(object.shared_loop(), name);
  if (Value method = find_method(object, name); !method.undefined()) return method;
  if (const Dict* dict = object.dict())
    if (const Value* found = dict->find(std::string_view(name))) return *found;
  return Undefined{name};
}

Value Interpreter::item(const Value& object, const Value& key) {
  if (const Undefined* missing = object.undefined()) fail("'", missing->name, "' is undefined");
  if (const Dict* dict = object.dict()) {
    const bool is_key = key.text() || key.is_number() || key.is_none();
    if (const Value* found = is_key ? dict->find(key) : nullptr) return *found;
  } else if (const auto index = key.as_integer()) {
    const MarkedText* text = object.text();
    if (!text && !object.list()) return Undefined{cat(*index)};
    std::vector<size_t> starts;
    if (text) charge(text->size());
    if (text) starts = character_starts(*text);
    const auto size = static_cast<int64_t>(text ? starts.size() - 1 : object.list()->items.size());
    const int64_t at = *index < 0 ? *index + size : *index;
    if (at < 0 || at >= size) return Undefined{cat("item ", *index)};
    const auto i = static_cast<size_t>(at);
    return text ? this->text(text->part(starts[i], starts[i + 1])) : object.list()->items[i];
  }
  if (const MarkedText* name = key.text()) {
    if (object.dict()) {
      Value method = find_method(object, name->str());
      return method.undefined() ? Value(Undefined{name->str()}) : method;
    }
    return attribute(object, name->str());
  }
  return Undefined{"item"};
}

std::vector<Value> Interpreter::items_of(const Value& value) {
  std::vector<Value> items;
  if (value.undefined()) return items;
  if (const List* list = value.list()) {
    items = list->items;
  } else if (const Dict* dict = value.dict()) {
    for (const auto& [key, ignored] : dict->items()) items.push_back(key);
  } else if (const MarkedText* text = value.text()) {
    charge(text->size() * 64);
    const std::vector<size_t> starts = character_starts(*text);
    for (size_t i = 0; i + 1 < starts.size(); ++i) items.emplace_back(text->part(starts[i], starts[i + 1]));
  } else {
    fail("a ", value.type_name(), " can't be gone over");
  }
  charge(items.size() * sizeof(Value));
  return items;
}

bool Interpreter::contains(const Value& container, const Value& value) {
  if (const MarkedText* text = container.text()) {
    if (!value.text()) fail("'in' a text needs a text, got ", value.type_name());
    charge(text->size() / 8);
    return text->str().find(value.text()->str()) != std::string::npos;
  }
  if (const Dict* dict = container.dict()) return dict->find(value) != nullptr;
  charge(container.weight() / 4);
  const std::vector<Value> items = items_of(container);
  return std::any_of(items.begin(), items.end(), [&](const Value& item) { return equal(item, value); });
}

Value Interpreter::evaluate_dict(const Expression& expression) {
  Dict dict;
  for (size_t i = 0; i + 1 < expression.operands.size(); i += 2) {
    Value key = evaluate(*expression.operands[i]);
    dict.put(std::move(key), evaluate(*expression.operands[i + 1]));
  }
  charge(dict.items().size() * 4 * sizeof(Value));
  return Value(std::move(dict));
}

Value Interpreter::evaluate_slice(const Expression& expression) {
  const Value object = evaluate(*expression.operands[0]);
  Value bounds[3];
  for (size_t i = 0; i < 3; ++i)
    if (expression.operands[i + 1]) bounds[i] = evaluate(*expression.operands[i + 1]);
  if (const Undefined* missing = object.undefined()) fail("'", missing->name, "' is undefined");
  if (const MarkedText* source = object.text()) {
    charge(source->size() * 8);
    const std::vector<size_t> starts = character_starts(*source);
    MarkedText sliced;
    for (const size_t i : slice_indices(starts.size() - 1, bounds[0], bounds[1], bounds[2]))
      sliced.append_part(*source, starts[i], starts[i + 1]);
    return text(std::move(sliced));
  }
  const List* source = object.list();
  if (!source) fail("a ", object.type_name(), " has no slices");
  charge(source->items.size() * sizeof(Value));
  std::vector<Value> items;
  for (const size_t i : slice_indices(source->items.size(), bounds[0], bounds[1], bounds[2]))
    items.push_back(source->items[i]);
  return list(std::move(items), source->is_tuple);
}

Value Interpreter::evaluate_concat(const Expression& expression) {
  MarkedText joined;
  for (const auto& operand : expression.operands) {
    append(evaluate(*operand), joined);
  }
  return text(std::move(joined));
}

bool Interpreter::evaluate_compare(const Expression& expression) {
  Value left = evaluate(*expression.operands[0]);
  for (size_t i = 0; i < expression.operators.size(); ++i) {
    Value right = evaluate(*expression.operands[i + 1]);
    if (!compare(expression.operators[i], left, right)) return false;
    left = std::move(right);
  }
  return true;
}

bool Interpreter::compare(const std::string& op, const Value& left, const Value& right) {
  charge(std::min(left.weight(), right.weight()) / 4);
  if (op == "==") return equal(left, right);
  if (op == "!=") return !equal(left, right);
  if (op == "in") return contains(right, left);
  if (op == "not in") return !contains(right, left);
  if (op == "<") return less(left, right);
  if (op == ">") return less(right, left);
  return op == "<=" ? less(left, right) || equal(left, right) : less(right, left) || equal(left, right);
}

Value Interpreter::number_arithmetic(const std::string& op, const Value& left, const Value& right) {
  if (!left.is_number() || !right.is_number()) fail_operands(op, left, right);
  const auto a = left.as_integer(), b = right.as_integer();
  if (a && b && op != "/" && !(op == "**" && *b < 0)) {
    int64_t result = 0;
    if (op == "+") return checked(__builtin_add_overflow(*a, *b, &result), result);
    if (op == "-") return checked(__builtin_sub_overflow(*a, *b, &result), result);
    if (op == "*") return checked(__builtin_mul_overflow(*a, *b, &result), result);
    if (op == "//") return floor_divide(*a, *b);
    if (op == "%") return *b == -1 ? int64_t{0} : *a - floor_divide(*a, *b) * *b;
    return integer_power(*a, *b);
  }
  const double x = left.as_double(), y = right.as_double();
  if (op == "+") return x + y;
  if (op == "-") return x - y;
  if (op == "*") return x * y;
  if (op == "**") return std::pow(x, y);
  if (y == 0) fail("division by zero");
  if (op == "/") return x / y;
  return op == "//" ? std::floor(x / y) : x - std::floor(x / y) * y;
}

Value Interpreter::repeated(const Value& value, int64_t times) {
  times = std::max<int64_t>(times, 0);
  const MarkedText* source = value.text();
  const size_t unit = source ? source->size() : value.list()->items.size() * sizeof(Value);
  size_t total = 0;
  if (__builtin_mul_overflow(unit, static_cast<size_t>(times), &total)) total = SIZE_MAX;
  charge(total);
  if (total == 0) times = 0;
  if (source) {
    MarkedText out;
    for (int64_t i = 0; i < times; ++i) out.append(*source);
    return Value(std::move(out));
  }
  std::vector<Value> items;
  for (int64_t i = 0; i < times; ++i)
    items.insert(items.end(), value.list()->items.begin(), value.list()->items.end());
  return Value::list(std::move(items), value.list()->is_tuple);
}

Value Interpreter::sequence_arithmetic(const std::string& op, const Value& left, const Value& right) {
  if (op == "+" && left.text() && right.text()) {
    MarkedText joined = *left.text();
    joined.append(*right.text());
    return text(std::move(joined));
  }
  if (op == "+" && left.list() && right.list() && left.list()->is_tuple == right.list()->is_tuple) {
    charge((left.list()->items.size() + right.list()->items.size()) * sizeof(Value));
    std::vector<Value> items = left.list()->items;
    items.insert(items.end(), right.list()->items.begin(), right.list()->items.end());
    return list(std::move(items), left.list()->is_tuple);
  }
  if (op == "*" && (left.text() || left.list()) && right.as_integer())
    return repeated(left, *right.as_integer());
  if (op == "*" && (right.text() || right.list()) && left.as_integer())
    return repeated(right, *left.as_integer());
  if (op == "%" && left.text()) {
    const List* tuple = right.list();
    return format_text(*this, *left.text(),
                       tuple && tuple->is_tuple ? tuple->items : std::vector<Value>{right});
  }
  fail_operands(op, left, right);
}

}  // namespace melete::jinja
